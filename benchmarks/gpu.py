"""The staging network on a GPU: forward pass, maps of five stages and transfers, with errors and the floor.

The shipped weights, and a network of the default plan without training, see the slabs of a simulated patient.
Everything takes turns; times are milliseconds per slab, medians. Errors are the largest differences from float64 on the
processor, of maps as a part of the highest value. The floor is what the operations and the bytes of the convolutions
take at the rates of matrix products and copies that this GPU reached in the same run. Writes ``gpu.json``. Without a
GPU it is skipped by name; --rehearse runs it with a toy network on the processor then, which shows that the script
works and measures nothing.

usage: gpu.py [--out DIR] [--rounds N] [--rehearse]
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from common import Job, alternate, best, machine, operations, write
from fibrolens.explain.location_maps import location_maps
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan
from fibrolens.staging.device import Device
from fibrolens.staging.network import LFSNetwork, fast, new_network
from fibrolens.staging.predict import StagingModel
from fibrolens.transforms import ToNetworkGrid
from fibrolens.transforms.slabs import Slabs
from fibrolens.weights import shipped

STAGES = range(5)
LAYERS = {"conv4": ["conv4"], "conv3": ["conv3"], "their mean": ["conv3", "conv4"]}
#: Of the probabilities, that bfloat16 may cost.
LIMIT = 1e-2
#: Slabs whose errors are measured, since float64 on a processor is slow.
CHECKED = 2
NAMES = {
    "shipped": "shipped weights, 32 x 128 x 128",
    "default": "default plan, 32 x 256 x 256",
    "toy": "toy plan, 8 x 32 x 32",
}
#: For a rehearsal.
TOY = Plan(
    grid=GridPlan(spacing_mm=(5.0, 12.0, 12.0), in_plane=(32, 32)),
    slab=SlabPlan(slices=8, stride=4),
    network=NetworkPlan((2, 2, 3, 3), (3, 3, 3), pools=((1, 2, 2),) * 3, pooled=(1, 2, 2), hidden=4),
)
GPU = torch.cuda.is_available()
KIND = "cuda" if GPU else "cpu"


@dataclass(frozen=True, eq=False)
class Subject:
    """A network on the device, and slabs of a scan.

    Args:
        network: in fp32.
        image: the scan on the network grid, in ordinary memory.
        slabs: where its slabs lie.
    """

    network: LFSNetwork
    image: Tensor
    slabs: Slabs

    @property
    def windows(self) -> Tensor:
        """The slabs on the device, in the layout that convolutions like."""
        windows = self.slabs.extract(self.image.to(KIND))[:, None]
        return windows.contiguous(memory_format=torch.channels_last_3d)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rehearse", action="store_true", help="run on the processor where there is no GPU")
    options = parser.parse_args()
    if not GPU and not options.rehearse:
        print("gpu.py is skipped: torch sees no GPU here (--rehearse tries the script on the processor).")
        return
    found = rates()
    report = {"machine": machine(), "gpu": gpu(), "rounds": options.rounds, "rates": found}
    for name, network, plan in networks():
        report[name] = measure(Subject(network.to(KIND), *scan(plan)), found, options.rounds)
    write(report, options.out, "gpu" if GPU else "gpu_rehearsed")


def networks() -> Iterator[tuple[str, LFSNetwork, Plan]]:
    """By name: the network in the layout that convolutions like, and its plan."""
    if not GPU:
        yield NAMES["toy"], fast(new_network(TOY.network, 0).eval()), TOY
        return
    trained = StagingModel.load(shipped("lfs"))
    yield NAMES["shipped"], trained.network, trained.plan
    yield NAMES["default"], fast(new_network(Plan().network, 0).eval()), Plan()


def scan(plan: Plan) -> tuple[Tensor, Slabs]:
    """A simulated patient on the network grid, and the slabs over all of the scan."""
    patient = sample_patient(np.random.default_rng(1), 3, "bench")
    ct = render(patient, small_grid(patient)).hu
    image = torch.from_numpy(ToNetworkGrid.fit(ct, plan.grid).forward(ct).array)
    if not GPU:
        image = image[: plan.slab.slices + CHECKED - 1]
    return image, Slabs.over(0, len(image) - 1, len(image), plan.slab)


def gpu() -> dict[str, Any]:
    """Which GPU it is."""
    if not GPU:
        return {"name": "none"}
    known = torch.cuda.get_device_properties(0)
    return {"name": known.name, "memory_gb": round(known.total_memory / 1e9), "cuda": torch.version.cuda}


def rates() -> dict[str, float]:
    """TFLOP/s of matrix products in each precision; GB/s of copies on the device and to it."""
    size, cells = (8192, 2**28) if GPU else (512, 2**22)
    product = torch.rand(size, size, device=KIND)
    rough = product.bfloat16()
    block, host = torch.zeros(cells, device=KIND), torch.zeros(cells)
    pinned = host.pin_memory() if GPU else host
    found = {}
    for name, factor in (("fp32", product), ("TF32", product), ("bf16", rough)):
        with precise("highest" if name == "fp32" else "high"):
            found[name] = 2 * size**3 / best(finished(partial(torch.mm, factor, factor))) / 1e12
    copies = {
        "copy": (2, block.clone),
        "pageable": (1, lambda: host.to(KIND, copy=True)),
        "pinned": (1, lambda: pinned.to(KIND, copy=True, non_blocking=True)),
    }
    return found | {name: times * 4e-9 * cells / best(finished(job)) for name, (times, job) in copies.items()}


@contextmanager
def precise(name: str) -> Iterator[None]:
    """Matrix products at torch's precision `name`."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def finished(job: Job) -> Job:
    """The job with the wait for what it started on the GPU."""

    def run() -> None:
        job()
        if GPU:
            torch.cuda.synchronize()

    return run


