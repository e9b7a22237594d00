"""Do odd maps go with wrong stages? The quality control that the paper proposes for location maps, tested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from fibrolens.evaluate.entries import proportion

NOT_BOTH = "the difference needs scans whose map shows the expected pattern and scans whose map does not"


def map_quality(
    wrong: Bool[np.ndarray, " n"], agrees: Sequence[bool | None], patient: Int[np.ndarray, " n"]
) -> dict[str, Any]:
    """How often scans are staged wrongly whose map shows the pattern expected of its stage, and the others.

    Args:
        wrong: whether the predicted stage is none that the reference allows.
        agrees: whether the map of the predicted stage shows the pattern that is expected of it; None where nothing is.
        patient: number of the patient of each scan.

    Returns:
        ``agrees`` and ``disagrees`` (see `proportion`: share staged wrongly), ``difference`` (disagrees less agrees,
        with Newcombe's 95 % interval, Stat Med 1998;17:873, method 10, from both Wilson intervals) and ``not_judged``.
    """
    answers = np.array([-1 if one is None else int(one) for one in agrees], dtype=int)
    yes, no = (proportion(wrong[answers == k], patient[answers == k]) for k in (1, 0))
    return {
        "agrees": yes,
        "disagrees": no,
        "difference": _difference(no, yes),
        "not_judged": int((answers == -1).sum()),
    }


def _difference(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    if first["interval"] is None or second["interval"] is None:
        return {"value": None, "interval": None, "reason": NOT_BOTH}
    p, q = first["value"], second["value"]
    (low, high), (below, above) = first["interval"], second["interval"]
    reach_down = float(np.hypot(p - low, above - q))
    reach_up = float(np.hypot(high - p, q - below))
    return {"value": p - q, "interval": [p - q - reach_down, p - q + reach_up]}
