"""Simulated patients whose evidence is known, on the network grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from fibrolens.phantom.labels import Organ
from fibrolens.phantom.render import Rendering, render, small_grid
from fibrolens.phantom.roster import Roster, Twin
from fibrolens.plan import GridPlan
from fibrolens.progress import Reporter
from fibrolens.regions import LIVER, SPLEEN
from fibrolens.staging.data import StagingCase
from fibrolens.study.prepare import PreparedScan
from fibrolens.view import NetworkView
from fibrolens.volume import Geometry, Volume


@dataclass(frozen=True, eq=False)
class SimulatedScan:
    """A simulated scan as the network sees it.

    Args:
        scan: the windowed CT with the masks that a map is measured in.
        evidence: per sign of the disease, above 0 where it shows (see `phantom.evidence`), much or little.
        twins: of each sign the same patient's CT with that sign at F0, 0 to 255 as in `scan`.
    """

    scan: PreparedScan
    evidence: Mapping[str, Shaped[np.ndarray, "d h w"]]
    twins: Mapping[str, StagingCase]


@dataclass(frozen=True)
class SimulateJob:
    """Some scans to simulate.

    Args:
        roster: who there is.
        numbers: which of them.
        grid: of the network.
        folder: where they go.
        signs: whose evidence is kept.
        twins: signs of which a twin is made.
    """

    roster: Roster
    numbers: tuple[int, ...]
    grid: GridPlan
    folder: Path
    signs: tuple[str, ...]
    twins: tuple[str, ...] = ()


def run_simulate(job: SimulateJob, report: Reporter) -> None:
    """Simulate scans on the small grid, leaving out those that an earlier run did."""
    job.folder.mkdir(parents=True, exist_ok=True)
    for number in job.numbers:
        path = simulated_file(job.folder, job.roster, number)
        if not path.exists():
            _write(job, number, path)
        report.advance(note=path.stem)


def simulated_file(folder: Path, roster: Roster, number: int) -> Path:
    """Where scan `number` is kept."""
    return folder / f"{roster.scan_id(number)}.npz"


def load_simulated(folder: Path, roster: Roster, number: int) -> SimulatedScan:
    """Read what `run_simulate` wrote."""
    patient = roster.patient(number)
    with np.load(simulated_file(folder, roster, number), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    first, last = (int(n) for n in arrays["liver_range"])
    case = StagingCase(patient.scan_id, patient.patient_id, (patient.stage,), arrays["image"], first, last)
    slices, rows, columns = case.image.shape
    geometry = Geometry.from_affine((slices, rows, columns), arrays["affine"])
    labels = Volume(arrays["labels"], geometry, patient.scan_id)
    evidence = {name.removeprefix("evidence_"): a for name, a in arrays.items() if name.startswith("evidence_")}
    twins = {
        name.removeprefix("twin_"): StagingCase(patient.scan_id, patient.patient_id, (0,), a, first, last)
        for name, a in arrays.items()
        if name.startswith("twin_")
    }
    return SimulatedScan(PreparedScan(case, labels, arrays["body"], arrays["depth"]), evidence, twins)


def _write(job: SimulateJob, number: int, path: Path) -> None:
    patient = job.roster.patient(number)
    geometry = small_grid(patient)
    shown = render(patient, geometry)
    view = NetworkView.of(shown.hu, organs_of(shown), job.grid)
    arrays = {
        "image": _grey(view.image.array),
        "labels": view.labels.array,
        "body": view.body,
        "depth": view.depth,
        "liver_range": np.array(view.liver_range),
        "affine": view.labels.geometry.affine,
    }
    arrays |= {f"evidence_{sign}": view.grid.forward_labels(shown.evidence[sign]).array for sign in job.signs}
    for sign in job.twins:
        # A twin lies on its original's grid: then its noise is the same too.
        twin = render(job.roster.patient(number, Twin(sign, 0)), geometry)
        arrays[f"twin_{sign}"] = _grey(view.grid.forward(twin.hu).array)
    aside = path.with_suffix(".partial")
    with aside.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    aside.replace(path)


def organs_of(shown: Rendering) -> Volume:
    """1 liver, 2 spleen, of a rendering."""
    organs = shown.labels.array
    labels = np.where(organs == Organ.LIVER, LIVER, np.where(organs == Organ.SPLEEN, SPLEEN, 0))
    return shown.labels.with_array(labels.astype(np.uint8))


def _grey(image: np.ndarray) -> np.ndarray:
    return np.round(image * 255.0).astype(np.uint8)
