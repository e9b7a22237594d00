"""A toy cohort: ten patients of 8 x 24 x 24 voxels whose liver is the brighter, the higher the stage."""

import csv
from pathlib import Path

import numpy as np
import pytest

from fibrolens.io import write_nifti
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan, TrainingPlan
from fibrolens.study import Running, StudyPlan, run_study
from fibrolens.volume import Geometry, Volume

SHAPE = (8, 24, 24)
STAGES = ("F0", "F4") * 5


@pytest.fixture(scope="session")
def toy_cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    grid = Geometry(SHAPE, (5.0, 12.0, 12.0))
    rows = []
    for n, stage in enumerate(STAGES):
        noise = np.random.default_rng(n).normal(0, 5, SHAPE)
        hu = np.full(SHAPE, -1000.0)
        hu[:, 3:21, 3:21] = 40 + noise[:, 3:21, 3:21]
        hu[:, 18:20, 11:13] = 400
        liver, spleen = np.zeros((2, *SHAPE), np.uint8)
        liver[1:7, 8:16, 5:12] = 1
        spleen[2:6, 12:16, 15:18] = 1
        hu[liver > 0] += 80.0 * int(stage[1])
        row = {"patient_id": f"p{n}", "scan_id": f"s{n}", "stage": stage}
        for column, array in (("image", hu.astype(np.int16)), ("liver_mask", liver), ("spleen_mask", spleen)):
            row[column] = f"{row['scan_id']}_{column}.nii.gz"
            write_nifti(Volume(array, grid), folder / row[column])
        rows.append(row)
    with (folder / "cohort.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "cohort.csv"


@pytest.fixture(scope="session")
def toy_plan() -> Plan:
    return Plan(
        grid=GridPlan(spacing_mm=(5.0, 12.0, 12.0), in_plane=(24, 24)),
        slab=SlabPlan(slices=4, stride=2),
        network=NetworkPlan(
            (2, 2, 4, 4), (3, 3, 3), pools=((1, 2, 2), (1, 2, 2), (1, 1, 1)), pooled=(1, 2, 2), hidden=8, dropout=0.0
        ),
        training=TrainingPlan(
            steps=6, batch=4, learning_rate=0.01, warmup_steps=1, shift_mm=5.0, check_every=2, checkpoint_every=3
        ),
    )


@pytest.fixture(scope="session")
def study_plan(toy_plan) -> StudyPlan:
    """Two patients of eight are each fold's inner split."""
    return StudyPlan(toy_plan, inner_folds=4)


@pytest.fixture(scope="session")
def finished_study(toy_cohort, study_plan, tmp_path_factory) -> Path:
    """A finished study of the toy cohort; to be read only."""
    return run_study(toy_cohort, tmp_path_factory.mktemp("study") / "study", study_plan, how=Running(1))
