"""Predict simulated patients that the shipped staging weights have never seen, and calibrate their stage sets on them.

The patients are in the paper's mix, in random order, on the small grid, with their true liver's slice range; patient k
is drawn from the seed (1000010, k), which belongs to the shipped weights and to no cohort. Predictions are kept in
--pool; a call that was killed or reached --minutes goes on where it stopped when it is run again. With all patients
predicted, ``calibration.json`` is written into the model folder.

    python scripts/calibrate_lfs.py --pool runs/lfs/calibration.csv --model src/fibrolens/shipped/lfs
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np

from fibrolens.evaluate.stage_sets import CLAIM, calibrate, label_scores
from fibrolens.output import write_json
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.phantom.severity import paper_stages
from fibrolens.plan import STAGES
from fibrolens.progress import Progress
from fibrolens.staging.calibration import StageCalibration
from fibrolens.staging.data import StagingCase, prepare_case
from fibrolens.staging.predict import StagingModel, predict_case
from fibrolens.weights import CALIBRATION, shipped

#: Of the patients; stated before any of them was drawn. It lies among those that cohorts cannot have.
SEED = 1_000_010
PATIENTS = 1400
#: How the line of the model card begins.
SAID = "- Stage sets (`calibration.json`, `scripts/calibrate_lfs.py`): calibrated on "
COLUMNS = ("scan_id", "stage", "in_domain", *(f"p_{stage}" for stage in STAGES))


def main() -> int:
    """Predict who is missing, then calibrate; 1 where the minutes did not suffice."""
    options = _options()
    until = time.monotonic() + 60.0 * options.minutes
    model = StagingModel.load(options.model)
    stages = pool_stages()[: options.patients]
    options.pool.parent.mkdir(parents=True, exist_ok=True)
    done = _done(options.pool)
    with (
        options.pool.open("a", encoding="utf-8", newline="") as stream,
        Progress(len(stages), "predicting") as progress,
    ):
        progress.advance(min(done, len(stages)))
        writer = csv.writer(stream, lineterminator="\n")
        if not done:
            writer.writerow(COLUMNS)
        for index in range(done, len(stages)):
            if time.monotonic() > until:
                print("The minutes are over; run the same command again to go on.", file=sys.stderr)
                return 1
            writer.writerow(_row(model, index, stages[index]))
            stream.flush()
            progress.advance()
    write_calibration(options.pool, options.model, model.sha256, len(stages))
    return 0


def pool_stages() -> list[int]:
    """The stage of each patient: the paper's mix in random order, so that any stretch of them is a fair draw."""
    return [int(stage) for stage in np.random.default_rng(SEED).permutation(paper_stages(PATIENTS))]


def write_calibration(pool: Path, folder: Path, weights_sha256: str, patients: int) -> None:
    """Write ``calibration.json`` of a model folder from the first `patients` of a pool.

    Those that the domain check takes for unfamiliar are left out: a set claims nothing of such scans.
    """
    with pool.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in list(csv.DictReader(stream))[:patients] if row["in_domain"] == "true"]
    probabilities = np.array([[float(row[f"p_{stage}"]) for stage in STAGES] for row in rows])
    allowed = np.array([[row["stage"] == stage for stage in STAGES] for row in rows])
    threshold = calibrate(label_scores(probabilities, allowed), CLAIM)
    text = f"{len(rows)} simulated CTs of patients that the weights had never seen, stages mixed as in the paper"
    write_json(StageCalibration(threshold, text).to_dict(weights_sha256), folder / CALIBRATION)
    size = float(threshold.sets(probabilities).sum(axis=1).mean())
    say_on_card(folder / "MODEL_CARD.md", f"{text}; claim {CLAIM:.0%}, {size:.2f} stages in a set on average.")
    print(f"{folder / CALIBRATION}: {threshold}; mean size {size:.2f}")


def say_on_card(card: Path, text: str) -> None:
    """Put the line of the stage sets at the end of a model card, in place of an earlier one."""
    lines = card.read_text(encoding="utf-8").splitlines() if card.is_file() else []
    kept = [line for line in lines if not line.startswith(SAID)]
    card.write_text("\n".join([*kept, SAID + text]) + "\n", encoding="utf-8")


def simulate(model: StagingModel, index: int, stage: int) -> StagingCase:
    """One patient on the model's grid; a function of its index and stage alone."""
    name = f"calibration-{index:05d}"
    patient = sample_patient(np.random.default_rng([SEED, index]), stage, name)
    scan = render(patient, small_grid(patient))
    liver = scan.labels.with_array(scan.labels.array == Organ.LIVER)
    return prepare_case(scan.hu, liver, model.plan.grid, scan_id=name, patient_id=name, stage=stage)


def _row(model: StagingModel, index: int, stage: int) -> list[str]:
    case = simulate(model, index, stage)
    found = predict_case(model, case)
    familiar = model.domain is not None and model.domain.familiar(found.features)
    return [case.scan_id, f"F{stage}", str(familiar).lower(), *(repr(float(p)) for p in found.probabilities)]


def _done(pool: Path) -> int:
    """How many patients the file holds; a line that a kill has broken is taken away."""
    if not pool.exists():
        return 0
    whole = pool.read_text(encoding="utf-8").rpartition("\n")[0]
    pool.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
    return max(0, whole.count("\n"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shipped("lfs"), help="model folder, which gets calibration.json")
    parser.add_argument("--pool", type=Path, default=Path("runs/lfs/calibration.csv"), help="cache of the predictions")
    parser.add_argument("--patients", type=int, default=PATIENTS, help="calibrate on the first so many")
    parser.add_argument("--minutes", type=float, default=120.0, help="end this call after so many")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
