"""A cohort of tiny scans and weights to begin with, so that a study takes little but the start of its steps."""

import csv
from pathlib import Path

import numpy as np

from fibrolens.io import write_nifti
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan
from fibrolens.staging.network import new_network
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import save_model_folder

SHAPE, PATIENTS = (8, 24, 24), 10
GRID = Geometry(SHAPE, (5.0, 12.0, 12.0))
PLAN = Plan(
    grid=GridPlan(spacing_mm=(5.0, 12.0, 12.0), in_plane=(24, 24)),
    slab=SlabPlan(slices=4, stride=4),
    network=NetworkPlan((2, 2, 2, 2), (3, 3, 3), pools=((1, 2, 2), (1, 2, 2), (1, 1, 1)), pooled=(1, 1, 1), hidden=4),
)
CARD = {"name": "toy", "trained_on": "nothing", "intended_use": "benchmarks", "figures": {}, "seed": 0}


def write_toy(place: Path) -> None:
    """Write ``cohort.csv``, its scans, and ``start``, once."""
    if (place / "cohort.csv").exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "start").exists():
        save_model_folder(place / "start", new_network(PLAN.network, 3).state_dict(), PLAN, CARD)
    rows = [_patient(place, number) for number in range(PATIENTS)]
    with (place / "cohort.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _patient(place: Path, number: int) -> dict[str, str]:
    """Write the CT of F0 or F4, in which the liver is brighter, and the masks; the row of the cohort."""
    stage = 4 * (number % 2)
    hu = np.full(SHAPE, -1000.0)
    hu[:, 3:21, 3:21] = 40 + np.random.default_rng(number).normal(0, 5, (8, 18, 18))
    # Without bone it would pass for a windowed copy.
    hu[:, 18:20, 11:13] = 400
    liver, spleen = np.zeros((2, *SHAPE), np.uint8)
    liver[1:7, 8:16, 5:12], spleen[2:6, 12:16, 15:18] = 1, 1
    hu[liver > 0] += 80.0 * stage
    row = {"patient_id": f"p{number}", "scan_id": f"s{number}", "stage": f"F{stage}"}
    for column, array in (("image", hu.astype(np.int16)), ("liver_mask", liver), ("spleen_mask", spleen)):
        row[column] = f"s{number}_{column}.nii.gz"
        write_nifti(Volume(array, GRID), place / row[column])
    return row
