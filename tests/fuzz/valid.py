"""What a valid result is, and a file to read it from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fibrolens.volume import Volume


class InvalidResultError(AssertionError):
    """A reader returned what its docstring does not promise."""


def put(path: Path, content: bytes) -> Path:
    """The file, written."""
    path.write_bytes(content)
    return path


def require(condition: bool, what: str) -> None:
    """Raise `InvalidResultError` where a promise is broken."""
    if not condition:
        raise InvalidResultError(what)


def require_volume(ct: Volume) -> None:
    """Hounsfield units as `read_volume` promises them."""
    require(ct.array.shape == ct.geometry.shape, f"array {ct.array.shape} on grid {ct.geometry.shape}")
    require(ct.array.dtype in (np.int16, np.float32), f"type {ct.array.dtype}")
    require(bool(np.isfinite(ct.array).all()), "values that are not finite")
    require(ct.array.min() >= -1024, f"values down to {ct.array.min()}")
