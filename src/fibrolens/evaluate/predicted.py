"""What a network of a study predicts of a scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Predicted:
    """One scan's prediction by a network that has not been fitted to its patient.

    Args:
        scan_id: which scan.
        patient_id: whose scan.
        fold: the fold whose network predicted.
        stages: the stages that the reference allows, one or several.
        probabilities: P(F0) to P(F4).
    """

    scan_id: str
    patient_id: str
    fold: int
    stages: tuple[int, ...]
    probabilities: tuple[float, ...]

    @property
    def predicted(self) -> int:
        """The most probable stage."""
        return int(np.argmax(self.probabilities))
