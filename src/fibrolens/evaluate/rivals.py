"""Several systems on the same scans and folds: each one's AUCs, and paired differences with their multiplicity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from fibrolens.evaluate.attention import adjust
from fibrolens.evaluate.bootstrap import REPLICATES, Statistic, bootstrap_curve, resampled_auc
from fibrolens.evaluate.compare import delong_difference
from fibrolens.evaluate.entries import THIN, ends
from fibrolens.evaluate.intervals import Interval, delong
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import decided, numbered_patients, question, scores_of, threshold_name

#: The paper's three questions.
THRESHOLDS = (2, 3, 4)
#: The network of the study.
STUDY = "study"
METHODS = {
    "rivals": "each system is fitted and tested on the same folds; a difference is the system's AUC less that of the "
    "one under 'against', on the scans that both score: DeLong's paired test with patients as clusters, and "
    "percentiles of {replicates} draws of patients in which both are computed",
    "rivals_multiplicity": "p_adjusted is Holm's over every difference of this part",
}
ONE_SIDED = "no case on one side of the threshold"


@dataclass(frozen=True)
class System:
    """One way to stage, and what it is compared with.

    Args:
        title: in the report; source: publication that it follows.
        kind: ``network`` or ``markers``.
        predictions: out of fold; scans that it cannot score are left out.
        against: key of another system; None for none.
        details: what else is to be known of it, ready for JSON.
    """

    title: str
    source: str
    kind: str
    predictions: Sequence[Predicted]
    against: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True)
class _Draws:
    generator: np.random.Generator
    replicates: int

    def interval(
        self, figure: Statistic, positive: Bool[np.ndarray, " n"], patient: Int[np.ndarray, " n"]
    ) -> list[float] | None:
        """Percentile interval of a figure of any range; None where it cannot be known."""
        strata = positive.astype(int)
        found = bootstrap_curve(lambda w: figure(w)[:, None], strata, patient, self.generator, self.replicates)
        return None if found is None else ends(Interval(0.0, float(found[0, 0]), float(found[1, 0])))


def compare_systems(
    systems: Mapping[str, System], generator: np.random.Generator, replicates: int = REPLICATES
) -> dict[str, Any]:
    """Every system's figures, ready for JSON.

    Args:
        systems: by name; `STUDY` is the study's network.
        generator: source of the bootstrap's draws.
        replicates: bootstrap replicates.

    Returns:
        By name ``title``, ``source``, ``kind``, ``against``, ``scans``, its details, and ``thresholds`` (F>=2, F>=3,
        F4: ``positives``, ``negatives``, ``thin``, ``auc``, ``difference``). A figure that the scans cannot give is
        None beside its ``reason``.
    """
    draws = _Draws(generator, replicates)
    found: dict[str, Any] = {}
    for name, system in systems.items():
        other = None if system.against is None else systems[system.against].predictions
        found[name] = {
            "title": system.title,
            "source": system.source,
            "kind": system.kind,
            "against": system.against,
            "scans": len(system.predictions),
            **system.details,
            "thresholds": {threshold_name(k): _threshold(system.predictions, other, k, draws) for k in THRESHOLDS},
        }
    tests = [t["difference"] for entry in found.values() for t in entry["thresholds"].values() if t.get("difference")]
    adjust(tests)
    return found


def _threshold(own: Sequence[Predicted], other: Sequence[Predicted] | None, k: int, draws: _Draws) -> dict[str, Any]:
    asked = question(own, k)
    counts = dict(zip(("positives", "negatives"), asked.counts, strict=True))
    entry: dict[str, Any] = {**counts, "thin": min(counts.values()) < THIN, "auc": None, "difference": None}
    if not min(counts.values()):
        return entry | {"reason": ONE_SIDED}
    area = delong(asked.positive, asked.score, asked.patient)
    by_draws = draws.interval(resampled_auc(asked.positive, asked.score), asked.positive, asked.patient)
    entry["auc"] = {"value": area.estimate, "delong": ends(area), "bootstrap": by_draws}
    if other is not None:
        entry["difference"] = _difference(own, other, k, draws)
    return entry


def _difference(own: Sequence[Predicted], other: Sequence[Predicted], k: int, draws: _Draws) -> dict[str, Any] | None:
    """The AUC less that of the other system on the scans that both score; None where they leave one side empty."""
    theirs = {case.scan_id: case for case in other}
    kept, positive = decided([case for case in own if case.scan_id in theirs], k)
    if not 0 < positive.sum() < len(positive):
        return None
    patient = numbered_patients(kept)
    ours, others = scores_of(kept, k), scores_of([theirs[case.scan_id] for case in kept], k)
    tested = delong_difference(positive, ours, others, patient)
    first, second = resampled_auc(positive, ours), resampled_auc(positive, others)
    return {
        "value": tested.interval.estimate,
        "delong": ends(tested.interval),
        "bootstrap": draws.interval(lambda weights: first(weights) - second(weights), positive, patient),
        "p_value": None if math.isnan(tested.p_value) else tested.p_value,
        "p_adjusted": None,
        "scans": len(kept),
    }
