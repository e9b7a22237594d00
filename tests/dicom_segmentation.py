"""Small DICOM segmentations for tests, written frame by frame with pydicom alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian

from fibrolens.volume import Volume

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"


@dataclass(frozen=True)
class Part:
    """One segment to write: its mask ``[slice, row, column]``, label, and codes as (value, scheme, meaning)."""

    mask: np.ndarray
    label: str
    code: tuple[str, str, str]
    region: tuple[str, str, str] | None = None


LIVER = ("10200004", "SCT", "Liver")
SPLEEN = ("78961009", "SCT", "Spleen")
MASS = ("4147007", "SCT", "Mass")
OTHER = ("1", "99TEST", "Something")


def save_segmentation(
    path: Path,
    grid: Volume,
    parts: Sequence[Part],
    kind: str = "BINARY",
    seed: int | None = 0,
    keep_empty: bool = False,
) -> Path:
    """Write `parts`, masks on `grid`, as one segmentation and return its path.

    Args:
        path: the file.
        grid: where the masks lie; a frame is a slice of its array.
        parts: segments 1, 2, ...
        kind: BINARY, FRACTIONAL (0 to 200) or LABELMAP.
        seed: of the order in which the frames are stored; None keeps the slices' order.
        keep_empty: also write frames with nothing inside.
    """
    frames = _frames(grid, parts, kind, keep_empty)
    if seed is not None:
        np.random.default_rng(seed).shuffle(frames)
    file = _file(grid, kind, parts)
    file.NumberOfFrames = len(frames)
    file.SegmentSequence = Items([_segment(number, part) for number, part in enumerate(parts, 1)])
    file.SharedFunctionalGroupsSequence = Items([_shared(grid)])
    file.PerFrameFunctionalGroupsSequence = Items([_own(grid, index, number) for index, number, _ in frames])
    pixels = np.stack([image for _, _, image in frames])
    packed = np.packbits(pixels.ravel(), bitorder="little") if kind == "BINARY" else pixels.astype(np.uint8).ravel()
    file.PixelData = packed.tobytes() + b"\0" * (packed.size % 2)
    file.save_as(path, enforce_file_format=True)
    return path


def _frames(grid, parts, kind, keep_empty):
    if kind == "LABELMAP":
        stack = np.zeros(grid.array.shape, np.uint8)
        for number, part in enumerate(parts, 1):
            stack[part.mask] = number
        return [(index, None, image) for index, image in enumerate(stack) if keep_empty or image.any()]
    scale = 200 if kind == "FRACTIONAL" else 1
    return [
        (index, number, np.round(image * scale).astype(np.uint8))
        for number, part in enumerate(parts, 1)
        for index, image in enumerate(part.mask)
        if keep_empty or image.any()
    ]


def _file(grid, kind, parts):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UID(LABEL_MAP if kind == "LABELMAP" else SEGMENTATION)
    meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.3680043.8.498.77.1")
    file = FileDataset("memory", {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    file.StudyInstanceUID, file.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.10", "1.2.826.0.1.3680043.8.498.77"
    file.Modality, file.PatientName, file.PatientID = "SEG", "Doe^Jane", "SECRET-1"
    file.SegmentationType = kind
    if kind == "FRACTIONAL":
        file.SegmentationFractionalType, file.MaximumFractionalValue = "PROBABILITY", 200
    file.Rows, file.Columns = grid.array.shape[1:]
    bits = 1 if kind == "BINARY" else 8
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = bits, bits, bits - 1, 0
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    return file


def _segment(number, part):
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel, item.SegmentAlgorithmType = number, part.label, "MANUAL"
    item.SegmentedPropertyTypeCodeSequence = Items([_code(part.code)])
    if part.region is not None:
        item.AnatomicRegionSequence = Items([_code(part.region)])
    return item


def _code(code):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code
    return item


def _shared(grid):
    _, down, across = grid.geometry.direction
    _, rows, columns = grid.geometry.spacing
    shared = Dataset()
    shared.PlaneOrientationSequence = Items([_item(ImageOrientationPatient=[*across, *down])])
    shared.PixelMeasuresSequence = Items([_item(PixelSpacing=[rows, columns], SliceThickness=1)])
    return shared


def _own(grid, index, number):
    own = Dataset()
    place = grid.geometry.to_world(np.array([float(index), 0, 0])).tolist()
    own.PlanePositionSequence = Items([_item(ImagePositionPatient=[float(f"{p:.9g}") for p in place])])
    if number is not None:
        own.SegmentIdentificationSequence = Items([_item(ReferencedSegmentNumber=number)])
    return own


def _item(**tags):
    item = Dataset()
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return item
