"""What the benchmarks share: the machine and its rates, jobs that take turns, operations of a job, a simulated CT."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import full_grid, render
from fibrolens.workers import cores

Job = Callable[[], object]
COST = Path(__file__).with_name("cost.py")


@dataclass(frozen=True)
class Cost:
    """Of a whole process: seconds, and gigabytes at its peak."""

    wall_s: float
    cpu_s: float
    peak_gb: float

    @classmethod
    def of(cls, command: Sequence[str]) -> "Cost":
        """Run a command; one that fails ends the benchmark."""
        told = subprocess.run(
            [sys.executable, "-S", str(COST), *command], stdout=subprocess.PIPE, text=True, check=False
        )
        if told.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        return cls(**json.loads(told.stdout))

    def part_of(self, other: "Cost") -> dict[str, float]:
        """This as a part of the other."""
        return {name: round(value / asdict(other)[name], 3) for name, value in asdict(self).items()}


def costs(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Cost]:
    """Median cost of each command; they take turns, after a round that warms the files up."""
    taken = [{name: Cost.of(command) for name, command in commands.items()} for _ in range(rounds + 1)][1:]
    return {name: _median([one[name] for one in taken]) for name in commands}


def _median(found: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(one, field.name) for one in found) for field in fields(Cost)))


def machine() -> dict[str, Any]:
    """What a table says of the machine."""
    return {
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "torch": torch.__version__,
    }


def rates(size: int = 1024) -> dict[str, float]:
    """What the cores in use reach: operations of fp32 matrix products, and bytes read and written by a large copy."""
    product = torch.rand(size, size)
    block = np.zeros(2**28, np.uint8)
    return {
        "multiply_gflops": round(2 * size**3 / best(lambda: torch.mm(product, product)) / 1e9, 1),
        "copy_gb_per_s": round(2 * block.size / best(block.copy) / 1e9, 1),
    }


def operations(job: Job) -> int:
    """Multiplications and additions of what torch multiplies in a job: convolutions, products, passes back."""
    with FlopCounterMode(display=False) as counter:
        job()
    return int(counter.get_total_flops())


def best(job: Job, tries: int = 5) -> float:
    """The shortest of some runs, in seconds."""
    return min(seconds(job) for _ in range(tries))


def seconds(job: Job) -> float:
    """How long a job takes."""
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def alternate(jobs: Mapping[str, Job], rounds: int) -> dict[str, float]:
    """Median seconds of each job; they take turns, after a round that warms up."""
    for job in jobs.values():
        job()
    taken = [{name: seconds(job) for name, job in jobs.items()} for _ in range(rounds)]
    return {name: statistics.median(one[name] for one in taken) for name in jobs}


def simulated_series(folder: Path) -> Path:
    """A simulated patient as a DICOM series on the full grid, made once."""
    if not folder.exists():
        patient = sample_patient(np.random.default_rng(1), 3, "bench")
        begun = folder.with_name(f"{folder.name}.begun")
        write_dicom_series(render(patient, full_grid(patient)).hu, begun, patient)
        begun.rename(folder)
    return folder


def write(report: Mapping[str, Any], out: Path, name: str) -> None:
    """Keep a report as ``NAME.json`` in `out`, and print it."""
    text = json.dumps(report, indent=2)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
