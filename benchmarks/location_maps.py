"""What location maps cost: Grad-CAM of one slab, forward included, in plain forward passes of the same network.

Beside ours stand five calls of MONAI's GradCAM and of captum's LayerGradCam at the last convolution, where they are
installed. All alternate in one run on one thread; the ratios count. The network is that of the default plan on a slab
of 32 x 256 x 256, and that of the shipped weights on its own slab. Memory is the resident size over 200 maps. Writes
``location_maps.json``.

usage: location_maps.py [--out DIR] [--rounds N]
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch

from common import Job, alternate, machine, write
from fibrolens.explain.location_maps import location_maps
from fibrolens.plan import Plan
from fibrolens.staging.network import LFSNetwork, fast, new_network
from fibrolens.staging.plans import small_plan

STAGES = range(5)
LAYERS = {"conv4": ["conv4"], "conv3": ["conv3"], "their mean": ["conv3", "conv4"]}
LAST = "conv4"
PLANS = {"default plan, 32 x 256 x 256": Plan(), "shipped plan, 32 x 128 x 128": small_plan()}
MAPS = 200


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    report: dict[str, Any] = {"machine": machine(), "rounds": options.rounds}
    report |= {name: measure(plan, options.rounds) for name, plan in PLANS.items()}
    write(report | {"memory": memory()}, options.out, "location_maps")


def measure(plan: Plan, rounds: int) -> dict[str, Any]:
    """Median seconds of a forward pass, and how many of them each way to the maps takes."""
    network = fast(new_network(plan.network, 0).eval())
    slab = torch.rand(1, 1, plan.slab.slices, *plan.grid.in_plane, generator=torch.Generator().manual_seed(0))
    slab = slab.contiguous(memory_format=torch.channels_last_3d)
    seconds = alternate(
        {"forward": partial(forward, network, slab)} | ours(network, slab) | rivals(network, slab), rounds
    )
    once = seconds.pop("forward")
    return {"forward_s": once, "forward_passes": {name: round(value / once, 2) for name, value in seconds.items()}}


def forward(network: LFSNetwork, slab: torch.Tensor) -> torch.Tensor:
    """A plain forward pass."""
    with torch.no_grad():
        scores: torch.Tensor = network(slab)
    return scores


def ours(network: LFSNetwork, slab: torch.Tensor) -> dict[str, Job]:
    """Maps at the layers' own resolution, and on the slab's grid as the rivals' are."""
    jobs: dict[str, Job] = {"one stage at conv4, on the slab's grid": partial(enlarged, network, slab, [4], [LAST])}
    for name, layers in LAYERS.items():
        jobs[f"five stages at {name}"] = partial(location_maps, network, slab, STAGES, layers)
        jobs[f"five stages at {name}, on the slab's grid"] = partial(enlarged, network, slab, STAGES, layers)
    jobs["five integrated maps at conv3"] = partial(location_maps, network, slab, STAGES, ["conv3"], "integrated")
    return jobs


def enlarged(network: LFSNetwork, slab: torch.Tensor, stages: list[int], layers: list[str]) -> list[torch.Tensor]:
    """Maps on the slab's grid, which are made when they are asked for."""
    return list(location_maps(network, slab, stages, layers).maps.values())


def rivals(network: LFSNetwork, slab: torch.Tensor) -> dict[str, Job]:
    """MONAI's and captum's Grad-CAM as their documentation shows them, maps on the slab's grid."""
    jobs: dict[str, Job] = {}
    if importlib.util.find_spec("monai"):
        from monai.visualize import GradCAM  # noqa: PLC0415 - where it is installed

        jobs["MONAI GradCAM, one call"] = lambda: GradCAM(network, target_layers=LAST)(slab, class_idx=4)
        jobs["MONAI GradCAM, five calls"] = lambda: [GradCAM(network, LAST)(slab, class_idx=k) for k in STAGES]
    if importlib.util.find_spec("captum"):
        jobs["captum LayerGradCam, one call"] = lambda: captum_map(network, slab, 4)
        jobs["captum LayerGradCam, five calls"] = lambda: [captum_map(network, slab, k) for k in STAGES]
    if len(jobs) < 4:
        print("MONAI or captum is not installed (pip install 'fibrolens[bench]'); it is left out.", file=sys.stderr)
    return jobs


def captum_map(network: LFSNetwork, slab: torch.Tensor, stage: int) -> torch.Tensor:
    """One map on the slab's grid."""
    from captum.attr import LayerAttribution, LayerGradCam  # noqa: PLC0415 - where it is installed

    raw = LayerGradCam(network, network.conv4).attribute(slab, target=stage, relu_attributions=True)
    located: torch.Tensor = LayerAttribution.interpolate(raw, slab.shape[2:], "trilinear")
    return located


def memory() -> dict[str, float]:
    """Largest resident size in MB after the first map and after `MAPS` of them."""
    plan = small_plan()
    network = fast(new_network(plan.network, 0).eval())
    slab = torch.rand(1, 1, plan.slab.slices, *plan.grid.in_plane)
    sizes = {}
    for number in range(1, MAPS + 1):
        location_maps(network, slab, STAGES, ["conv3", "conv4"])
        if number in (20, MAPS):
            sizes[f"MB after {number} maps"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return sizes


if __name__ == "__main__":
    main()