def measure(subject: Subject, found: Mapping[str, float], rounds: int) -> dict[str, Any]:
    """Everything of one network."""
    if GPU:
        torch.cuda.reset_peak_memory_stats()
    windows = subject.windows
    passes, failed = forward_jobs(subject.network, windows)
    with torch.no_grad():
        forward = milliseconds(passes, rounds, len(windows))
    errors = {name: error(subject, mode) for name, mode in modes().items()}
    return {
        "slabs": len(windows),
        "forward_ms": forward,
        "not_available": failed,
        "maps_ms": milliseconds(map_jobs(subject.network, windows), rounds, len(windows)),
        "scan_ms": scan_ms(subject, rounds),
        "floor_ms": floor(subject.network, windows[:1], found),
        "error": errors,
        "bf16_within_limit": errors["bf16"]["probabilities"] < LIMIT,
        "peak_mb_per_slab": round(torch.cuda.max_memory_allocated() / 1e6 / len(windows)) if GPU else None,
    }


def modes() -> dict[str, Callable[[], AbstractContextManager[Any]]]:
    """Precisions of convolutions, as contexts."""
    settings = partial(torch.backends.cudnn.flags, enabled=True, benchmark=False, deterministic=True)
    return {
        "fp32": partial(settings, allow_tf32=False),
        "TF32": partial(settings, allow_tf32=True),
        "bf16": partial(torch.autocast, KIND, torch.bfloat16),
    }


def forward_jobs(network: LFSNetwork, windows: Tensor) -> tuple[dict[str, Job], dict[str, str]]:
    """Ways through the network, and why some cannot be gone here."""
    plain = windows.contiguous()
    jobs: dict[str, Job] = {
        "fp32, one by one": within("fp32", lambda: [network(window[None]) for window in windows]),
        "fp32, slices first": within("fp32", lambda: network(plain)),
    }
    jobs |= {f"{mode}, all at once": within(mode, partial(network, windows)) for mode in modes()}
    failed: dict[str, str] = {}
    for name, make in {"compiled": compiled, "captured as a graph": captured}.items():
        for mode in ("fp32", "bf16") if GPU else ():
            try:
                jobs[f"{mode}, {name}"] = make(network, windows, mode)
            except RuntimeError as reason:
                failed[f"{mode}, {name}"] = str(reason).splitlines()[0]
    return jobs, failed


def within(mode: str, job: Job) -> Job:
    """The job in a precision."""

    def run() -> None:
        with modes()[mode]():
            job()

    return run


