"""A location map as a DICOM Parametric Map of 32-bit floats on the source's slices (PS3.3 A.75).

Explicit little endian without compression: the standard has no compressed syntax for float pixels but deflation of
the whole file, which many archives refuse. Slices that no window of the network covered are not zero but unknown and
hold no frame, which saves what compression would.
"""

from __future__ import annotations

from dataclasses import dataclass

import highdicom as hd
import numpy as np
from highdicom.pm import ParametricMap, RealWorldValueMapping
from jaxtyping import Float32
from pydicom import Dataset

from fibrolens.io.dicom.objects import codes
from fibrolens.io.dicom.objects.maker import RESEARCH, Maker, finish, plain
from fibrolens.io.dicom.objects.pixel_stream import pixel_stream
from fibrolens.io.dicom.objects.references import name_frames
from fibrolens.io.dicom.objects.source import Source
from fibrolens.transforms import Enlarged, filled_slices

#: Beyond any value that a map on the scale mean1 takes: the mapping is the identity for all of them.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class MapWords:
    """What a map shows: the stage that it explains, method, layer, and the scale of its values."""

    stage: str
    method: str
    layer: str
    scale: str

    def __str__(self) -> str:
        return f"{self.stage} {self.method} {self.layer} {self.scale}"


def parametric_map(
    source: Source, values: Float32[np.ndarray, "d h w"] | Enlarged, words: MapWords, maker: Maker, kind: str = "map"
) -> ParametricMap:
    """The map on the source's slices, from the first to the last that it covers; all where it is zero everywhere.

    Args:
        source: the CT.
        values: the map on its slices, which is computed as the object is written.
        words: what it shows, for description and label.
        maker: who makes the object.
        kind: ``map`` or ``map_recommended``.
    """
    shown = _shown(values)
    data = ParametricMap(
        # highdicom would hold all pixels three times over. It lays out one per slice, which tells the slice's number.
        source_images=[_of_one_pixel(header) for header in source.slices[shown]],
        pixel_array=np.arange(shown.start, shown.stop, dtype=np.float32).reshape(-1, 1, 1),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[_mapping(words)],
        # Every 4th row and column is plenty for a percentile.
        voi_lut_transformations=[_window(values[shown, ::4, ::4])],
        content_label="LOCATION_MAP",
        content_description=plain(RESEARCH),
        content_qualification="RESEARCH",
        **maker.identity(kind, source, f"fibrolens location map {words}, research"),
        **maker.equipment,
    )
    order = np.frombuffer(data.FloatPixelData, np.float32).astype(int).tolist()
    _, data.Rows, data.Columns = values.shape
    data.FloatPixelData = pixel_stream(values, order)
    name_frames(data, source.frames)
    finish(data, maker, kind, source)
    return data


def _shown(values: Float32[np.ndarray, "d h w"] | Enlarged) -> slice:
    """The slices from the first to the last that hold anything but zero."""
    covered = np.flatnonzero(filled_slices(values))
    return slice(int(covered[0]), int(covered[-1]) + 1) if covered.size else slice(0, len(values))


def _of_one_pixel(header: Dataset) -> Dataset:
    """The header of a slice as if it had a single pixel."""
    small = Dataset()
    small.update(header)
    for keyword in ("Rows", "Columns"):
        # Another element: the header has its own.
        small.add_new(keyword, "US", 1)
    return small


def _mapping(words: MapWords) -> RealWorldValueMapping:
    """Stored values are the real world values: a ratio to the mean inside the body, which has no unit."""
    return RealWorldValueMapping(
        lut_label=words.scale,
        lut_explanation=plain(f"Location map, {words}; 1 = mean in the body"),
        unit=codes.NO_UNITS,
        value_range=(-LARGEST, LARGEST),
        slope=1.0,
        intercept=0.0,
        quantity_definition=codes.CLASS_ACTIVATION,
    )


def _window(seen: Float32[np.ndarray, "d h w"]) -> hd.VOILUTTransformation:
    """From 0 to what the most intense voxels reach, at least twice an even share."""
    positive = seen[seen > 0]
    top = max(2.0, float(np.ceil(2 * np.percentile(positive, 99.5)) / 2)) if positive.size else 2.0
    return hd.VOILUTTransformation(window_center=top / 2, window_width=top, window_explanation="location map")
