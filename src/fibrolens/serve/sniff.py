"""What an upload is, by its content alone, and whether it is safe to open: its name proves nothing.

What is refused here would read other files of this machine (headers that point elsewhere) or fill its memory. Zips are
looked into by `fibrolens.io.dicom.files`, which unpacks none to the disk.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from pathlib import Path

from fibrolens.errors import InputError
from fibrolens.io.dicom.files import BARE_STARTS, ZIP_FREE, ZIP_RATIO

#: Bytes that hold the header of any of the formats.
HEAD = 65_536
#: A CT of 3000 slices has 0.8e9 voxels.
MOST_VOXELS = 2**30
#: Bytes per voxel at most, in every format that is read.
WIDEST = 8
UNKNOWN = "The upload is neither a zip of DICOM files, a DICOM file, NIfTI, NRRD nor MetaImage; export the CT again."
ELSEWHERE = "The header of the upload points to another file; upload a volume that is one file."
DAMAGED = "The header of the upload is damaged; copy or convert it again."
TOO_LARGE = "The upload would be larger than a CT when it is unpacked; it is not read."


def ending(path: Path) -> str:
    """The ending of the format that a file holds: ``.zip .dcm .nii .nii.gz .nrrd .mha``.

    Raises:
        InputError: it is none of these, or a volume that is not safe to read.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if head.startswith(b"PK"):
        return ".zip"
    if head[128:132] == b"DICM" or head[:2] in BARE_STARTS:
        return ".dcm"
    if head.startswith(b"\x1f\x8b"):
        _require_modest(_nifti_shape(_unpacked(head)), path)
        return ".nii.gz"
    if head.startswith(b"NRRD0"):
        _require_modest(_nrrd_shape(head), path)
        return ".nrrd"
    if re.match(rb"\s*(ObjectType|NDims|Comment)\s*=", head):
        _require_modest(_meta_shape(head), path)
        return ".mha"
    _require_modest(_nifti_shape(head), path)
    return ".nii"


def _unpacked(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(head, 540)
    except zlib.error:
        raise InputError(DAMAGED) from None


def _nifti_shape(head: bytes) -> tuple[int, ...]:
    """Number of voxels along each axis of a NIfTI-1 or NIfTI-2 header."""
    for order in "<>":
        if len(head) >= 348 and struct.unpack_from(f"{order}i", head)[0] == 348 and head[344:347] == b"n+1":
            return _axes(struct.unpack_from(f"{order}8h", head, 40))
        if len(head) >= 540 and struct.unpack_from(f"{order}i", head)[0] == 540 and head[4:7] == b"n+2":
            return _axes(struct.unpack_from(f"{order}8q", head, 16))
        if len(head) >= 348 and head[344:347] == b"ni1":
            raise InputError(ELSEWHERE)
    raise InputError(UNKNOWN)


def _axes(dim: tuple[int, ...]) -> tuple[int, ...]:
    if not 1 <= dim[0] <= 7:
        raise InputError(DAMAGED)
    return dim[1 : dim[0] + 1]


def _nrrd_shape(head: bytes) -> tuple[int, ...]:
    """Number of voxels along each axis; see the NRRD file format, section 3."""
    end = re.search(rb"\r?\n\r?\n", head)
    if end is None:
        raise InputError(DAMAGED)
    lines = _lines(head[: end.start()])
    if any(re.match(r"\s*data\s*file\s*:", line, re.IGNORECASE) for line in lines):
        raise InputError(ELSEWHERE)
    return _numbers([line.partition(":")[2] for line in lines if re.match(r"\s*sizes\s*:", line, re.IGNORECASE)])


def _meta_shape(head: bytes) -> tuple[int, ...]:
    """Number of voxels along each axis of a MetaImage whose data follow in the same file.

    Readers differ in what they take for the end of a name (``=`` or ``:``) and in which of two equal names counts, so
    only the form that all read alike is let through.
    """
    end = re.search(rb"^ElementDataFile = LOCAL\r?\n", head, re.MULTILINE)
    if end is None:
        raise InputError(ELSEWHERE if b"ElementDataFile" in head else DAMAGED)
    found = [re.fullmatch(r"([^\s=:]+) = (.*)", line) for line in _lines(head[: end.end()].rstrip())]
    fields = [(field.group(1).lower(), field.group(2)) for field in found if field is not None]
    names = [name for name, _ in fields]
    if len(fields) < len(found) or len(set(names)) < len(names):
        raise InputError(DAMAGED)
    return _numbers([value for name, value in fields if name == "dimsize"])


def _lines(header: bytes) -> list[str]:
    """Lines of a header; a carriage return alone ends a line for some readers and not for others."""
    text = header.decode("latin-1").replace("\r\n", "\n")
    if "\r" in text or "\0" in text:
        raise InputError(DAMAGED)
    return text.split("\n")


def _numbers(found: list[str]) -> tuple[int, ...]:
    words = found[0].split() if len(found) == 1 else []
    if not words or not all(word.isascii() and word.isdigit() and len(word) < 12 for word in words):
        raise InputError(DAMAGED)
    return tuple(int(word) for word in words)


def _require_modest(shape: tuple[int, ...], path: Path) -> None:
    if min(shape) < 1:
        raise InputError(DAMAGED)
    voxels = math.prod(shape)
    unpacked = voxels * WIDEST
    if voxels > MOST_VOXELS or (unpacked > ZIP_FREE and unpacked > ZIP_RATIO * WIDEST * path.stat().st_size):
        raise InputError(TOO_LARGE)
