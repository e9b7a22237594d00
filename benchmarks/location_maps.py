"""What location maps cost: five stages' Grad-CAM of one slab, forward included, against one plain forward pass.

    python benchmarks/location_maps.py            # and beside MONAI's GradCAM where it is installed

All timings alternate in one run on one thread; their ratios count. The network is that of the default plan on a slab
of 32 x 256 x 256, and that of the shipped weights on its own slab. Memory is the resident size over 200 maps.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from fibrolens.explain.location_maps import location_maps
from fibrolens.plan import Plan
from fibrolens.staging.network import LFSNetwork, fast, new_network
from fibrolens.staging.plans import small_plan

STAGES = range(5)
LAYERS = {"conv4": ["conv4"], "conv3": ["conv3"], "mean": ["conv3", "conv4"]}
INTEGRATED = "five integrated maps at conv3"
MAPS = 200


def main() -> int:
    """Print a table and, with --out, write the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    plans = {"default plan, 32 x 256 x 256": Plan(), "shipped plan, 32 x 128 x 128": small_plan()}
    figures = {name: measure(plan, options.rounds) for name, plan in plans.items()}
    figures["memory"] = memory()
    print(json.dumps(figures, indent=2))
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def measure(plan: Plan, rounds: int) -> dict[str, float | None]:
    """Median seconds of a forward pass, and how many of them each kind of map takes."""
    network = fast(new_network(plan.network, 0).eval())
    slab = torch.rand(1, 1, plan.slab.slices, *plan.grid.in_plane, generator=torch.Generator().manual_seed(0))
    slab = slab.contiguous(memory_format=torch.channels_last_3d)

    def forward() -> object:
        with torch.no_grad():
            return network(slab)

    jobs: dict[str, Callable[[], object]] = {"forward": forward}
    for name, layers in LAYERS.items():
        jobs[f"five maps at {name}"] = lambda layers=layers: location_maps(network, slab, STAGES, layers).raw
        jobs[f"five maps at {name}, on the slab's grid"] = lambda layers=layers: [
            maps.clone() for maps in location_maps(network, slab, STAGES, layers).maps.values()
        ]
    jobs[INTEGRATED] = lambda: location_maps(network, slab, STAGES, ["conv3"], "integrated").raw
    peer = monai_maps(network, slab)
    if peer is not None:
        jobs["MONAI GradCAM, five calls at conv4"] = peer
    seconds = alternate(jobs, rounds)
    figures: dict[str, float | None] = {"forward pass, s": seconds.pop("forward")}
    figures |= {f"{name}, forward passes": s / figures["forward pass, s"] for name, s in seconds.items()}  # type: ignore[operator]
    return figures


def monai_maps(network: LFSNetwork, slab: torch.Tensor) -> Callable[[], object] | None:
    """Five calls of MONAI's GradCAM as its documentation shows it; None where MONAI is not installed."""
    try:
        from monai.visualize import GradCAM  # noqa: PLC0415 - where it is installed
    except ImportError:
        print("MONAI is not installed; its column is left out.", file=sys.stderr)
        return None
    return lambda: [GradCAM(nn_module=network, target_layers="conv4")(x=slab, class_idx=k) for k in STAGES]


def alternate(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each job, the jobs taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(rounds):
        for name, job in jobs.items():
            started = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(values) for name, values in seconds.items()}


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
    sys.exit(main())
