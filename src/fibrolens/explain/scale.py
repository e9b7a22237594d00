"""Named scales of a location map: ``raw`` as computed, ``mean1`` divided by its own mean inside the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from fibrolens.errors import ExplanationError


class Scaled(NamedTuple):
    """A map on the scale ``mean1``.

    Args:
        array: the map, float32; 1.0 is an even share of the attention.
        mean: what it was divided by; None where the map is zero inside the body, so that no figure can be read off it.
    """

    array: Float[np.ndarray, "*space"]
    mean: float | None


def mean1(array: Shaped[np.ndarray, "*space"], inside: Bool[np.ndarray, "*space"]) -> Scaled:
    """`array` divided by its own mean over `inside` (the body on covered slices).

    A map that is zero all over `inside` has no such scale: it comes back as zeros, with None for the mean.

    Raises:
        ExplanationError: the map is negative or not finite somewhere inside.
    """
    values = array[inside].astype(np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ExplanationError("The location map has negative or non-finite values; check the weights of the network.")
    mean = float(values.mean()) if values.size else 0.0
    if mean == 0.0:
        return Scaled(np.zeros(array.shape, np.float32), None)
    return Scaled((array / mean).astype(np.float32), mean)


def combine_layers(arrays: Sequence[Shaped[np.ndarray, "*space"]], inside: Bool[np.ndarray, "*space"]) -> Scaled:
    """The layer named ``mean``: the mean of the layers' ``mean1`` maps, itself on that scale.

    A layer whose map is all zero says nothing about where, so it does not dim the others.
    """
    scaled = [mean1(array, inside).array for array in arrays]
    return mean1(np.mean(scaled, axis=0), inside)
