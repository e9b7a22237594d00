"""A patient as a CT and its label map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.acquisition import acquire
from fibrolens.phantom.appearance import Picture, paint
from fibrolens.phantom.evidence import MR_NAMES, NAMES, Evidence
from fibrolens.phantom.fit import fit_patient
from fibrolens.phantom.mr import PIXELS as MR_PIXELS
from fibrolens.phantom.mr import MrScan
from fibrolens.phantom.mr_acquisition import acquire_mr, metal_of
from fibrolens.phantom.mr_contrast import mr_inks, mr_scene
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.scene import build_scene
from fibrolens.phantom.shapes import Frame
from fibrolens.volume import Geometry, Volume

HEPATOBILIARY = "hepatobiliary"
PHASE_NAMES = {"native": "native", "arterial": "arterial", "portal": "portal venous", "delayed": "delayed"}
SMALL_PIXELS = 128
SMALL_SPACING_MM = (5.0, 3.0, 3.0)
MEDIUM_PIXELS, MEDIUM_SPACING_MM = 256, (4.0, 1.5, 1.5)
FULL_PIXELS = 512
#: Scans reach down at least to here, canonical millimetres below the right dome: the level of the lower kidney poles.
LOWEST_LEVEL_MM = -215.0
#: Shapes are evaluated no finer than this in-plane; their distances are interpolated between.
WORK_SPACING_MM = 2.2


@dataclass(frozen=True, eq=False)
class Rendering:
    """What a scan of the patient shows, and the truth behind it, all on one grid.

    Args:
        hu: the CT, int16 Hounsfield units; or the MR, int16 of arbitrary units.
        labels: uint8 numbers of `Organ`.
        segments: uint8 Couinaud-like parts of the liver, 1 to 8; 0 elsewhere.
        evidence: per sign of the disease, where it shows (see `Evidence`).
    """

    hu: Volume
    labels: Volume
    segments: Volume
    evidence: Mapping[str, Volume]


def render(patient: Patient, geometry: Geometry | None = None) -> Rendering:
    """Scan a simulated patient.

    Args:
        patient: whom to scan.
        geometry: an axial grid, slices increasing superiorly; the patient's full grid if not given.

    Returns:
        The CT, or the MR of a patient who has one, and the truth; a function of `patient` and `geometry` alone.

    Raises:
        GeometryError: the grid is not axial.
    """
    geometry = geometry or full_grid(patient)
    frame = Frame(_work_grid(geometry), make_pose(patient))
    if patient.mr is not None:
        return _render_mr(frame, patient, patient.mr, geometry)
    picture = paint(build_scene(frame, patient), patient, geometry, frame.geometry)
    hu = acquire(picture.values, patient, geometry)
    metadata = (("modality", "CT"), ("phase", PHASE_NAMES[patient.scan.phase]), ("simulated", True))
    return _rendering(Volume(hu, geometry, patient.scan_id, metadata), picture, NAMES)


def _render_mr(frame: Frame, patient: Patient, scan: MrScan, geometry: Geometry) -> Rendering:
    scene = mr_scene(frame, build_scene(frame, patient), patient, scan)
    picture = paint(scene, patient, geometry, frame.geometry, mr_inks(patient, scan))
    signal = acquire_mr(picture.values, metal_of(picture.labels), patient, scan, geometry)
    metadata = (("modality", "MR"), ("phase", HEPATOBILIARY), ("simulated", True))
    return _rendering(Volume(signal, geometry, patient.scan_id, metadata), picture, MR_NAMES)


def _rendering(image: Volume, picture: Picture, signs: tuple[str, ...]) -> Rendering:
    return Rendering(
        image,
        Volume(picture.labels, image.geometry, f"labels of {image.source}"),
        Volume(picture.segments, image.geometry, f"segments of {image.source}"),
        Evidence(picture, image.geometry, signs),
    )


def small_grid(patient: Patient) -> Geometry:
    """A reduced grid, 128 x 128 pixels of 3 mm, 5 mm slices, over the patient's scan range."""
    return _grid(patient, SMALL_PIXELS, SMALL_SPACING_MM)


def medium_grid(patient: Patient) -> Geometry:
    """A grid between the two, good to look at and quick: 256 x 256 pixels of 1.5 mm, 4 mm slices."""
    return _grid(patient, MEDIUM_PIXELS, MEDIUM_SPACING_MM)


def full_grid(patient: Patient) -> Geometry:
    """The grid a hospital would reconstruct: 512 x 512 (MR 320 x 320) with the scan's own pixel and slice spacing."""
    if patient.mr is not None:
        pixel = patient.mr.pixel_mm
        return _grid(patient, MR_PIXELS, (patient.mr.slice_mm, pixel, pixel))
    pixel = patient.scan.pixel_mm
    return _grid(patient, FULL_PIXELS, (patient.scan.slice_mm, pixel, pixel))


def _grid(patient: Patient, pixels: int, spacing: tuple[float, float, float]) -> Geometry:
    """An axial grid whose field is centred on the table, over the scan's range."""
    bottom, top = _range(patient)
    slices = int(np.ceil((top - bottom) / spacing[0]))
    corner = -spacing[1] * (pixels - 1) / 2
    return Geometry((slices, pixels, pixels), spacing, (corner, corner, round(bottom, 2)))


def _range(patient: Patient) -> tuple[float, float]:
    """Lowest and highest z of the scan: by the body's landmarks, as it is planned, not by what the organs have become.

    A range that followed the spleen would tell the stage by its number of slices. It follows the liver only where that
    would be cut; a very large spleen may leave the scan below.
    """
    low, high = fit_patient(patient).liver_z
    level, scale = patient.body.offset_mm[2], patient.body.scale
    bottom = min(level + scale * LOWEST_LEVEL_MM - patient.scan.below_mm, low - 8)
    top = max(level + patient.scan.above_mm, high + 8)
    if patient.partial:
        rng = patient.rng("coverage")
        cut, from_below = rng.uniform(0.25, 0.5) * (high - low), rng.random() < 0.6
        bottom, top = (low + cut, top) if from_below else (bottom, high - cut)
    return bottom, top


def _work_grid(geometry: Geometry) -> Geometry:
    """The same field on coarser pixels, where shapes are evaluated."""
    coarser = [max(1, int(WORK_SPACING_MM / s)) for s in geometry.spacing[1:]]
    rows, columns = (int(np.ceil((n - 1) / k)) + 1 for n, k in zip(geometry.shape[1:], coarser, strict=True))
    spacing = (geometry.spacing[0], geometry.spacing[1] * coarser[0], geometry.spacing[2] * coarser[1])
    return Geometry((geometry.shape[0], rows, columns), spacing, geometry.origin, geometry.direction)
