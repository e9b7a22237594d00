"""Speed of `fibrolens stage` on a simulated 512 x 512 CT, beside what merely reading it costs.

Whole processes are timed, three runs after a warm-up. The ratio to reading the series with SimpleITK in the same run is
what to compare between machines. Writes ``stage_speed.json``.

usage: stage_speed.py [--out DIR] [--input CT] [--runs N]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import full_grid, render

READ_ONLY = """
import sys, SimpleITK
reader = SimpleITK.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames(sys.argv[1]))
SimpleITK.GetArrayFromImage(reader.Execute())
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--input", type=Path, help="a DICOM folder (default: a simulated full-grid series)")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    series = options.input or simulated_series(options.out / "series")
    staged = options.out / "staged"
    stage = [sys.executable, "-m", "fibrolens", "stage", str(series), "--out", str(staged), "--overwrite", "--force"]
    commands = {"stage": stage, "read_with_simpleitk": [sys.executable, "-c", READ_ONLY, str(series)]}
    seconds = {name: median_seconds(command, options.runs) for name, command in commands.items()}
    manifest = json.loads(next(staged.glob("*/manifest.json")).read_text(encoding="utf-8"))
    report = {
        "cores": os.cpu_count(),
        "median_s": seconds,
        "ratio_to_reading": seconds["stage"] / seconds["read_with_simpleitk"],
        "steps_s": manifest["timings_s"],
    }
    (options.out / "stage_speed.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def simulated_series(folder: Path) -> Path:
    """A simulated patient on the full grid, made once."""
    if not folder.exists():
        patient = sample_patient(np.random.default_rng(1), 3, "bench")
        write_dicom_series(render(patient, full_grid(patient)).hu, folder, patient)
    return folder


def median_seconds(command: list[str], runs: int) -> float:
    """Median wall time of whole processes after one warm-up."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


if __name__ == "__main__":
    main()
