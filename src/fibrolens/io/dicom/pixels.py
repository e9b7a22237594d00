"""Stored pixel data to Hounsfield units."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Shaped
from pydicom import Dataset, dcmread
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from fibrolens.errors import SeriesError
from fibrolens.io.dicom.codestream import require_size
from fibrolens.io.dicom.files import DAMAGED, Instance
from fibrolens.io.dicom.frames import Frame
from fibrolens.io.values import LOWEST_HU, as_hounsfield

Image = Shaped[np.ndarray, "h w"]


def read_pixels(frames: Sequence[Frame], series: str) -> tuple[Shaped[np.ndarray, "d h w"], str]:
    """Hounsfield units of the frames in the order given, and a hash of their files.

    Returns:
        The array, and the SHA-256 over the sorted SHA-256 of each file, so that names and order do not matter.

    Raises:
        SeriesError: pixel data that is truncated, or compressed in a way that nothing installed can read.
    """
    wanted: dict[Instance, list[Frame]] = {}
    for frame in frames:
        wanted.setdefault(frame.instance, []).append(frame)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read = list(pool.map(lambda group: _read_instance(group[0], group[1], series), wanted.items()))
    images: dict[Frame, Image] = {}
    for group, (_, found) in zip(wanted.values(), read, strict=True):
        images.update(zip(group, found, strict=True))
    return np.stack([images[frame] for frame in frames]), series_digest(digest for digest, _ in read)


def series_digest(files: Iterable[str]) -> str:
    """The SHA-256 of a series from those of its files; their order does not matter."""
    return hashlib.sha256("".join(sorted(files)).encode()).hexdigest()


def _read_instance(instance: Instance, frames: Sequence[Frame], series: str) -> tuple[str, list[Image]]:
    """Hash of one file, and its wanted frames in Hounsfield units."""
    try:
        with instance.open() as file:
            content = file.read()
        dataset = dcmread(io.BytesIO(content), force=True)
        decoder = decoder_of(dataset, series)
        images = [_hounsfield(decoded(decoder, dataset, frame.index), dataset, frame) for frame in frames]
    except DAMAGED as error:
        raise SeriesError(
            f"{series}: the pixels of slice {frames[0].label} ({instance.name}) cannot be read, they are truncated or "
            "damaged; copy the file again."
        ) from error
    return hashlib.sha256(content).hexdigest(), images


def decoder_of(dataset: Dataset, series: str) -> Decoder:
    """What decodes the pixels of a dataset; `series` is what messages call it.

    Raises:
        SeriesError: nothing that is installed can.
    """
    if "TransferSyntaxUID" not in dataset.file_meta:  # a file without the meta group
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    if not decoder.is_available:
        raise SeriesError(
            f"{series} is compressed ({decoder.UID.name}) and nothing here can read that; "
            "run: pip install 'fibrolens[dicom-codecs]'."
        )
    return decoder


def decoded(decoder: Decoder, dataset: Dataset, index: int) -> Image:
    """Stored values of one frame; raises ValueError where its compressed image is of another size."""
    if decoder.UID.is_encapsulated and RLELossless != decoder.UID:
        frames = int(dataset.get("NumberOfFrames") or 1)
        stream = get_frame(dataset.PixelData, index, number_of_frames=frames)
        require_size(stream, dataset.Rows, dataset.Columns, dataset.BitsAllocated)
    # gdcm, where it is installed, reads every syntax that CT uses; other plugins are second choice.
    plugin = "gdcm" if "gdcm" in decoder.available_plugins else ""
    array, _ = decoder.as_array(dataset, index=index, raw=True, decoding_plugin=plugin)
    return array


def _hounsfield(stored: Image, dataset: Dataset, frame: Frame) -> Image:
    """Rescale (PS3.3 C.11.1) and set padding (C.7.5.1.1.2) to the lowest value of air."""
    slope, intercept = frame.rescale
    if (slope, intercept) == (1.0, 0.0) and stored.dtype == np.int16:
        values: Image = stored
    elif slope.is_integer() and intercept.is_integer():
        values = stored.astype(np.int32) * int(slope) + int(intercept)
    else:
        values = stored * slope + intercept
    padding = _padding(stored, dataset)
    return as_hounsfield(values if padding is None else np.where(padding, LOWEST_HU, values).astype(values.dtype))


def _padding(stored: Image, dataset: Dataset) -> Image | None:
    """Which pixels the file declares to be padding; None where it declares none."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    # Writers disagree on the sign of this element; its 16 bits are what counts.
    ends = np.array([value, value if limit is None else limit]).astype(np.int64) & 0xFFFF
    low, high = np.sort(ends.astype(np.uint16).view(np.int16) if stored.dtype.kind == "i" else ends)
    return (stored >= low) & (stored <= high)
