"""Normal noise for pictures, each value looked up by 16 random bits: exact values take six times as long."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

LEVELS = 2**16
#: The middles of as many equally likely parts of the standard normal distribution; the outermost are at 4.3.
QUANTILES = ndtri((np.arange(LEVELS) + 0.5) / LEVELS).astype(np.float32)


def normal(rng: np.random.Generator, shape: tuple[int, ...], mean: float, deviation: float) -> Float[np.ndarray, ...]:
    """Normal values; how many are drawn decides alone how far `rng` goes on.

    Args:
        rng: what is drawn from.
        shape: of the values.
        mean: of all values.
        deviation: standard deviation of each.
    """
    count = int(np.prod(shape))
    bits = rng.integers(0, 2**64, -(-count // 4), np.uint64).view(np.uint16)[:count]
    scaled = QUANTILES * np.float32(deviation) + np.float32(mean)
    # No 16 bits point beside the table, so that "wrap" only spares a look at each of them.
    return scaled.take(bits, mode="wrap").reshape(shape)
