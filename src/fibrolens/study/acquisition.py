"""How a CT was made, as its header, its grid and the voxels outside the body tell it; nothing of anatomy or disease.

`evaluate.shortcuts` asks whether the stage can be told from these facts alone. So they hold no size, shape or texture
of an organ. What lies inside the body is looked at twice only: the skin's edge shows how much the picture is blurred,
and blood and spleen, whose uptake fibrosis hardly changes, show tube voltage, contrast dose and delay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from fibrolens.body import body_mask
from fibrolens.csvfile import Cell
from fibrolens.quality import OrganHU
from fibrolens.transforms import Orient
from fibrolens.volume import Geometry, Volume

#: Columns that name something, and those that hold a number.
WORDS = ("site", "vendor", "model", "kernel")
NUMBERS = (
    *("kvp", "spacing_mm", "slice_mm", "thickness_mm", "fov_mm", "matrix", "slices", "coverage_mm"),
    *("lowest_hu", "padding_share", "step_hu", "table_cm2", "table_hu", "beside_cm2", "air_hu"),
    *("noise_hu", "noise_grain", "noise_between_slices", "skin_edge_mm", "spleen_hu", "aorta_hu"),
)
#: Columns of ``acquisition.csv``.
ACQUISITION = ("scan_id", "patient_id", *WORDS, *NUMBERS)

#: Slices that are looked at, evenly through the scan.
LOOKED_SLICES = 32
#: Pixels this wide are enough to find the body.
COARSE_MM = 3.0
#: Kept clear around the body, so that blurred skin counts as neither.
CLEAR_MM = 8.0
#: Outside the body, what is denser than this is a thing: table, board, pillow, line, arm.
THING_HU = -900.0
#: What reaches no higher than this above the back counts as table; arms and lines lie beside the body.
BACK_MM = 15.0
#: Of fewer voxels nothing is said.
FEWEST = 200
#: From air to fat, Hounsfield units.
SKIN_STEP_HU = 900.0


@dataclass(frozen=True, eq=False)
class _Slices:
    """Some slices of a CT in array order, and what of them is the body."""

    hu: Float32[np.ndarray, "n h w"]
    above: Float32[np.ndarray, "n h w"]
    body: Bool[np.ndarray, "n h w"]
    outside: Bool[np.ndarray, "n h w"]
    pixel_mm: tuple[float, float]


def acquisition(ct: Volume, site: str, organs: OrganHU) -> dict[str, Cell]:
    """What is known of how a CT was made, by the names of `WORDS` and `NUMBERS`; None where unknown.

    Args:
        ct: Hounsfield units on the scan's own grid.
        site: as the cohort's table has it; empty where it does not.
        organs: medians of spleen and aorta.
    """
    words = {"site": site or None} | {name: ct.get(key) for name, key in _HEADER.items()}
    turn = Orient.fit(ct.geometry)
    slices = _looked_at(turn.forward(ct))
    return {
        **words,
        "kvp": ct.get("kvp"),
        "thickness_mm": ct.get("slice_thickness_mm"),
        **_grid(turn.target),
        **_values(ct),
        **_outside(slices),
        **_noise(slices),
        "skin_edge_mm": _skin_edge_mm(slices),
        "spleen_hu": organs.spleen,
        "aorta_hu": organs.aorta,
    }


def acquisition_of_mr(mr: Volume, site: str) -> dict[str, Cell]:
    """The same of an MR: its header and its grid; what is read from Hounsfield units is None."""
    words = {"site": site or None} | {name: mr.get(key) for name, key in _HEADER.items()}
    known = words | {"thickness_mm": mr.get("slice_thickness_mm")} | _grid(Orient.fit(mr.geometry).target)
    return dict.fromkeys((*WORDS, *NUMBERS)) | known


#: Column -> name among the volume's metadata.
_HEADER: Mapping[str, str] = {"vendor": "manufacturer", "model": "model", "kernel": "kernel"}


def _grid(geometry: Geometry) -> dict[str, Cell]:
    (slices, rows, columns), (between, down, across) = geometry.shape, geometry.spacing
    return {
        "spacing_mm": across,
        "slice_mm": between,
        "fov_mm": max(rows * down, columns * across),
        "matrix": columns,
        "slices": slices,
        "coverage_mm": slices * between,
    }


def _values(ct: Volume) -> dict[str, Cell]:
    """The lowest value, how much of the scan has just that (padding), and the step of its values."""
    lowest = float(ct.array.min())
    found = np.unique(ct.array[:: max(1, ct.array.shape[0] // LOOKED_SLICES)])
    step = float(np.diff(found.astype(np.float64)).min()) if found.size > 1 else None
    # A CT whose air is noise has its lowest value a few times; one with a padded circle in a fifth of its voxels.
    return {"lowest_hu": lowest, "padding_share": float((ct.array == lowest).mean()), "step_hu": step}


def _looked_at(ct: Volume) -> _Slices:
    """Slices evenly through a scan in array order, with its body and what lies well outside."""
    count = ct.geometry.shape[0]
    index = np.unique(np.linspace(0, max(count - 2, 0), min(LOOKED_SLICES, count)).astype(int))
    hu = ct.array[index].astype(np.float32)
    above = ct.array[np.minimum(index + 1, count - 1)].astype(np.float32)
    pixel = ct.geometry.spacing[1], ct.geometry.spacing[2]
    steps = [max(1, int(COARSE_MM / mm)) for mm in pixel]
    coarse = np.ascontiguousarray(hu[:, :: steps[0], :: steps[1]])
    spacing = (ct.geometry.spacing[0], pixel[0] * steps[0], pixel[1] * steps[1])
    body = body_mask(Volume(coarse, Geometry(coarse.shape, spacing)))
    reach = [2 * max(1, round(CLEAR_MM / mm)) + 1 for mm in spacing[1:]]
    near = ndimage.maximum_filter(body, (1, *reach), mode="nearest")
    fine = [_widened(mask, steps, hu.shape) for mask in (body, near)]
    return _Slices(hu, above, fine[0], ~fine[1], pixel)


def _widened(mask: Bool[np.ndarray, "n a b"], steps: list[int], shape: tuple[int, ...]) -> Bool[np.ndarray, "n h w"]:
    """A mask of every n-th pixel on all pixels."""
    return np.repeat(np.repeat(mask, steps[0], axis=1), steps[1], axis=2)[:, : shape[1], : shape[2]]


def _outside(slices: _Slices) -> dict[str, Cell]:
    """Things outside the body, per slice: area and density of what lies behind it, area of what lies beside it."""
    things = slices.outside & (slices.hu > THING_HU)
    rows = np.arange(slices.hu.shape[1])[None, :, None]
    behind = things & (rows > _lowest_row(slices.body) - BACK_MM / slices.pixel_mm[0])
    square_cm = slices.pixel_mm[0] * slices.pixel_mm[1] / 100.0 / len(things)
    return {
        "table_cm2": float(behind.sum()) * square_cm,
        "table_hu": float(slices.hu[behind].mean()) if behind.sum() >= FEWEST else None,
        "beside_cm2": float(things.sum() - behind.sum()) * square_cm,
    }


def _noise(slices: _Slices) -> dict[str, Cell]:
    """The air in front of the body: its median, its noise, and how alike the noise of neighbours is.

    ``noise_grain`` and ``noise_between_slices`` are the SD of the difference to the next column and to the next slice
    over that to the column after next: below 1 where neighbours are alike.
    """
    dense = slices.outside & (np.maximum(slices.hu, slices.above) > THING_HU)
    things = ndimage.maximum_filter(dense, (1, 5, 5))
    front = np.arange(slices.hu.shape[1])[None, :, None] < _middle_row(slices.body)
    air = slices.outside & front & ~things
    inner = air[:, :, 1:-1] & air[:, :, :-2] & air[:, :, 2:]
    if inner.sum() < FEWEST:
        return dict.fromkeys(("air_hu", "noise_hu", "noise_grain", "noise_between_slices"))
    # Differences, so that a slope of the air (scatter, beam hardening) is no noise.
    hu, up = slices.hu, (slices.above - slices.hu)[:, :, 1:-1]
    far = _rms((hu[:, :, 2:] - hu[:, :, :-2])[inner])
    near, between = _rms((hu[:, :, 1:-1] - hu[:, :, :-2])[inner]), _rms(up[inner])
    return {
        "air_hu": float(np.median(hu[air])),
        "noise_hu": far / 2**0.5,
        "noise_grain": near / far if far > 0 else None,
        "noise_between_slices": between / far if far > 0 else None,
    }


def _lowest_row(body: Bool[np.ndarray, "n h w"]) -> int:
    """The row of the back."""
    return int(np.flatnonzero(body.any(axis=(0, 2))).max(initial=0))


def _middle_row(body: Bool[np.ndarray, "n h w"]) -> float:
    return float(np.median(np.flatnonzero(body.any(axis=(0, 2))))) if body.any() else 0.0


def _rms(values: Float32[np.ndarray, " n"]) -> float:
    return float(np.sqrt(np.mean(values.astype(np.float64) ** 2)))


def _skin_edge_mm(slices: _Slices) -> float | None:
    """Width of the edge between air and skin: the step from air to fat by the steepest rise across it, median."""
    rows, columns = (np.gradient(slices.hu, mm, axis=axis) for mm, axis in zip(slices.pixel_mm, (1, 2), strict=True))
    steep = ndimage.maximum_filter(np.hypot(rows, columns), (1, 3, 3))
    skin = slices.body & ~ndimage.minimum_filter(slices.body, (1, 3, 3), mode="nearest")
    # The front half, where no table lies against the skin.
    skin[:, int(_middle_row(slices.body)) :] = False
    if skin.sum() < FEWEST:
        return None
    return SKIN_STEP_HU / float(np.median(steep[skin]))
