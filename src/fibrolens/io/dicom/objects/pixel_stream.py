"""Pixels that are computed or copied while their file is written, one frame after the other.

The location map of one CT is a hundred megabytes and more. As an array, as frames and as what is written it would be in
memory several times over; pydicom also takes the value of an element as a stream.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from fibrolens.transforms import Enlarged

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def pixel_stream(values: Shaped[np.ndarray, "n ..."] | Enlarged, order: Sequence[int]) -> io.BufferedReader:
    """The value of a pixel data element, of which one frame at a time is in memory.

    Args:
        values: frames, in the type of the element.
        order: which of them the element has, one after the other.
    """
    frames = _Frames(values, order)
    return io.BufferedReader(frames, frames.length)


class _Frames(io.RawIOBase):
    """The bytes of frames, and a zero behind an odd number of them, for it must be even (PS3.5 7.1.1)."""

    def __init__(self, values: Shaped[np.ndarray, "n ..."] | Enlarged, order: Sequence[int]) -> None:
        self.length = math.prod(values.shape[1:]) * values.dtype.itemsize
        self._values, self._order = values, order
        size = len(order) * self.length
        self._size = size + size % 2
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer as far as the frame that we stand in reaches; returns how many bytes that were."""
        index, skipped = divmod(self._at, self.length)
        if index < len(self._order):
            left = np.ascontiguousarray(self._values[self._order[index]]).data.cast("B")[skipped:]
        else:
            left = memoryview(bytes(max(0, self._size - self._at)))  # of an odd number
        into = memoryview(buffer)
        count = min(len(into), len(left))
        into[:count] = left[:count]
        self._at += count
        return count
