"""Hounsfield units to the interval that the network sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fibrolens.volume import Volume


@dataclass(frozen=True)
class Window:
    """Clip Hounsfield units to a window and scale it to [0, 1].

    Args:
        lower: Hounsfield units that become 0.
        upper: Hounsfield units that become 1.
    """

    lower: float
    upper: float

    def forward(self, volume: Volume) -> Volume:
        """`volume` as float32 in [0, 1]."""
        scaled = (volume.array.astype(np.float32) - np.float32(self.lower)) / np.float32(self.upper - self.lower)
        return volume.with_array(np.clip(scaled, 0.0, 1.0))

    def inverse(self, volume: Volume) -> Volume:
        """Hounsfield units of a windowed volume; what lay outside the window comes back as its edge."""
        scaled = volume.array.astype(np.float32) * np.float32(self.upper - self.lower)
        return volume.with_array(scaled + np.float32(self.lower))
