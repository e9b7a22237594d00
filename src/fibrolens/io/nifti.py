"""NIfTI-1 in and out.

NIfTI counts (column, row, slice) in RAS millimetres, we count (slice, row, column) in LPS: the array is transposed,
the affine's columns are reversed and its first two rows change sign. No voxel is resampled or flipped.
"""

import math
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BufferedIOBase
from pathlib import Path
from typing import Any, TypeVar, cast

import nibabel as nib
import numpy as np
from isal import igzip, isal_zlib
from isal.igzip_lib import IsalError
from jaxtyping import Float, Shaped
from nibabel.arrayproxy import ArrayProxy
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from fibrolens.aside import appearing
from fibrolens.errors import GeometryError, InputError, OutputError
from fibrolens.io.deflate import deflated
from fibrolens.io.quiet import quiet
from fibrolens.io.slabs import Convert, Slab, gathered, runs
from fibrolens.transforms import Enlarged, Located
from fibrolens.volume import Geometry, Volume

T = TypeVar("T")

RESEARCH_USE = "fibrolens research use only"
#: What nibabel, numpy and ISA-L raise on headers and streams that cannot be.
DAMAGED: tuple[type[BaseException], ...] = (
    *(ArithmeticError, ImageFileError, HeaderDataError, EOFError, OSError, TypeError, ValueError),
    # Its stub takes the class for an instance.
    *(zlib.error, cast(type[BaseException], IsalError)),
)
#: Bytes of a number that a slope was applied to; and how much deflate can shrink what it is given, at most.
REAL, DEFLATE = 8, 1032
#: A file may grow this much without being asked why, for masks shrink like nothing else; beyond, only so many times.
FREE, RATIO = 5 * 2**27, 100
#: Size of the header's field `descrip`.
DESCRIPTION_BYTES = 80
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
WRITABLE = (np.uint8, np.int16, np.float32)
#: Bytes that one thread compresses at a time, in whole slices: whatever the number of cores, the file is the same.
CHUNK = 1 << 22


def read_nifti(path: Path, convert: Convert = np.asarray) -> tuple[Shaped[np.ndarray, "d h w"], Geometry]:
    """Voxel values and grid of a ``.nii`` or ``.nii.gz`` file.

    Args:
        path: the file.
        convert: what is made of some slices before the next are read, so that the values as stored are never all held.

    Raises:
        InputError: the file is damaged, or is not one scalar three-dimensional volume.
        GeometryError: no or broken spatial transform.
    """
    try:
        with quiet("nibabel"), np.errstate(all="ignore"):
            image: Any = nib.load(path)
            _require_bounded(image, path)
            _require_scalar_volume(image, path)
            geometry = _grid(image, path.name)
            with _opened(path) as stream:
                return gathered(geometry.shape, map(convert, _slabs(image.dataobj, stream))), geometry
    except DAMAGED as error:
        raise InputError(
            f"{path.name} cannot be read as NIfTI, it is damaged or something else; copy or convert it again."
        ) from error


def _opened(path: Path) -> BufferedIOBase:
    """The file's bytes, inflated by ISA-L, which takes less than half of zlib's time."""
    stream: BufferedIOBase = igzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")
    return stream


def _slabs(stored: Any, stream: BufferedIOBase) -> Iterator[Slab]:
    """Some slices at a time of nibabel's array, read from another stream; at the end its checksum is compared."""
    spec = (stored.shape, stored.dtype, stored.offset, stored.slope, stored.inter)
    proxy = ArrayProxy(stream, spec, mmap=False)
    rest = (0,) * (len(stored.shape) - 3)
    for run in runs(stored.shape[2::-1]):
        values = proxy[:, :, run, *rest].T
        yield values.astype(values.dtype.newbyteorder("="), copy=False)
    stream.read(1)


def _require_bounded(image: Any, path: Path) -> None:
    """Refuse what was made to exhaust the memory, or claims more than its file can hold."""
    is_scaled = image.dataobj.slope != 1 or image.dataobj.inter != 0
    size = math.prod(map(int, image.shape)) * (REAL if is_scaled else image.dataobj.dtype.itemsize)
    packed = path.stat().st_size
    if size > REAL * DEFLATE * packed or (size > FREE and size > RATIO * packed):
        raise InputError(
            f"{path.name} claims to hold {size / 2**30:.1f} GiB, more than a scan; it is not read. A large mask "
            "takes less as whole numbers of 8 bits (uint8)."
        )


def _require_scalar_volume(image: Any, path: Path) -> None:
    is_volume = len(image.shape) >= 3 and all(count == 1 for count in image.shape[3:])
    if not is_volume or image.dataobj.dtype.kind not in "iuf":
        raise InputError(
            f"{path.name} has shape {image.shape} and type {image.get_data_dtype()}; "
            "give one three-dimensional volume of plain numbers."
        )


