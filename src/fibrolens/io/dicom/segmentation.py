"""DICOM segmentations (PS3.3 A.51): liver and spleen, placed on a CT by geometry.

A segmentation stores its frames in any order, may leave empty ones out, and may hold many segments. Where a frame lies
is read from its own position and orientation, never from its number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Shaped
from pydicom import Dataset, dcmread
from scipy import ndimage

from fibrolens.errors import GeometryError, InputError, SeriesError
from fibrolens.io.dicom.files import DAMAGED, instances
from fibrolens.io.dicom.frames import numbers, text
from fibrolens.io.dicom.pixels import decoded, decoder_of
from fibrolens.io.dicom.read import quiet_pydicom
from fibrolens.io.dicom.segments import Kind, Segment, segment_of
from fibrolens.sparse import sparse_zeros
from fibrolens.volume import Volume

Mask = Bool[np.ndarray, "d h w"]

#: Segmentation Storage and Label Map Segmentation Storage (PS3.4 B.5).
SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
#: A frame may lie this far off the CT's grid; slices of a CT may lie as unevenly.
OFF_GRID_MM = 0.11


def read_segmentation(path: Path, ct: Volume) -> dict[str, Mask]:
    """Liver and spleen of a DICOM segmentation on the grid of its CT.

    The liver is every segment that is the liver or lies in it, by coded type, coded region, or else by label; masses
    and cysts whose site is not stated count where they touch it. Fractional segments are inside from one half on.

    Args:
        path: the DICOM file.
        ct: the CT; what the file leaves out is empty.

    Returns:
        Masks of the CT's shape under ``liver`` and ``spleen``; only of organs that the file has a segment for.

    Raises:
        InputError: the file holds no DICOM segmentation, or neither organ.
        SeriesError: it is damaged, lacks what places its frames, or is compressed in a way nothing here reads.
        GeometryError: it does not lie on the CT's grid; both grids are named.
    """
    with quiet_pydicom(), instances(path) as found:
        files = [instance for instance in found if text(instance.header, "SOPClassUID") in (SEGMENTATION, LABEL_MAP)]
        if len(files) != 1:
            raise InputError(
                f"{path.name} holds {len(files)} DICOM segmentations; give a mask as NIfTI, NRRD, MetaImage or one "
                "DICOM SEG file."
            )
        with files[0].open() as stream:
            with _intact(path.name):
                dataset = dcmread(stream, force=True)
            return _File(dataset, path.name).organs(ct)


@contextmanager
def _intact(name: str) -> Iterator[None]:
    """What pydicom raises on damaged content, as our own error."""
    try:
        yield
    except DAMAGED as error:
        raise SeriesError(f"The DICOM segmentation {name} is damaged; copy or export it again.") from error


@dataclass(frozen=True)
class _Plane:
    """Where one frame lies: its first pixel, and the steps to the next row and to the next column, LPS millimetres."""

    position: Float[np.ndarray, " 3"]
    down: Float[np.ndarray, " 3"]
    across: Float[np.ndarray, " 3"]

    @classmethod
    def of(cls, places: list[Dataset], name: str) -> _Plane:
        def required(keyword: str, count: int) -> Float[np.ndarray, " n"]:
            values = next((v for place in places if (v := numbers(place, keyword, count))), None)
            if values is None:
                raise SeriesError(f"{name}: a frame lacks {keyword}; export the segmentation again.")
            return np.array(values)

        position = required("ImagePositionPatient", 3)
        across, down = required("ImageOrientationPatient", 6).reshape(2, 3)
        between_rows, between_columns = required("PixelSpacing", 2)
        return cls(position, down * between_rows, across * between_columns)

    def onto(self, ct: Volume, size: tuple[int, int]) -> Shaped[np.ndarray, "3 3"] | None:
        """Whole CT indices: of the first pixel, then the steps down and across; None where the grids differ."""
        geometry = ct.geometry
        origin = geometry.to_index(self.position)
        moved = [geometry.to_index(self.position + step) - origin for step in (self.down, self.across)]
        steps = np.rint([origin, *moved]).astype(int)
        for row, column in ((0, 0), (size[0] - 1, 0), (0, size[1] - 1), (size[0] - 1, size[1] - 1)):
            at = steps[0] + row * steps[1] + column * steps[2]
            off = np.abs(geometry.to_world(at.astype(float)) - (self.position + row * self.down + column * self.across))
            if off.max() > OFF_GRID_MM or (at < 0).any() or (at >= geometry.shape).any():
                return None
        return steps if np.array_equal(np.sort(np.abs(steps[1:]).sum(axis=1)), [1, 1]) else None


@dataclass(frozen=True, eq=False)
class _File:
    dataset: Dataset
    name: str

    # Places too far away to calculate with are off the grid like others.
    @np.errstate(all="ignore")
    def organs(self, ct: Volume) -> dict[str, Mask]:
        with _intact(self.name):
            kinds, frames = self._kinds(), list(self._groups())
        masks = {kind: sparse_zeros(ct.geometry.shape, np.bool_) for kind in set(kinds.values())}
        for index, groups in enumerate(frames):
            with _intact(self.name):
                inside = self._inside(index, groups, kinds)
                plane = _Plane.of(_macros(groups), self.name)
            for kind, pixels in inside:
                z, y, x = self._place(plane, pixels, ct).T
                masks[kind][z, y, x] = True
        if "liver" in masks and "lesion" in masks:
            masks["liver"] |= _touching(masks["lesion"], masks["liver"])
        return {organ: masks[organ] for organ in ("liver", "spleen") if organ in masks}

    def _place(self, plane: _Plane, pixels: Shaped[np.ndarray, "n 2"], ct: Volume) -> Shaped[np.ndarray, "n 3"]:
        """CT indices of pixels (row, column) of one frame."""
        steps = plane.onto(ct, self._size)
        if steps is None:
            raise GeometryError(
                f"{self.name} ({self._grid()}) is not on the grid of {ct.source} ({ct.geometry}); "
                "resample it onto that grid first, or give the CT that it was drawn on."
            )
        return steps[0] + pixels @ steps[1:]

    def _kinds(self) -> dict[int, Kind]:
        """What each segment of use is, by its number."""
        segments: list[Segment] = [segment_of(item) for item in self.dataset.SegmentSequence]
        kinds = {s.number: s.kind for s in segments if s.kind is not None}
        if not {"liver", "spleen"} & set(kinds.values()):
            labels = ", ".join(s.label for s in segments[:8]) + (" and more" if len(segments) > 8 else "")
            raise InputError(
                f"{self.name} has no segment that is the liver or the spleen by coded type or label, it has: {labels}; "
                "name the segment and export it again."
            )
        return kinds

    def _groups(self) -> Iterator[list[Dataset]]:
        """The functional groups of each frame, its own before the shared ones."""
        shared = list(self.dataset.get("SharedFunctionalGroupsSequence") or [])
        for own in self.dataset.PerFrameFunctionalGroupsSequence:
            yield [own, *shared]

    def _inside(
        self, index: int, groups: list[Dataset], kinds: dict[int, Kind]
    ) -> list[tuple[Kind, Shaped[np.ndarray, "n 2"]]]:
        """Rows and columns of the pixels inside each segment of use that a frame shows."""
        if self.dataset.SOPClassUID == LABEL_MAP:
            pixels = self._pixels(index)
            shown = [(kind, pixels == number) for number, kind in kinds.items()]
        else:
            number = _segment_number(groups)
            if number not in kinds:
                return []
            shown = [(kinds[number], self._pixels(index) >= self._threshold)]
        return [(kind, np.argwhere(mask)) for kind, mask in shown if mask.any()]

    @property
    def _size(self) -> tuple[int, int]:
        return int(self.dataset.Rows), int(self.dataset.Columns)

    @property
    def _threshold(self) -> float:
        """The lowest stored value inside a segment."""
        fractional = self.dataset.SegmentationType == "FRACTIONAL"
        return self.dataset.MaximumFractionalValue / 2 if fractional else 1.0

    def _pixels(self, index: int) -> Shaped[np.ndarray, "h w"]:
        decoder = decoder_of(self.dataset, self.name)
        if self.dataset.BitsAllocated != 1 or decoder.UID.is_encapsulated:
            return decoded(decoder, self.dataset, index)
        # One bit a pixel, frames without a gap: they begin within bytes (PS3.5 8.1.1). pydicom 3.0.2 cannot take a
        # single one out where its size is no multiple of 8.
        size = self._size[0] * self._size[1]
        first, rest = divmod(index * size, 8)
        packed = np.frombuffer(self.dataset.PixelData, np.uint8, -(-(rest + size) // 8), first)
        return np.unpackbits(packed, bitorder="little")[rest : rest + size].reshape(self._size)

    def _grid(self) -> str:
        """The grid of the file in words, as that of a volume."""
        planes = [_Plane.of(_macros(groups), self.name) for groups in self._groups()]
        first = planes[0]
        normal = np.cross(first.across, first.down)
        along = np.unique(np.round([p.position @ normal / np.linalg.norm(normal) for p in planes], 2))
        sides = [f"{np.linalg.norm(step):.2f}" for step in (first.across, first.down)]
        step = f"{np.diff(along).min():.2f}" if along.size > 1 else "unknown"
        rows, columns = self._size
        return f"{columns}x{rows}x{along.size} voxels of {' x '.join([*sides, step])} mm"


def _macros(groups: list[Dataset]) -> list[Dataset]:
    names = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    return [group[name].value[0] for group in groups for name in names if group.get(name)]


def _segment_number(groups: list[Dataset]) -> int:
    """Number of the segment that a frame belongs to; raises KeyError where it belongs to none."""
    for group in groups:
        if group.get("SegmentIdentificationSequence"):
            return int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
    raise KeyError("SegmentIdentificationSequence")


def _touching(lesions: Mask, liver: Mask) -> Mask:
    """The lesions, each one piece, that lie at or in the liver."""
    near = np.zeros_like(lesions)
    found = ndimage.find_objects(lesions.astype(np.uint8))
    if found:
        box = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in found[0])
        around = np.ones((3, 3, 3))
        pieces, _ = ndimage.label(lesions[box], around)
        met = np.unique(pieces[ndimage.binary_dilation(liver[box], around)])
        near[box] = np.isin(pieces, met[met > 0])
    return near
