"""Patients whose DICOM headers are full of words that can be found again, as a cohort and as one CT to stage."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom import dcmread
from tests.planted import plant, plant_deeply, plantable, planted_series
from tests.segment.cascades import SMALL
from tests.staged import CARD, simulated
from tests.study.conftest import SHAPE

from fibrolens.io import write_nifti
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan, TrainingPlan
from fibrolens.segment.vnet import Cascade
from fibrolens.staging.network import new_network
from fibrolens.staging.plans import small_plan
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import save_model_folder

#: Words of the user's own table, which stay in a study's tables.
OWN_WORDS = ("pseudonym", "clinic")
TINY = NetworkPlan(
    (2, 2, 4, 4), (3, 3, 3), pools=((1, 2, 2), (1, 2, 2), (1, 1, 1)), pooled=(1, 2, 2), hidden=8, dropout=0.0
)


def write_world(home: Path) -> None:
    """What the verbs are given: ``study/`` (one CT), ``labels.nii.gz``, ``cohort/``, ``models/``."""
    rendering = simulated()
    planted_series(home, rendering)
    for path in sorted((home / "study").iterdir()):
        path.rename(path.with_name(path.name.partition("_")[2]))
    organs = rendering.labels.array
    labels = np.select([organs == Organ.LIVER, organs == Organ.SPLEEN], [1, 2], 0).astype(np.uint8)
    write_nifti(rendering.hu.with_array(labels), home / "labels.nii.gz")
    write_cohort(home / "cohort")
    write_models(home / "models")


def write_models(home: Path) -> None:
    """Tiny networks with random weights: `ct` for the CT to stage, `toy` for the cohort, `organs`."""
    network = replace(TINY, pools=((2, 2, 2), (2, 2, 2), (1, 2, 2)))
    ct = replace(small_plan(), network=network, slab=SlabPlan(slices=32, stride=8))
    training = TrainingPlan(steps=4, batch=4, warmup_steps=1, shift_mm=5.0, check_every=2, checkpoint_every=2)
    grid = GridPlan(spacing_mm=(5.0, 12.0, 12.0), in_plane=(24, 24))
    toy = Plan(grid=grid, slab=SlabPlan(slices=4, stride=2), network=TINY, training=training)
    for name, plan in (("ct", ct), ("toy", toy)):
        save_model_folder(home / name, new_network(plan.network, 0).state_dict(), plan, CARD)
    save_model_folder(home / "organs", Cascade(SMALL).state_dict(), SMALL, CARD)


def write_cohort(home: Path, patients: int = 10) -> None:
    """A cohort of small CTs as marked DICOM series with masks; the liver is the brighter, the higher the stage."""
    rows = []
    for number in range(patients):
        stage = 4 * (number % 2)
        row = {"patient_id": f"{OWN_WORDS[0]}{number}", "scan_id": f"s{number}", "stage": f"F{stage}"}
        row |= {"site": OWN_WORDS[1], "image": f"s{number}", "age": "50", "sex": "F"}
        liver, spleen = np.zeros((2, *SHAPE), np.uint8)
        liver[1:7, 8:16, 5:12] = 1
        spleen[2:6, 12:16, 15:18] = 1
        ct = _small_ct(number, stage, liver)
        _write_marked(ct, home / f"s{number}", number, stage)
        for column, array in (("liver_mask", liver), ("spleen_mask", spleen)):
            row[column] = f"s{number}_{column}.nii.gz"
            write_nifti(ct.with_array(array), home / row[column])
        rows.append(row)
    with (home / "cohort.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _small_ct(number: int, stage: int, liver: np.ndarray) -> Volume:
    noise = np.random.default_rng(number).normal(0, 5, SHAPE)
    hu = np.full(SHAPE, -1000.0)
    hu[:, 3:21, 3:21] = 40 + noise[:, 3:21, 3:21]
    hu[:, 18:20, 11:13] = 400
    hu[liver > 0] += 80.0 * stage
    return Volume(hu.astype(np.int16), Geometry(SHAPE, (5.0, 12.0, 12.0)))


def _write_marked(ct: Volume, folder: Path, number: int, stage: int) -> None:
    write_dicom_series(ct, folder, sample_patient(np.random.default_rng(number), stage, f"P{number}"))
    tags = plantable()
    for path in folder.iterdir():
        data = dcmread(path)
        plant(data, tags)
        plant_deeply(data)
        data.save_as(path, enforce_file_format=True)
