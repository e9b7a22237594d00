"""A study that was evaluated: 48 made-up scans of 46 patients in five folds, twelve of them controls."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from tests.staged import simulated, untrained_models

from fibrolens.cohort.flow import Arm, Count, Flow, Reason, StageCount, Unsettled
from fibrolens.io import write_nifti
from fibrolens.pipeline import stage
from fibrolens.plan import Plan
from fibrolens.result import REGIONS
from fibrolens.study.acquisition import ACQUISITION
from fibrolens.study.evaluation import evaluate_study
from fibrolens.study.plans import StudyPlan
from fibrolens.study.tables import ATTENTION, PREDICTIONS, QUALITY, write_table

STAGES = ("F0", "F0", "F0", "F1", "F2", "F3", "F4", "F4")
LAYERS = ("conv3", "conv4", "mean")
FACTS = {"folds": 5, "initial_weights": "shipped weights", "inner_scans": [0] * 5, "initial_trained_on": ""}


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """A simulated CT, staged by untrained networks; its scan id is ``patient``."""
    rendering = simulated()
    path = tmp_path_factory.mktemp("ct") / "patient.nii.gz"
    write_nifti(rendering.hu, path)
    return stage(path, models=untrained_models(rendering.labels))


def rows(generator):
    """Predictions, attention and cohort rows; the later scans of the first two F4 patients are their second ones."""
    predictions, looked, cohort = [], [], []
    for n in range(48):
        stage = STAGES[n % 8] if n else "F2|F3"
        patient = f"p{n - 8}" if n in (14, 15) else f"p{n}"
        known = {"scan_id": f"s{n}", "patient_id": patient, "fold": (n // 8) % 5, "stage": stage}
        raw = generator.random(5) + 0.5 * np.eye(5)[int(stage[-1])]
        predictions.append(known | {f"p_F{k}": float(p) for k, p in enumerate(raw / raw.sum())})
        control = stage == "F0" and n % 2 == 0
        cohort.append(known | {"image": "gone.nii.gz", "reference": "imaging_negative" if control else "histology"})
        for layer in LAYERS:
            row = known | {"predicted": f"F{int(raw.argmax())}", "layer": layer, "scale": "mean1"}
            row |= {f"{region}_mean": float(0.5 + generator.random() + 0.1 * int(stage[-1])) for region in REGIONS}
            looked.append(row | {f"{region}_share": 0.1 for region in REGIONS})
    return predictions, looked, cohort


def flow() -> Flow:
    both = Count(48, 46)
    reason = Reason("age", "age below 16 years", Count(3, 3))
    histology = Arm("histology", Count(39, 37), Count(3, 3), (reason,), Count(36, 34))
    controls = Arm("controls", Count(12, 12), Count(0, 0), (), Count(12, 12))
    stages = tuple(StageCount(f"F{k}", Count(n, n)) for k, n in enumerate((17, 6, 6, 6, 12)))
    unsettled = (Unsettled("phase", "portal venous phase", False, Count(0, 0)),)
    return Flow(Count(51, 49), (histology, controls), both, stages, unsettled)


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory) -> Path:
    """Folder of the study without figures, to be read only."""
    out = tmp_path_factory.mktemp("evaluated")
    predictions, looked, cohort = rows(np.random.default_rng(0))
    write_table(predictions, PREDICTIONS, out / "predictions.csv")
    write_table(looked, ATTENTION, out / "attention.csv")
    write_table(cohort, ("patient_id", "scan_id", "image", "stage", "reference"), out / "cohort.csv")
    (out / "plan.json").write_text(json.dumps(asdict(StudyPlan(Plan()))))
    (out / "flow.json").write_text(json.dumps(flow().to_dict()))
    markers = [row | {"mask_source": "a", "liver_volume_ml": 1500.0 + n} for n, row in enumerate(cohort)]
    columns = ("scan_id", "patient_id", "stage", "mask_source", "liver_volume_ml")
    write_table([{name: row[name] for name in columns} for row in markers], columns, out / "markers.csv")
    write_table([quality(n, row["scan_id"]) for n, row in enumerate(cohort)], QUALITY, out / "quality.csv")
    write_table([acquired(n, row["scan_id"], row["patient_id"]) for n, row in enumerate(cohort)], ACQUISITION,
                out / "acquisition.csv")  # fmt: skip
    (out / "tables").mkdir()
    (out / "tables" / "table1.csv").write_text("variable,level,total\nScans,,48\n<Age>,Median (IQR),59 (48-65)\n")
    evaluate_study(out, 0, FACTS)
    return out


def quality(number: int, scan_id: str) -> dict[str, str]:
    return {
        "scan_id": scan_id,
        "phase": "arterial" if number == 3 else "portal",
        "liver_coverage": "incomplete" if number > 36 else "complete",
        "mask_source": "masks/network (weights of 2019).nii.gz" if number > 5 else "vnet (weights 0123456789ab)",
        "mask_kind": "network" if number < 5 else "both" if number == 5 else "given",
        "in_domain": "no" if number == 7 else "",
    }


def acquired(number: int, scan_id: str, patient_id: str) -> dict[str, object]:
    """How a scan was made: three sites and four slice spacings in turn."""
    known = {"scan_id": scan_id, "patient_id": patient_id, "site": "ABC"[number % 3], "slice_mm": number * 7 % 4 + 2.0}
    return dict.fromkeys(ACQUISITION) | known


@pytest.fixture(scope="session")
def evaluation(evaluated):
    """Content of ``evaluation.json``."""
    return json.loads((evaluated / "evaluation.json").read_text(encoding="utf-8"))
