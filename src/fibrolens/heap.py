"""Memory that one layer of a network gave back, kept for the next.

Glibc hands every large block to the system as soon as it is free and takes a new one, all zeros, for the next layer:
a third of a V-Net's time on two cores went into that.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

#: Numbers from malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
NEVER = 2**31 - 1
#: What glibc comes to by itself once it has seen a large block freed, and how many such blocks it allows.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = 64 * 2**20, 32 * 2**20, 65536


@contextmanager
def kept_memory() -> Iterator[None]:
    """Free memory stays with the process inside, and goes back to the system at the end; other systems: as ever."""
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        libc.mallopt(M_MMAP_MAX, MMAP_MAX)
        # Once set, glibc no longer moves either threshold.
        libc.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        libc.mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
