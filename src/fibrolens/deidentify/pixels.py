"""Pixels of a source CT, uncompressed and nothing but pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Integer
from pydicom import DataElement, Dataset

from fibrolens.io.dicom.frames import numbers
from fibrolens.io.dicom.pixels import decoded, decoder_of

PIXEL_DATA = 0x7FE00010


def plain_pixels(data: Dataset, series: str) -> DataElement:
    """The pixel data of a CT without what may ride along: comments in a compressed stream, overlays in unused bits.

    Args:
        data: with its compressed or plain pixel data.
        series: what messages call it.

    Returns:
        Little-endian stored values of every frame, 16 bits each (PS3.5 8.1); the last byte is padding where odd.

    Raises:
        SeriesError: nothing that is installed can decode it.
    """
    decoder = decoder_of(data, series)
    frames = int((numbers(data, "NumberOfFrames", 1) or (1,))[0])
    stored = np.stack([decoded(decoder, data, index) for index in range(frames)])
    low = int(data.HighBit) == int(data.BitsStored) - 1
    values = _without_spare_bits(stored, int(data.BitsStored)) if low else stored
    content = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return DataElement(PIXEL_DATA, "OW", content + b"\0" * (len(content) % 2))


def _without_spare_bits(stored: Integer[np.ndarray, "n h w"], bits: int) -> Integer[np.ndarray, "n h w"]:
    """Only the lowest `bits` of each value, with the sign where there is one; older files keep overlays above them."""
    spare = 8 * stored.dtype.itemsize - bits
    if not 0 < spare < 8 * stored.dtype.itemsize:
        return stored
    # Shifting up and down again, a signed type brings its sign along.
    return (stored << spare) >> spare
