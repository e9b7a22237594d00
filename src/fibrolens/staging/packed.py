"""Training scans in one file, of which a step reads the slices that it needs: a cohort may be larger than memory.

The file is mapped, so that the system keeps of it in memory what there is room for, and one handle is open for any
number of scans. It is not compressed: that would save two thirds of it, and cost more than all else that reads a slab.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from fibrolens.staging.data import StagingCase
from fibrolens.staging.peers import ALONE, Peers

NOTHING = np.zeros((0, 0, 0), np.uint8)


def packed(cases: Iterable[StagingCase], path: Path, peers: Peers = ALONE) -> list[StagingCase]:
    """The same cases with their images in a file; one image at a time is in memory on the way.

    Args:
        cases: as they are read, one after the other.
        path: the file, which the leading process writes; what stands there is replaced.
        peers: all need the same cases and see the same file.
    """
    without, shapes = [], []
    with path.open("wb") if peers.leads else nullcontext() as stream:
        for case in cases:
            if stream:
                stream.write(np.ascontiguousarray(case.image).data)
            shapes.append(case.image.shape)
            without.append(replace(case, image=NOTHING))
    peers.wait()
    if not without:
        return []
    mapped = np.asarray(np.memmap(path, np.uint8, "r"))
    images = np.split(mapped, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
    return [
        replace(case, image=image.reshape(shape)) for case, image, shape in zip(without, images, shapes, strict=True)
    ]
