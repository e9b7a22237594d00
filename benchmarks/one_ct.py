"""One CT, side by side: `fibrolens stage` with the maps of all stages, and the same maps by a MONAI script.

Whole processes in turns, medians of their wall time, processor time and peak memory; ratios are what to compare between
machines. Beside them stand what merely reading the series costs (SimpleITK), `fibrolens --help`, and the floor: the
operations that torch counts in the job, and the bytes of its files, at the rates that this machine reached in the same
run. Writes ``one_ct.json``.

usage: one_ct.py [--out DIR] [--input DICOM] [--labels FILE] [--runs N]
"""

import argparse
import importlib.util
import json
import shutil
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from common import Cost, costs, machine, operations, rates, simulated_series, write
from fibrolens import pipeline
from fibrolens.masks import OwnMasks
from fibrolens.plan import STAGES

READ_ONLY = """
import sys, SimpleITK
reader = SimpleITK.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames(sys.argv[1]))
SimpleITK.GetArrayFromImage(reader.Execute())
"""
MONAI = "MONAI script, masks given"
GIVEN, LEAN, FOUND = "stage, masks given", "stage, masks given, --skip report dicom", "stage, organs found"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--input", type=Path, help="a DICOM folder (default: a simulated full-grid series)")
    parser.add_argument("--labels", type=Path, help="1 liver, 2 spleen on its grid (default: those that stage finds)")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    series = options.input or simulated_series(options.out / "series")
    work = options.out / "one_ct"
    # What another CT left would be taken for this one's.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    stage = [sys.executable, "-m", "fibrolens", "stage", str(series), "--maps", "all", "--overwrite", "--force"]
    first = [*stage, "--out", str(work / "found")]
    Cost.of(first)
    labels = options.labels or next(work.glob("found/*/labels.nii.gz"))
    own = ["--labels", str(labels)]
    jobs = {
        GIVEN: [*stage, *own, "--out", str(work / "given")],
        LEAN: [*stage, *own, "--skip", "report", "--skip", "dicom", "--out", str(work / "lean")],
        FOUND: first,
        "reading alone (SimpleITK)": [sys.executable, "-c", READ_ONLY, str(series)],
        "fibrolens --help": [sys.executable, "-m", "fibrolens", "--help"],
    }
    if importlib.util.find_spec("monai"):
        script = Path(__file__).with_name("monai_script.py")
        jobs[MONAI] = [sys.executable, str(script), str(series), str(labels), str(work / "monai")]
    else:
        print("MONAI is not installed (pip install 'fibrolens[bench]'); its script is left out.", file=sys.stderr)
    taken = costs(jobs, options.runs)
    report: dict[str, Any] = {
        "machine": machine(),
        "runs": options.runs,
        "costs": {name: asdict(one) for name, one in taken.items()},
        "floor": floor(series, labels, work / "given"),
        "steps_s": json.loads(next(work.glob("given/*/manifest.json")).read_text())["timings_s"],
    }
    if MONAI in taken:
        report["ratios"] = {name: taken[name].part_of(taken[MONAI]) for name in (GIVEN, LEAN, FOUND)}
        report["same_job"] = agreement(work / "given", work / "monai")
    write(report, options.out, "one_ct")


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


def floor(series: Path, labels: Path, staged: Path) -> dict[str, Any]:
    """Seconds that the arithmetic and the bytes of the job take at this machine's rates."""
    reached = rates()
    options = pipeline.StageOptions(all_maps=True, force=True)
    given = replace(options, masks=OwnMasks(labels=labels))
    jobs = {name: partial(pipeline.stage, series, how) for name, how in ((GIVEN, given), (FOUND, options))}
    counted = {name: operations(job) / 1e9 for name, job in jobs.items()}
    read, written = size_mb(series), size_mb(staged)
    return {
        **reached,
        "read_mb": round(read),
        "written_mb": round(written),
        "gflop": {name: round(count, 1) for name, count in counted.items()},
        "arithmetic_s": {name: round(count / reached["multiply_gflops"], 3) for name, count in counted.items()},
        "bytes_s": round((read + written) / 1000 / reached["copy_gb_per_s"], 3),
    }


def size_mb(folder: Path) -> float:
    """Of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
