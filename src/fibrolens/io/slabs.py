"""Volumes that are read some slices at a time, so that their voxels are in memory once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from jaxtyping import Shaped

from fibrolens.sparse import sparse_zeros, write_rows
from fibrolens.volume import Shape

#: How many slices differs from slab to slab.
Slab = Shaped[np.ndarray, "_n h w"]
#: What is made of some slices as soon as they are read.
Convert = Callable[[Slab], Slab]

#: Voxels that are held beside the volume: as real numbers, with what it takes to convert them, some 30 MB.
VOXELS = 1 << 20


def runs(shape: Shape) -> Iterator[slice]:
    """Slices of a volume in order, as many at a time as have `VOXELS` voxels; at least one."""
    step = max(1, VOXELS // max(1, shape[1] * shape[2]))
    return (slice(first, first + step) for first in range(0, shape[0], step))


def gathered(shape: Shape, slabs: Iterable[Slab]) -> Shaped[np.ndarray, "d h w"]:
    """One array of all slabs.

    Args:
        shape: its shape.
        slabs: its slices in order; all of them, none is checked to be there.

    Returns:
        An array of the narrowest type that holds the values of every slab; one of 8 bits, as masks are, is sparse.
    """
    into, at = _room(shape, np.dtype(np.uint8)), 0
    for slab in slabs:
        if at == 0:
            into = _room(shape, slab.dtype)
        into = into.astype(np.result_type(into, slab), copy=False)
        write = write_rows if into.dtype == np.uint8 else np.copyto
        for index, plane in enumerate(slab, at):
            write(into[index], plane)
        at += len(slab)
    return into


def _room(shape: Shape, dtype: np.dtype[np.generic]) -> Shaped[np.ndarray, "d h w"]:
    return sparse_zeros(shape) if dtype == np.uint8 else np.empty(shape, dtype)
