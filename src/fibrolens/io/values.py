"""What voxel values become on their way in: Hounsfield units for a CT, small whole numbers for labels."""

import numpy as np
from jaxtyping import Shaped, UInt8

from fibrolens.errors import InputError

#: Lowest value that a CT number takes (air is -1000); what lies below is padding, such as GE's -3024.
LOWEST_HU = -1024
HIGHEST_INT16 = 32767


def as_hounsfield(values: Shaped[np.ndarray, "*n"]) -> Shaped[np.ndarray, "*n"]:
    """Hounsfield units as int16 where every value is whole and fits, as float32 otherwise.

    Padding, which is anything below -1024 HU or not finite, becomes -1024 HU.
    """
    if values.dtype == np.int16:
        return np.maximum(values, np.int16(LOWEST_HU))
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what float32 cannot hold is not finite there
            values = values.astype(np.float32, copy=False)
        values = np.where(np.isfinite(values), values, np.float32(LOWEST_HU))
        if not np.array_equal(values, np.rint(values)):
            return np.maximum(values, np.float32(LOWEST_HU))
    fits = values.max(initial=0) <= HIGHEST_INT16
    # Unsigned and 8-bit types cannot hold, nor fall below, the lowest value.
    lowest = max(LOWEST_HU, int(np.iinfo(values.dtype).min)) if values.dtype.kind in "iu" else LOWEST_HU
    return np.maximum(values, lowest).astype(np.int16 if fits else np.float32)


def as_labels(values: Shaped[np.ndarray, "*n"], name: str) -> UInt8[np.ndarray, "*n"]:
    """Label numbers as uint8.

    Raises:
        InputError: a value that is not a whole number from 0 to 255; the message carries `name`.
    """
    if values.dtype != np.uint8:
        labels = np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8)
        if not np.array_equal(labels, values):
            raise InputError(
                f"{name} is not a label file: its values are not all whole numbers from 0 to 255; "
                "give a segmentation, not an image or a probability map."
            )
        return labels
    return values
