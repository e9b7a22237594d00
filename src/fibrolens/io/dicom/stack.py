"""Frames to one evenly spaced stack: order by position, and everything that must hold for it to be a volume."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from fibrolens.errors import GeometryError, SeriesError
from fibrolens.io.dicom.frames import Frame
from fibrolens.volume import Geometry

#: Slices closer than this are at one place.
SAME_PLACE_MM = 0.01
#: A slice may lie this far from the evenly spaced grid; scanners that round positions to 0.1 mm stay below.
UNEVEN_MM = 0.1
#: Sideways movement through the whole stack above which the slices are sheared; 0.1 degree over 150 mm is 0.26 mm.
SHEAR_MM = 0.25
#: A step this many times the usual one means that slices are missing.
GAP = 1.5

#: What all slices must share: its name, where to find it, and how much rounding may change it.
SHARED: tuple[tuple[str, Callable[[Frame], tuple[float, ...]], float], ...] = (
    ("image size", lambda frame: frame.size, 0.0),
    ("orientation", lambda frame: frame.orientation, 1e-3),
    ("pixel spacing", lambda frame: frame.pixel_spacing, 1e-4),
)


# Numbers from a damaged header may be too large to calculate with; what becomes of them is looked at in the end.
@np.errstate(over="ignore", invalid="ignore")
def stack(frames: Sequence[Frame], series: str) -> tuple[list[Frame], Geometry]:
    """Frames in order of position along their normal, and the grid they form.

    Raises:
        SeriesError: a single slice, duplicates, gaps, or mixed size, spacing or orientation.
        GeometryError: uneven spacing, gantry tilt or broken axes. Both name `series` and the slices.
    """
    if len(frames) < 2:
        raise SeriesError(f"{series} holds a single slice (number {frames[0].label}); give the whole series.")
    for what, key, tolerance in SHARED:
        _require_shared(frames, series, what, np.array([key(f) for f in frames], dtype=float), tolerance)
    axes = _axes(frames[0], series)
    places = np.array([f.position for f in frames]) @ axes.T  # columns: along slices, rows, columns
    order = np.argsort(places[:, 0], kind="stable")
    ordered, places = [frames[i] for i in order], places[order]
    _require_complete(ordered, series, places[:, 0])
    _require_upright(series, places)
    _require_even(ordered, series, places[:, 0])
    step = (places[-1, 0] - places[0, 0]) / (len(frames) - 1)
    affine = np.eye(4)
    affine[:3, :3] = axes.T * (step, *frames[0].pixel_spacing)
    affine[:3, 3] = ordered[0].position
    try:
        return ordered, Geometry.from_affine((len(frames), *frames[0].size), affine)
    except GeometryError as error:
        raise GeometryError(f"{series}: {error}") from None


def _axes(frame: Frame, series: str) -> Float[np.ndarray, "3 3"]:
    """Unit vectors along slices (the normal), rows and columns; rounding in the header is taken out.

    The first triple of ImageOrientationPatient points along a row, which is toward increasing *column* index.
    """
    along_columns, along_rows = np.reshape(frame.orientation, (2, 3))
    lengths = np.linalg.norm([along_columns, along_rows], axis=1)
    if not np.allclose(lengths, 1, atol=1e-2) or abs(along_columns @ along_rows) > 1e-2:
        raise GeometryError(
            f"{series} has an ImageOrientationPatient that is no pair of unit vectors at right angles; export it again."
        )
    along_columns = along_columns / lengths[0]
    along_rows = along_rows - (along_rows @ along_columns) * along_columns
    along_rows = along_rows / np.linalg.norm(along_rows)
    return np.stack([np.cross(along_columns, along_rows), along_rows, along_columns])


def _require_shared(
    frames: Sequence[Frame], series: str, what: str, values: Float[np.ndarray, "n k"], tolerance: float
) -> None:
    usual = values[_most_common(values)]
    odd = np.abs(values - usual).max(axis=1) > tolerance
    if odd.any():
        raise SeriesError(
            f"{series} mixes slices of different {what}: {slices([frames[i] for i in np.flatnonzero(odd).tolist()])} "
            "differ from the rest; remove them or choose another series."
        )


def _most_common(values: Float[np.ndarray, "n k"]) -> int:
    _, first, counts = np.unique(values.round(3), axis=0, return_index=True, return_counts=True)
    return int(first[counts.argmax()])


def _require_complete(frames: Sequence[Frame], series: str, along: Float[np.ndarray, " n"]) -> None:
    steps = np.diff(along)
    twins = np.flatnonzero(steps < SAME_PLACE_MM)
    if twins.size:
        pairs = slices([frames[i] for t in twins.tolist() for i in (t, t + 1)])
        raise SeriesError(
            f"{series} has duplicates: {pairs} lie at the same places "
            f"(first at {along[twins[0]]:.1f} mm); remove the copies, or split the phases into series."
        )
    usual = float(np.median(steps))
    gaps = np.flatnonzero(steps > GAP * usual)
    if gaps.size:
        where = ", ".join(f"{frames[g].label} and {frames[g + 1].label} ({steps[g]:.1f} mm)" for g in gaps[:3])
        more = f" and {gaps.size - 3} more" if gaps.size > 3 else ""
        raise SeriesError(
            f"{series} has gaps, its usual step is {usual:.2f} mm: slices are missing between {where}{more}; "
            "copy the series again in full."
        )


def _require_upright(series: str, places: Float[np.ndarray, "n 3"]) -> None:
    sideways = places[:, 1:] - places[0, 1:]
    shift = np.linalg.norm(sideways, axis=1)
    if shift.max() <= SHEAR_MM:
        return
    rise = places[-1, 0] - places[0, 0]
    angle = np.degrees(np.arctan2(shift[-1], rise))
    raise GeometryError(
        f"{series} is sheared: its slices move sideways by {shift.max():.1f} mm through the stack (gantry tilt of "
        f"{angle:.1f} degrees, or a moved table); resample it to an orthogonal grid first."
    )


def _require_even(frames: Sequence[Frame], series: str, along: Float[np.ndarray, " n"]) -> None:
    off = np.abs(along - np.linspace(along[0], along[-1], len(along)))
    if off.max() > UNEVEN_MM:
        steps = np.diff(along)
        raise GeometryError(
            f"{series} is unevenly spaced: steps run from {steps.min():.2f} to {steps.max():.2f} mm and slice "
            f"{frames[int(off.argmax())].label} lies {off.max():.2f} mm off an even grid; "
            "resample it to even spacing first."
        )


def slices(frames: Sequence[Frame], most: int = 6) -> str:
    """Frames as words for a message: "slices 3, 4 and 5 more"."""
    labels = ", ".join(f.label for f in frames[:most])
    more = f" and {len(frames) - most} more" if len(frames) > most else ""
    return f"slice{'s' if len(frames) > 1 else ''} {labels}{more}"