def compiled(network: LFSNetwork, windows: Tensor, mode: str) -> Job:
    """By torch.compile, which needs a C compiler."""
    job = within(mode, partial(torch.compile(network), windows))
    with torch.no_grad():
        job()
    return job


def captured(network: LFSNetwork, windows: Tensor, mode: str) -> Job:
    """As a CUDA graph, which replays the kernels of one pass without the processor."""
    job = within(mode, partial(network, windows))
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with torch.no_grad():
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            job()
        torch.cuda.current_stream().wait_stream(aside)
        with torch.cuda.graph(graph):
            job()
    return graph.replay


def map_jobs(network: LFSNetwork, windows: Tensor) -> dict[str, Job]:
    """Maps of five stages, forward pass included, on the slab's grid."""
    return {
        f"{mode}, {name}": within(mode, partial(maps, network, layers, windows))
        for mode in modes()
        for name, layers in LAYERS.items()
    }


def maps(network: nn.Module, layers: list[str], windows: Tensor) -> dict[str, Tensor]:
    """Maps of five stages."""
    return dict(location_maps(network, windows, STAGES, layers).maps)


def scan_ms(subject: Subject, rounds: int) -> dict[str, float]:
    """Stage and five maps of a whole scan, from memory to memory: on the processor and on the device, in turns."""
    here = Subject(deepcopy(subject.network).cpu(), subject.image, subject.slabs)
    devices = {
        "processor": (Device(), here),
        "fp32": (Device(KIND, 64), subject),
        "bf16": (Device(KIND, 64, True), subject),
    }
    return milliseconds({name: partial(staged, *which) for name, which in devices.items()}, max(rounds // 4, 1), 1)


def staged(device: Device, subject: Subject) -> tuple[Tensor, Tensor]:
    """Probabilities and five maps of a scan as `staging.predict` makes them."""
    windows = subject.slabs.extract(device.put(subject.image))[:, None]
    with torch.no_grad():
        scores = device.over(windows, lambda batch: {"scores": subject.network(batch)})["scores"]
    located = device.over(windows, partial(maps, subject.network, LAYERS["conv4"]), axis=1)["conv4"]
    merged, _ = subject.slabs.merge(located.transpose(0, 1))
    return torch.softmax(scores, dim=1).mean(dim=0).cpu(), merged.cpu()


def milliseconds(jobs: Mapping[str, Job], rounds: int, slabs: int) -> dict[str, float]:
    """Of each job per slab; they take turns."""
    seconds = alternate({name: finished(job) for name, job in jobs.items()}, rounds)
    return {name: round(1000 * value / slabs, 4) for name, value in seconds.items()}


def floor(network: LFSNetwork, window: Tensor, found: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds per slab: of the arithmetic, or of the bytes that convolutions read and write where that is more."""
    cells: list[int] = []

    def count(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        cells.append(inputs[0].numel() + output.numel())

    hooks = [one.register_forward_hook(count) for one in network.modules() if isinstance(one, nn.Conv3d)]
    with torch.no_grad():
        needed = operations(partial(network, window))
    for hook in hooks:
        hook.remove()
    size = {"fp32": 4, "TF32": 4, "bf16": 2}
    rate = 1e9 * found["copy"]
    return {mode: round(1000 * max(needed / 1e12 / found[mode], sum(cells) * size[mode] / rate), 4) for mode in size}


def error(subject: Subject, mode: Callable[[], AbstractContextManager[Any]]) -> dict[str, float]:
    """Of logits, probabilities and maps at the last convolution."""
    exact = location_maps(
        deepcopy(subject.network).cpu().double(), subject.windows[:CHECKED].cpu().double(), STAGES, LAYERS["conv4"]
    )
    with mode():
        found = location_maps(subject.network, subject.windows[:CHECKED], STAGES, LAYERS["conv4"])
    logits, raw = found.logits.double().cpu(), found.raw["conv4"].double().cpu()
    return {
        "logits": float((logits - exact.logits).abs().max()),
        "probabilities": float((torch.softmax(logits, 1) - torch.softmax(exact.logits, 1)).abs().max()),
        "maps": float((raw - exact.raw["conv4"]).abs().max() / exact.raw["conv4"].max()),
    }


if __name__ == "__main__":
    main()
