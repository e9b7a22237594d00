"""The demonstration: one simulated patient staged, then a small five-fold study, on simulated data alone."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.batch import Place
from fibrolens.begun import RUN
from fibrolens.output import MANIFEST, is_done, output_folder
from fibrolens.phantom.cohort import CohortOptions, paper_stages, write_cohort
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import medium_grid, render
from fibrolens.pipeline import StageOptions
from fibrolens.progress import Progress, duration
from fibrolens.stage_batch import stage_batch
from fibrolens.study.plans import demo_plan
from fibrolens.study.run import Networks, run_study
from fibrolens.study.steps import Running
from fibrolens.weights import shipped

#: The staged patient: a cirrhosis that shows the signs.
PATIENT_SEED = 4
PATIENT_STAGE = 4
PATIENT_ID = "simulated-F4"
#: Two processes simulate; more gain little on the small grid.
WORKERS = 2


def run_demo(out: Path, patients: int, seed: int, overwrite: bool = False) -> int:
    """Run the demonstration into `out` and say where to look.

    Args:
        out: folder; what an earlier run finished there is used again.
        patients: patients of the study.
        seed: of the study's patients.
        overwrite: discard the cohort and the study of an earlier demo.

    Returns:
        The exit status.
    """
    started = time.perf_counter()
    if overwrite:
        for name in ("cohort", "study"):
            discard(out / name)
    _say("Simulated data and weights trained on simulated CT: research use only, no clinical meaning.\n")
    _say("1 of 2  A simulated patient as a DICOM series, staged")
    series = _patient(out / "patient")
    status = stage_batch([series], StageOptions(), Place(out / "staged", PATIENT_ID, overwrite=True))
    if status:
        return status
    _say(f"\n2 of 2  A five-fold study of {patients} simulated patients in the paper's mix of stages,")
    _say("        fine-tuned in every fold from the shipped weights, which have seen none of them")
    study = simulated_study(out, patients, seed)
    _say(_summary(out, study, time.perf_counter() - started))
    return 0


def discard(folder: Path) -> None:
    """Remove a cohort or study of an earlier demo, complete or not; anything else stays."""
    if (folder / MANIFEST).is_file() or (folder / RUN).is_file():
        shutil.rmtree(folder)


def simulated_study(out: Path, patients: int, seed: int) -> Path:
    """The five-fold study of a simulated cohort: writes ``out/cohort`` and ``out/study``, returns the latter."""
    cohort = _cohort(out / "cohort", patients, seed)
    return run_study(cohort, out / "study", demo_plan(), Networks(shipped("lfs")), Running(progress=Progress))


def _patient(folder: Path) -> Path:
    """The DICOM series of the staged patient."""
    run = {"command": "demo", "patient_seed": PATIENT_SEED, "stage": PATIENT_STAGE}
    if not is_done(folder, run, overwrite=True):
        patient = sample_patient(np.random.default_rng(PATIENT_SEED), PATIENT_STAGE, PATIENT_ID)
        with output_folder(folder, run) as inside:
            write_dicom_series(render(patient, medium_grid(patient)).hu, inside / "dicom", patient)
    return folder / "dicom"


def _cohort(folder: Path, patients: int, seed: int) -> Path:
    """``cohort.csv`` of the simulated cohort."""
    options = CohortOptions(format="nifti", grid="small", workers=WORKERS)
    stages = paper_stages(patients)
    with Progress(len(stages), "simulating") as progress:
        return write_cohort(folder, stages, seed, options, progress.advance)


def _summary(out: Path, study: Path, seconds: float) -> str:
    evaluation = json.loads((study / "evaluation.json").read_text(encoding="utf-8"))
    lines = ["", "Out-of-fold AUC (95 % interval, DeLong), simulated patients:"]
    lines += [_auc_line(name, evaluation["thresholds"][name]) for name in ("F>=2", "F>=3", "F4")]
    lines += [
        "",
        "Where to look:",
        f"  the staged patient   {out / 'staged' / PATIENT_ID / 'report.html'}",
        f"  its map over the CT  {out / 'staged' / PATIENT_ID / 'overlay.png'}",
        f"  the study's report   {study / 'report.html'}",
        f"  ROC curves           {study / 'figures' / 'fig3_roc.png'}",
        f"  location maps        {study / 'figures' / 'fig4_maps.png'}",
        f"  attention, F0 to F4  {study / 'figures' / 'fig5_attention.png'}",
        f"  all figures          {study / 'evaluation.json'}",
        "",
        f"Done in {duration(seconds)}.",
    ]
    return "\n".join(lines)


def _auc_line(name: str, threshold: dict[str, Any]) -> str:
    counts = f"{threshold['positives']} against {threshold['negatives']} patients"
    if threshold["auc"] is None:
        return f"  {name:<5} not measurable ({threshold['reason']}; {counts})"
    ends = threshold["auc"]["delong"]
    interval = "[no interval]" if ends is None else f"[{ends[0]:.2f}, {ends[1]:.2f}]"
    return f"  {name:<5} {threshold['auc']['value']:.2f} {interval}  ({counts})"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
