"""A folder of simulated patients: images, masks, ``cohort.csv`` and ``truth.csv``."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from fibrolens import __version__
from fibrolens.errors import OutputError
from fibrolens.io import write_nifti
from fibrolens.output import output_folder
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.phantom.render import Rendering, full_grid, render, small_grid
from fibrolens.phantom.severity import paper_stages
from fibrolens.plan import STAGES
from fibrolens.volume import Volume

__all__ = ["CohortOptions", "cohort_run", "paper_stages", "sample_cohort", "write_cohort"]

TRUTH = ("liver_volume_ml", "spleen_volume_ml", "lsvr", "nodularity_mm", "texture_sd_hu", "portal_vein_mm")
NUISANCES = ("ascites", "varices", "steatosis", "lesions", "mass")


@dataclass(frozen=True)
class CohortOptions:
    """How a cohort is written.

    Args:
        format: one NIfTI file or one DICOM folder per CT.
        grid: `small_grid` or `full_grid` of each patient.
        workers: processes that render; the bytes do not depend on it.
    """

    format: Literal["nifti", "dicom"] = "nifti"
    grid: Literal["small", "full"] = "small"
    workers: int = 1


def sample_cohort(stages: Sequence[int], seed: int) -> list[Patient]:
    """The patients of a cohort, one per entry of `stages`; patient k depends on `seed`, k and its stage alone."""
    return [sample_patient(np.random.default_rng([seed, k]), stage, f"P{k + 1:04d}") for k, stage in enumerate(stages)]


def write_cohort(
    out: Path,
    stages: Sequence[int],
    seed: int,
    options: CohortOptions | None = None,
    on_patient: Callable[[], object] | None = None,
) -> Path:
    """Simulate and write a cohort; the folder appears whole, its manifest last.

    Args:
        out: folder to make; a folder that stands there is replaced.
        stages: METAVIR stage (0 to 4) of each patient.
        seed: of all that is drawn; same seed, stages and options, same bytes.
        options: format, grid, workers.
        on_patient: called after each patient, in any order.

    Returns:
        The path of ``cohort.csv``.

    Raises:
        ValueError: no patients, or a stage that is not 0 to 4.
        OutputError: the folder cannot be written.
    """
    options = options or CohortOptions()
    if not stages:
        raise ValueError("stages must name at least one patient; it is empty")
    patients = sample_cohort(stages, seed)
    with output_folder(out, cohort_run(stages, seed, options)) as folder:
        for name in ("images", "labels"):
            (folder / name).mkdir()
        measured = _write_all(patients, folder, options, on_patient or (lambda: None))
        _write_table(folder / "cohort.csv", [_cohort_row(p, options) for p in patients])
        _write_table(folder / "truth.csv", [_truth_row(p, measured[p.patient_id]) for p in patients])
    return out / "cohort.csv"


def cohort_run(stages: Sequence[int], seed: int, options: CohortOptions) -> dict[str, object]:
    """What the bytes of a cohort depend on, as its manifest records it."""
    return {
        "command": "phantom",
        "stages": list(stages),
        "seed": seed,
        "format": options.format,
        "grid": options.grid,
        "version": __version__,
    }


def _write_all(
    patients: Sequence[Patient], folder: Path, options: CohortOptions, on_patient: Callable[[], object]
) -> dict[str, dict[str, float]]:
    """Render and write every patient; measured volumes by patient."""
    measured = {}
    for patient_id, volumes in _each(patients, folder, options):
        measured[patient_id] = volumes
        on_patient()
    return measured


def _each(patients: Sequence[Patient], folder: Path, options: CohortOptions) -> Iterable[tuple[str, dict[str, float]]]:
    if options.workers == 1:
        yield from (_write_patient(p, folder, options) for p in patients)
        return
    # Spawned processes start clean: a fork would copy the parent's threads in whatever state they are.
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_write_patient, p, folder, options) for p in patients]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            # After an error or Ctrl-C nobody wants the patients that have not begun.
            pool.shutdown(cancel_futures=True)


def _write_patient(patient: Patient, folder: Path, options: CohortOptions) -> tuple[str, dict[str, float]]:
    rendering = render(patient, small_grid(patient) if options.grid == "small" else full_grid(patient))
    if options.format == "dicom":
        write_dicom_series(rendering.hu, folder / _image(patient, options), patient)
    else:
        write_nifti(rendering.hu, folder / _image(patient, options))
    masks = _masks(rendering)
    for kind, mask in masks.items():
        write_nifti(mask, folder / _mask(patient, kind))
    voxel_ml = rendering.hu.geometry.voxel_ml
    return patient.patient_id, {k: round(float((masks[k].array > 0).sum()) * voxel_ml, 2) for k in ("liver", "spleen")}


def _masks(rendering: Rendering) -> dict[str, Volume]:
    """Liver and spleen as binary masks, and both in one label map (1 liver, 2 spleen)."""
    labels = rendering.labels
    liver, spleen = labels.array == Organ.LIVER, labels.array == Organ.SPLEEN
    arrays = {"labels": liver + 2 * spleen, "liver": liver, "spleen": spleen}
    return {kind: labels.with_array(array.astype(np.uint8)) for kind, array in arrays.items()}


def _image(patient: Patient, options: CohortOptions) -> str:
    return f"images/{patient.patient_id}" + (".nii.gz" if options.format == "nifti" else "")


def _mask(patient: Patient, kind: str) -> str:
    return f"labels/{patient.patient_id}" + ("" if kind == "labels" else f"_{kind}") + ".nii.gz"


def _cohort_row(patient: Patient, options: CohortOptions) -> dict[str, object]:
    return {
        "patient_id": patient.patient_id,
        "scan_id": patient.patient_id,
        "image": _image(patient, options),
        "stage": STAGES[patient.stage],
        "reference": "histology",
        "age": patient.age,
        "sex": patient.sex,
        "phase": "portal venous",
        "liver_mask": _mask(patient, "liver"),
        "spleen_mask": _mask(patient, "spleen"),
    }


def _truth_row(patient: Patient, measured: dict[str, float]) -> dict[str, object]:
    """The values that were rendered; volumes also as the voxels of the written masks give them."""
    row: dict[str, object] = {"scan_id": patient.patient_id, "stage": STAGES[patient.stage]}
    row["severity"] = round(patient.severity, 4)
    row |= {name: round(float(getattr(patient, name)), 4) for name in TRUTH}
    row |= {name: int(getattr(patient, name)) for name in NUISANCES}
    row |= {f"{organ}_mask_ml": volume for organ, volume in measured.items()}
    return row


def _write_table(path: Path, rows: Sequence[dict[str, object]]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise OutputError(f"{path.name} could not be written ({error.strerror}); free some space.") from None