def _grid(image: Any, name: str) -> Geometry:
    if image.header["sform_code"] == 0 and image.header["qform_code"] == 0:
        raise GeometryError(
            f"{name} does not say how it lies in the patient (sform and qform are unset); convert it again."
        )
    columns, rows, slices = image.shape[:3]
    try:
        with np.errstate(all="ignore"):
            return Geometry.from_affine((slices, rows, columns), LPS_TO_RAS @ image.affine[:, [2, 1, 0, 3]])
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from None


def write_nifti(volume: Volume | Located, path: Path, description: str = "", slope: float = 1.0) -> None:
    """Write a volume as gzip-compressed NIfTI-1, on its own grid; of a `Located` map a few slices are held at a time.

    The bytes are a function of the volume alone: no time, no dependence on the number of cores. (A processor with other
    vector instructions may compress otherwise; the voxels stay the same.)

    Args:
        volume: array of type uint8, int16 or float32 (others are for the caller to convert).
        path: file to write, named ``.nii.gz``.
        description: what the values are, for the header; "research use only" is added, and the format has 79 bytes.
        slope: what a stored value is multiplied by to be the real one (``scl_slope``).

    Raises:
        ValueError: an array of another type, or a description that does not fit.
        OutputError: the file cannot be written.
    """
    if volume.array.dtype not in WRITABLE:
        raise ValueError(f"write_nifti takes uint8, int16 or float32; the array is {volume.array.dtype}")
    header = _header(volume, description, slope)
    try:
        with appearing(path) as aside, aside.open("wb") as file:
            file.writelines(_gzip(header, volume.array))
    except OSError as error:
        raise OutputError(
            f"{path.name} could not be written ({error.strerror}); free some space or choose another folder."
        ) from None


def _header(volume: Volume | Located, description: str, slope: float) -> bytes:
    """The 348 bytes of a NIfTI-1 header and the 4 that say "no extension"."""
    affine = nifti_affine(volume.geometry)
    header = nib.Nifti1Header(endianness="<")
    header.set_data_shape(volume.array.shape[::-1])
    header.set_data_dtype(volume.array.dtype)
    header.set_zooms(volume.geometry.spacing[::-1])
    header.set_xyzt_units("mm")
    header.set_sform(affine, code=1)
    axes = np.asarray(volume.geometry.direction)
    # A quaternion can only hold a rotation; rounded axes would make it disagree with the sform.
    if np.allclose(axes @ axes.T, np.eye(3), atol=1e-5):
        header.set_qform(affine, code=1)
    text = "; ".join(part for part in (description, RESEARCH_USE) if part).encode("ascii", "replace")
    if len(text) >= DESCRIPTION_BYTES:
        raise ValueError(f"description must have fewer than {DESCRIPTION_BYTES} bytes; it is {text!r}")
    header["descrip"] = text
    header["magic"] = b"n+1"
    header["vox_offset"] = 352
    header["scl_slope"], header["scl_inter"] = slope, 0.0
    return bytes(header.binaryblock) + bytes(4)


def nifti_affine(geometry: Geometry) -> Float[np.ndarray, "4 4"]:
    """4 x 4 matrix from NIfTI index (column, row, slice) to RAS millimetres."""
    return LPS_TO_RAS @ geometry.affine[:, [2, 1, 0, 3]]


def _gzip(header: bytes, array: Shaped[np.ndarray, "d h w"] | Enlarged) -> Iterator[bytes]:
    """One gzip member (RFC 1952), its deflate blocks made by several threads.

    Browsers refuse files of several gzip members, which would have been the simpler way.
    """
    step = max(1, CHUNK // (array.shape[1] * array.shape[2] * array.dtype.itemsize))
    runs = [slice(first, first + step) for first in range(0, array.shape[0], step)]
    yield b"\x1f\x8b\x08\x00" + bytes(4) + b"\x04\xff"  # deflate, no time, fastest, unknown system
    yield deflated(header)
    checksum, size = isal_zlib.crc32(header), len(header)
    for blocks, crc, length in _in_order(lambda run: _slices(array, run), runs):
        yield blocks
        checksum, size = isal_zlib.crc32_combine(checksum, crc, length), size + length
    yield zlib.compressobj(wbits=-zlib.MAX_WBITS).flush()
    yield struct.pack("<II", checksum, size & 0xFFFFFFFF)


def _in_order(function: Callable[[slice], T], runs: Sequence[slice]) -> Iterator[T]:
    """What `function` makes of each run, in their order, on all cores; no more of it is held than they need."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for run in runs:
            waiting.append(pool.submit(function, run))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _slices(array: Shaped[np.ndarray, "d h w"] | Enlarged, run: slice) -> tuple[bytes, int, int]:
    """Some slices deflated, and the checksum and number of their bytes."""
    values = array[run]
    voxels = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
    return deflated(voxels), isal_zlib.crc32(voxels), len(voxels)
