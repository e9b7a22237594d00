"""Masks that take memory where something is in them, and hardly any elsewhere.

An organ fills a few percent of a CT. In a mask of all its voxels most rows are empty, and a row that nobody writes to
needs no memory as long as the pages of memory are small.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from jaxtyping import Bool, Shaped

from fibrolens.volume import Shape

Plane = Shaped[np.ndarray, "h w"]


def sparse_zeros(shape: Shape, dtype: type[np.generic] = np.uint8) -> Shaped[np.ndarray, "d h w"]:
    """Zeros as of `numpy.zeros`, whose memory comes in small pages and with the first write to each.

    numpy asks the system for pages of two megabytes, eight slices of a mask at a time.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if not size or not hasattr(mmap, "MAP_PRIVATE"):
        return np.zeros(shape, dtype)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # Not every system has pages of several sizes.
    with suppress(AttributeError, OSError):
        pages.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(pages, dtype).reshape(shape)


def sparsely(
    planes: Shaped[np.ndarray, "d h w"], value: Callable[[Plane], Plane], dtype: type[np.generic] = np.uint8
) -> Shaped[np.ndarray, "d h w"]:
    """`value` of each plane as a sparse array; rows of it that hold nothing are not written."""
    found = sparse_zeros(planes.shape, dtype)
    for ours, plane in zip(found, planes, strict=True):
        write_rows(ours, value(plane))
    return found


def write_rows(into: Plane, values: Plane) -> None:
    """Write the rows of `values` that hold something; `into` holds nothing there before."""
    rows = np.flatnonzero(values.any(axis=1))
    if rows.size:
        some = slice(rows[0], rows[-1] + 1)
        into[some] = values[some]


def inside(labels: Shaped[np.ndarray, "d h w"], number: int) -> Bool[np.ndarray, "d h w"]:
    """Where `labels` are `number`, as a sparse array."""
    return sparsely(labels, lambda plane: plane == number, np.bool_)
