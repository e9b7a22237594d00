"""Stage sets of new scans, by a threshold that is stored with the weights (``calibration.json`` of a model folder)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from fibrolens.errors import ModelError
from fibrolens.evaluate.stage_sets import Threshold
from fibrolens.weights import CALIBRATION

KEYS = ("weights_sha256", "calibrated_on", "claim", "cases", "rank", "threshold")


@dataclass(frozen=True)
class StageCalibration:
    """A threshold, and whom it was taken from.

    Args:
        threshold: which stages a set holds, and how often such sets are to hold the true stage.
        calibrated_on: the calibration cases in words.
    """

    threshold: Threshold
    calibrated_on: str

    def stages(self, probabilities: Float[np.ndarray, " stages"]) -> tuple[int, ...]:
        """The set of a scan: numbers of its stages, ascending and without a gap."""
        (held,) = self.threshold.sets(probabilities[None])
        return tuple(int(k) for k in np.flatnonzero(held))

    def to_dict(self, weights_sha256: str) -> dict[str, Any]:
        """The content of ``calibration.json`` for these weights."""
        found = self.threshold
        values = (weights_sha256, self.calibrated_on, found.claim, found.cases, found.rank, found.value)
        return dict(zip(KEYS, values, strict=True))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], folder: Path) -> StageCalibration:
        """What `to_dict` wrote; `folder` names the file in errors.

        Raises:
            ModelError: a key is missing or a value cannot be.
        """
        where = f"{folder / CALIBRATION}"
        if missing := [key for key in KEYS if key not in content]:
            raise ModelError(f"{where} lacks {', '.join(missing)}; restore it or calibrate again.")
        claim, cases, rank, value = (content[key] for key in ("claim", "cases", "rank", "threshold"))
        wrong = {
            "claim must be a number between 0 and 1": not (_is_number(claim) and 0 < claim < 1),
            "cases must be a whole number above 0": not (_is_whole(cases) and cases > 0),
            "rank must be a whole number from 1 to cases": not (_is_whole(rank) and 1 <= rank <= cases),
            "threshold must be a number from 0 to 1": not (_is_number(value) and 0 <= value <= 1),
            "calibrated_on must be a text": not (
                isinstance(content["calibrated_on"], str) and content["calibrated_on"]
            ),
        }
        for sentence, applies in wrong.items():
            if applies:
                raise ModelError(f"{where}: {sentence}; restore it or calibrate again.")
        return cls(Threshold(float(claim), cases, rank, float(value)), content["calibrated_on"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
