"""One CT, side by side: `fibrolens stage` with the maps of all stages, and the same maps by a MONAI script.

Whole processes in turns, medians of their wall time, processor time and peak memory; ratios are what to compare between
machines. Beside them stand what merely reading the series costs (SimpleITK), `fibrolens --help`, and the floor: the
operations and bytes of the job at the rates that this machine reached in the same run. Writes ``one_ct.json``.

usage: one_ct.py [--out DIR] [--input DICOM] [--labels FILE] [--runs N]
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import full_grid, render
from fibrolens.plan import STAGES, Plan
from fibrolens.staging.predict import StagingModel
from fibrolens.weights import shipped

READ_ONLY = """
import sys, SimpleITK
reader = SimpleITK.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames(sys.argv[1]))
SimpleITK.GetArrayFromImage(reader.Execute())
"""
MONAI = "MONAI script, masks given"
GIVEN, LEAN, FOUND = "stage, masks given", "stage, masks given, --skip report dicom", "stage, organs found"


@dataclass(frozen=True)
class Cost:
    """Of a whole process: seconds, and gigabytes at its peak."""

    wall_s: float
    cpu_s: float
    peak_gb: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--input", type=Path, help="a DICOM folder (default: a simulated full-grid series)")
    parser.add_argument("--labels", type=Path, help="1 liver, 2 spleen on its grid (default: those that stage finds)")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    series = options.input or simulated_series(options.out / "series")
    stage = [sys.executable, "-m", "fibrolens", "stage", str(series), "--maps", "all", "--overwrite", "--force"]
    first = [*stage, "--out", str(options.out / "found")]
    cost(first)
    labels = options.labels or next(options.out.glob("found/*/labels.nii.gz"))
    own = ["--labels", str(labels)]
    jobs = {
        GIVEN: [*stage, *own, "--out", str(options.out / "given")],
        LEAN: [*stage, *own, "--skip", "report", "--skip", "dicom", "--out", str(options.out / "lean")],
        FOUND: first,
        "reading alone (SimpleITK)": [sys.executable, "-c", READ_ONLY, str(series)],
        "fibrolens --help": [sys.executable, "-m", "fibrolens", "--help"],
    }
    if importlib.util.find_spec("monai"):
        script = Path(__file__).with_name("monai_script.py")
        jobs[MONAI] = [sys.executable, str(script), str(series), str(labels), str(options.out / "monai")]
    else:
        print("MONAI is not installed (pip install 'fibrolens[bench]'); its script is left out.", file=sys.stderr)
    costs = medians(jobs, options.runs)
    report = {
        "cores": os.cpu_count(),
        "costs": {name: asdict(one) for name, one in costs.items()},
        "floor": floor(series, options.out / "given"),
        "steps_s": json.loads(next(options.out.glob("given/*/manifest.json")).read_text())["timings_s"],
    }
    if MONAI in costs:
        report["ratios"] = {name: ratio(costs[name], costs[MONAI]) for name in (GIVEN, LEAN, FOUND)}
        report["same_job"] = agreement(options.out / "given", options.out / "monai")
    (options.out / "one_ct.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def simulated_series(folder: Path) -> Path:
    """A simulated patient on the full grid, made once."""
    if not folder.exists():
        patient = sample_patient(np.random.default_rng(1), 3, "bench")
        write_dicom_series(render(patient, full_grid(patient)).hu, folder, patient)
    return folder


def medians(jobs: dict[str, list[str]], runs: int) -> dict[str, Cost]:
    """Median cost of each command; they take turns, after a round that warms the files up."""
    found: dict[str, list[Cost]] = {name: [] for name in jobs}
    for number in range(runs + 1):
        for name, command in jobs.items():
            one = cost(command)
            if number:
                found[name].append(one)
    return {
        name: Cost(*(statistics.median(values) for values in zip(*(asdict(c).values() for c in all_), strict=True)))
        for name, all_ in found.items()
    }


def cost(command: list[str]) -> Cost:
    """What a process costs."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed")
    # Linux counts kilobytes, macOS bytes.
    unit = 1e9 if sys.platform == "darwin" else 1e6
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def ratio(ours: Cost, theirs: Cost) -> dict[str, float]:
    """Ours as a part of theirs."""
    return {name: round(value / asdict(theirs)[name], 3) for name, value in asdict(ours).items()}


def agreement(staged: Path, monai: Path) -> dict[str, float]:
    """That both do the same: correlation of the maps of each stage, and the largest difference of a probability."""
    (scan,) = (folder.parent for folder in staged.glob("*/result.json"))
    found = {}
    for stage in STAGES:
        ours, theirs = (
            np.asarray(nib.load(path).dataobj, np.float32)[::4, ::4]
            for path in (scan / "maps" / f"{stage}.nii.gz", next(monai.glob(f"*{stage}.nii.gz")))
        )
        if ours.std() and theirs.std():
            found[f"map {stage}"] = round(float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]), 3)
    told = json.loads((scan / "result.json").read_text())["stage"]["probabilities"]
    other = json.loads((monai / "probabilities.json").read_text())
    return found | {"probability": round(max(abs(told[stage] - other[stage]) for stage in STAGES), 3)}


def floor(series: Path, staged: Path) -> dict[str, float]:
    """Seconds that the arithmetic and the bytes of the job take at this machine's rates."""
    product = torch.rand(1024, 1024)
    multiply = 2 * 1024**3 / best(lambda: torch.mm(product, product))
    block = np.zeros(2**28, np.uint8)
    copied = 2 * block.size / best(block.copy)
    operations = 5 * forward_operations(StagingModel.load(shipped("lfs")).plan)
    read = sum(path.stat().st_size for path in series.rglob("*") if path.is_file())
    written = sum(path.stat().st_size for path in staged.rglob("*") if path.is_file())
    return {
        "multiply_gflops": round(multiply / 1e9, 1),
        "copy_gb_per_s": round(copied / 1e9, 1),
        "forward_gflop": round(operations / 1e9, 2),
        "read_mb": round(read / 1e6),
        "written_mb": round(written / 1e6),
        "arithmetic_s": round(operations / multiply, 3),
        "bytes_s": round((read + written) / copied, 3),
    }


def forward_operations(plan: Plan) -> float:
    """Multiplications and additions of the convolutions of one slab."""
    network = plan.network
    size = np.array([plan.slab.slices, *plan.grid.in_plane]) // network.stride
    total, before = 0.0, 1
    for number, channels in enumerate(network.channels):
        total += 2.0 * float(size.prod()) * before * channels * float(np.prod(network.kernel))
        before = channels
        if number < len(network.pools):
            size = size // network.pools[number]
    return total


def best(function: Callable[[], object], tries: int = 5) -> float:
    """The shortest of some runs, in seconds."""
    times = []
    for _ in range(tries):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
