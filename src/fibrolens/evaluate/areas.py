"""The AUC of some of a study's scans with DeLong's interval and its counts, for tables of many."""

from __future__ import annotations

from typing import Any

from fibrolens.evaluate.entries import THIN, estimated
from fibrolens.evaluate.intervals import delong
from fibrolens.evaluate.threshold import Question

ONE_SIDE = "no case on one side of the threshold"
NO_WIDTH = "an interval needs two patients on each side, and sides whose scores overlap"


def area(question: Question) -> dict[str, Any]:
    """``positives``, ``negatives``, ``thin``, ``value`` and ``interval``; the unknown is None beside a ``reason``.

    Args:
        question: the scans that the reference decides; one side may be empty.
    """
    positives, negatives = question.counts
    counts = {"positives": positives, "negatives": negatives, "thin": min(positives, negatives) < THIN}
    if not (positives and negatives):
        return counts | {"value": None, "interval": None, "reason": ONE_SIDE}
    found = delong(question.positive, question.score, question.patient)
    return counts | estimated(found.estimate, found.low, found.high, NO_WIDTH)
