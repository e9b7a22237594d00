"""The volumes of the viewer: small enough for a browser, on the CT's own grid, made once when a scan is staged.

A location map travels as uint8 with a slope (``scl_slope``), which costs at most half of 1/255 of its largest value.
All files are gzipped already and are sent as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int16, Shaped

from fibrolens.io import write_nifti
from fibrolens.output import write_json
from fibrolens.result import Attention, StagingResult
from fibrolens.transforms import Located
from fibrolens.volume import Volume

INDEX = "view.json"
SUFFIX = ".nii.gz"
#: Hounsfield units that the viewer shows from black to white: those that the network sees.
WINDOW = (-125, 225)
#: Stored values of a map.
LEVELS = 255


def write_views(result: StagingResult, folder: Path) -> None:
    """Write every volume and their index ``view.json`` into the existing `folder`.

    Raises:
        OSError: the folder cannot be written.
    """
    volumes = [_ct(result.ct, folder), _labels(result.labels, folder), *_maps(result, folder)]
    shown = "recommended" if result.recommended_map is not None else result.stage.predicted
    display = {"window": list(WINDOW), "map": shown, "predicted": result.stage.predicted}
    write_json({"volumes": volumes, "display": display}, folder / INDEX)


def as_int16(array: Shaped[np.ndarray, "d h w"]) -> Int16[np.ndarray, "d h w"]:
    """Hounsfield units rounded to whole ones."""
    limits = np.iinfo(np.int16)
    return np.clip(np.rint(array), limits.min, limits.max).astype(np.int16)


def _ct(ct: Volume, folder: Path) -> dict[str, Any]:
    stored = ct.with_array(as_int16(ct.array))
    entry = {"name": "ct", "title": "CT", "unit": "HU", "min": int(stored.array.min()), "max": int(stored.array.max())}
    return _written(stored, folder, entry)


def _labels(labels: Volume, folder: Path) -> dict[str, Any]:
    entry = {"name": "labels", "title": "Liver (1) and spleen (2)", "unit": "", "min": 0, "max": 2}
    return _written(labels.with_array(labels.array.astype(np.uint8)), folder, entry)


def _maps(result: StagingResult, folder: Path) -> Iterator[dict[str, Any]]:
    for stage, located in result.maps.items():
        yield _map(located, stage, f"Location map of {stage}", result.attention, folder)
    if result.recommended is not None and result.recommended_map is not None:
        title = f"Recommended map of {result.stage.predicted}"
        yield _map(result.recommended_map, "recommended", title, result.recommended, folder)


def _map(located: Located, name: str, title: str, how: Attention, folder: Path) -> dict[str, Any]:
    volume = located.volume
    largest = float(volume.array.max())
    # A map that is zero everywhere has no largest value to divide by.
    slope = float(np.float32(largest / LEVELS)) if largest > 0 else 1.0 / LEVELS
    stored = np.clip(np.rint(volume.array / slope), 0, LEVELS).astype(np.uint8)
    entry = {
        "name": name,
        "title": title,
        "unit": "times the mean of the body" if how.scale == "mean1" else "",
        "scale": how.scale,
        "method": how.method,
        "layer": how.layer,
        "min": float(volume.array.min()),
        "max": largest,
    }
    return _written(volume.with_array(stored), folder, entry, slope)


def _written(volume: Volume, folder: Path, entry: dict[str, Any], slope: float = 1.0) -> dict[str, Any]:
    """Write a volume; its entry of the index."""
    path = folder / f"{entry['name']}{SUFFIX}"
    write_nifti(volume, path, f"viewer: {entry['name']}", slope)
    nothing = {"scale": None, "method": None, "layer": None}
    return nothing | entry | {"slope": slope, "bytes": path.stat().st_size}
