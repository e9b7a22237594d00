"""A toy cohort: ten patients of 8 x 24 x 24 voxels whose liver is the brighter, the higher the stage."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.once import made_once
from tests.segment.cascades import SMALL, Oracle

from fibrolens.io import write_nifti
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan, TrainingPlan
from fibrolens.report import drawing
from fibrolens.segment.predict import Segmenter
from fibrolens.study.plans import StudyPlan
from fibrolens.study.run import run_study
from fibrolens.study.steps import Running
from fibrolens.volume import Geometry, Volume

SHAPE = (8, 24, 24)
STAGES = ("F0", "F4") * 5


@pytest.fixture(scope="session")
def toy_cohort(shared) -> Path:
    return made_once(shared / "toy-cohort", write_toy_cohort) / "cohort.csv"


def write_toy_cohort(folder: Path) -> None:
    """``cohort.csv`` and its scans."""
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
def finished_study(toy_cohort, study_plan, shared) -> Path:
    """A finished study of the toy cohort; to be read only."""

    def make(folder: Path) -> None:
        with quick_networks():
            run_study(toy_cohort, folder / "study", study_plan, how=Running(1))

    return made_once(shared / "toy-study", make) / "study"


@contextmanager
def quick_networks() -> Iterator[None]:
    """A network that reads the aorta from the intensity looks for it; the shipped one takes longer than all else."""
    oracle = Segmenter(Oracle().eval(), SMALL, "oracle", "0" * 64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Segmenter, "load", classmethod(lambda cls, folder: oracle))
        yield


@pytest.fixture
def quick_organs() -> Iterator[None]:
    """No organ is looked for by the shipped networks."""
    with quick_networks():
        yield


@pytest.fixture
def empty_figures(monkeypatch) -> None:
    """Figures are written without content, to save time; `finished_study` has them drawn."""
    monkeypatch.setattr(drawing, "save", lambda figure, path, dpi=0: path.touch())
