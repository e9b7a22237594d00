"""Hounsfield units, or the units of an MR, to the interval that the network sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from fibrolens.volume import Volume


@dataclass(frozen=True)
class Window:
    """Clip values to a window and scale it to [0, 1].

    Args:
        lower: Hounsfield units, or units of an MR, that become 0.
        upper: those that become 1.
    """

    lower: float
    upper: float

    @classmethod
    def between(cls, values: Shaped[np.ndarray, " n"], percentiles: tuple[float, float]) -> Window:
        """From one percentile of `values` to a higher one; one wide where they are alike, or there is no value."""
        lower, upper = np.percentile(values, percentiles) if values.size else (0.0, 1.0)
        return cls(float(lower), float(upper) if upper > lower else float(lower) + 1.0)

    def forward(self, volume: Volume) -> Volume:
        """`volume` as float32 in [0, 1]."""
        scaled = (volume.array.astype(np.float32) - np.float32(self.lower)) / np.float32(self.upper - self.lower)
        return volume.with_array(np.clip(scaled, 0.0, 1.0))

    def inverse(self, volume: Volume) -> Volume:
        """Hounsfield units of a windowed volume; what lay outside the window comes back as its edge."""
        scaled = volume.array.astype(np.float32) * np.float32(self.upper - self.lower)
        return volume.with_array(scaled + np.float32(self.lower))
