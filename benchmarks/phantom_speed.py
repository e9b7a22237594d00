"""What a simulated patient costs: CPU seconds and memory of whole `fibrolens phantom` processes, and if it is linear.

Each grid is run with three numbers of patients on one core; the cost of a patient is the slope between them.

usage: phantom_speed.py [--out DIR] [--full 2 4 6] [--small 5 10 20]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np

#: Seconds on one core and memory that a patient may cost.
TARGET_S = {"full": 15.0, "small": 1.0}
TARGET_GB = 1.5


def main() -> None:
    """Run both grids and print the table as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/phantom_speed"))
    parser.add_argument("--full", type=int, nargs=3, default=[2, 4, 6], help="patients per run")
    parser.add_argument("--small", type=int, nargs=3, default=[5, 10, 20])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    report = {grid: measure(options.out, grid, getattr(options, grid)) for grid in ("small", "full")}
    (options.out / "phantom_speed.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def measure(out: Path, grid: str, counts: Sequence[int]) -> dict[str, object]:
    """CPU seconds per patient (slope), memory, and how far the middle run lies off the line through the others."""
    runs = [run(out / f"{grid}-{count}", grid, count) for count in counts]
    seconds = np.array([r["cpu_s"] for r in runs])
    slope = (seconds[2] - seconds[0]) / (counts[2] - counts[0])
    straight = seconds[0] + slope * (counts[1] - counts[0])
    return {
        "runs": runs,
        "cpu_s_per_patient": round(float(slope), 2),
        "target_s": TARGET_S[grid],
        "peak_gb": max(r["peak_gb"] for r in runs),
        "target_gb": TARGET_GB,
        "off_linear": round(float(seconds[1] / straight - 1), 3),
    }


def run(folder: Path, grid: str, count: int) -> dict[str, float]:
    """One whole process, on one core: CPU and wall seconds, peak memory, mean slices of its scans."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "fibrolens", "phantom", "--out", str(folder), "--patients", str(count)]
    command += ["--grid", grid, "--seed", "7", "--workers", "1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    slices = [nibabel.load(path).shape[2] for path in (folder / "images").glob("*.nii.gz")]
    shutil.rmtree(folder)
    return {
        "patients": count,
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "wall_s": round(time.perf_counter() - started, 2),
        "peak_gb": round(usage.ru_maxrss / 1e6, 2),
        "mean_slices": round(float(np.mean(slices)), 1),
    }


if __name__ == "__main__":
    main()
