"""What becomes of the figures when a network may pass the scans that it is least certain of to someone else.

Certainty is the probability of the most probable stage: it orders all scans, where the size of a conformal set knows
five values, and it needs no calibration, since its order alone is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from fibrolens.evaluate.areas import NO_WIDTH, area
from fibrolens.evaluate.entries import estimated, proportion
from fibrolens.evaluate.intervals import delong
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import THRESHOLDS, numbered_patients, question, threshold_name
from fibrolens.plan import STAGES

#: Per cent of the scans that are deferred; beyond, hardly anything is left to judge.
SHARES = tuple(range(0, 75, 5))
CERTAINTY = "probability of the most probable stage"
METHODS = {
    "deferral": f"scans in the order of the {CERTAINTY}; the least certain share is left to others, and the figures "
    "are of the scans that stay, with Wilson's and DeLong's 95 % intervals; unit: patient. Which stages go is told "
    "too: an AUC may also rise because stages between F0 and F4 go",
}


def deferral(cases: Sequence[Predicted]) -> dict[str, Any]:
    """The deferral curve of out-of-fold predictions.

    Args:
        cases: out-of-fold predictions, pooled over the folds.

    Returns:
        ``certainty`` (what it is), ``knows_errors`` (how often a scan that is staged rightly is more certain than one
        that is not; 0.5: it knows nothing), ``curve`` and ``methods``; ready for JSON. The curve has for each per cent
        of `SHARES` ``deferred`` (that per cent), ``kept`` (scans), ``least_certainty`` of those, ``correct``, ``auc``
        by threshold, and ``stages`` (how many of each were deferred).
    """
    certainty = _certainty(cases)
    # The scan's name decides between equals, so that the order of the rows does not.
    order = sorted(range(len(cases)), key=lambda n: (-certainty[n], cases[n].scan_id))
    curve = []
    for share in SHARES:
        kept = len(cases) - (len(cases) * share + 50) // 100
        stay, go = ([cases[n] for n in part] for part in (order[:kept], order[kept:]))
        curve.append({"deferred": share, **_figures(stay, go)})
    return {"certainty": CERTAINTY, "knows_errors": _knows_errors(cases), "curve": curve, "methods": METHODS}


def _figures(kept: Sequence[Predicted], deferred: Sequence[Predicted]) -> dict[str, Any]:
    stages = Counter("|".join(STAGES[k] for k in case.stages) for case in deferred)
    return {
        "kept": len(kept),
        "least_certainty": float(_certainty(kept).min()) if kept else None,
        "correct": proportion(_correct(kept), numbered_patients(kept)),
        "auc": {threshold_name(k): area(question(kept, k)) for k in THRESHOLDS},
        "stages": {name: stages[name] for name in sorted(stages)},
    }


def _knows_errors(cases: Sequence[Predicted]) -> dict[str, Any]:
    correct = _correct(cases)
    counts = {"correct": int(correct.sum()), "wrong": int((~correct).sum())}
    if not min(counts.values()):
        return counts | {"value": None, "interval": None, "reason": "all scans are staged rightly, or all wrongly"}
    found = delong(correct, _certainty(cases), numbered_patients(cases))
    return counts | estimated(found.estimate, found.low, found.high, NO_WIDTH)


def _correct(cases: Sequence[Predicted]) -> Bool[np.ndarray, " n"]:
    """Whether the most probable stage is one that the reference allows."""
    return np.array([case.predicted in case.stages for case in cases], bool)


def _certainty(cases: Sequence[Predicted]) -> Float[np.ndarray, " n"]:
    return np.array([max(case.probabilities) for case in cases], dtype=float)
