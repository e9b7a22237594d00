"""Marker models on the folds of a study: each marker alone, panels, and the network's score together with markers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fibrolens.cohort.table import CohortRow
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.proportional_odds import ProportionalOdds
from fibrolens.study.fold import FoldJob
from fibrolens.study.plans import PanelPlan

#: Spread over orders of magnitude: their logarithm goes into a model.
LOGARITHMIC = frozenset(
    ("liver_volume_ml", "spleen_volume_ml", "liver_spleen_ratio", "splenic_index_cm3", "lsvr", "fib4", "apri")
)
#: A marker takes part in a fold where it was measured in this share of the scans to fit on.
MEASURED = 0.5

#: Numbers by scan and marker; NaN is not measured.
Values = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class PanelResult:
    """What a panel predicts.

    Args:
        predictions: out of fold, of the scans that it can score.
        markers: those that took part in every fold.
        reason: why there are no predictions; None where there are.
    """

    predictions: tuple[Predicted, ...]
    markers: tuple[str, ...]
    reason: str | None = None


def numbers(rows: Sequence[Mapping[str, str]]) -> Values:
    """The table ``markers.csv`` as numbers, logarithms where a marker is `LOGARITHMIC`."""
    return {row["scan_id"]: {name: _number(name, text) for name, text in row.items()} for row in rows}


def predict_panel(
    panel: PanelPlan, values: Values, jobs: Sequence[FoldJob], network: Mapping[str, Predicted]
) -> PanelResult:
    """A panel's predictions of every fold, fitted on the other folds alone.

    A panel of one marker scores the scans in which it was measured; larger ones take the median of the scans to fit
    on where a number is missing. Together with the network the markers are fitted on the scans that the network was
    fitted on, and the two scores on the inner split, which both have not been fitted to.

    Args:
        panel: which markers.
        values: of every scan.
        jobs: the folds.
        network: predictions of test and inner scans by scan and fold, see `by_fold`.
    """
    used = _used(panel, values, jobs)
    if not used:
        return PanelResult((), (), "measured in too few scans")
    if panel.network and not all(job.inner for job in jobs):
        return PanelResult((), used, "a fold has no inner split to weigh network and markers on")
    alone = len(panel.markers) == 1
    found = []
    for job in jobs:
        test = [row for row in job.test if not alone or not math.isnan(values[row.scan_id][used[0]])]
        if test:
            chances = _together(used, values, job, test, network) if panel.network else _fitted(used, values, job, test)
            found += [_predicted(row, job.number, p) for row, p in zip(test, chances, strict=True)]
    return PanelResult(tuple(found), used)


def by_fold(number: int, scan_id: str) -> str:
    """Key of a fold's prediction: a scan is predicted by its own fold, and by others whose inner split it is in."""
    return f"{number}/{scan_id}"


def _used(panel: PanelPlan, values: Values, jobs: Sequence[FoldJob]) -> tuple[str, ...]:
    return tuple(name for name in panel.markers if all(_often(name, values, job) for job in jobs))


def _often(name: str, values: Values, job: FoldJob) -> bool:
    known = [not math.isnan(values[row.scan_id].get(name, math.nan)) for row in job.train]
    return bool(known) and float(np.mean(known)) >= MEASURED


def _fitted(used: Sequence[str], values: Values, job: FoldJob, test: Sequence[CohortRow]) -> Float[np.ndarray, "n 5"]:
    fitted = [row for row in (*job.train, *job.inner) if len(used) > 1 or not math.isnan(values[row.scan_id][used[0]])]
    model = ProportionalOdds().fit(_table(used, values, fitted), [row.stages for row in fitted])
    return model.predict_proba(_table(used, values, test))


def _together(
    used: Sequence[str], values: Values, job: FoldJob, test: Sequence[CohortRow], network: Mapping[str, Predicted]
) -> Float[np.ndarray, "n 5"]:
    markers = ProportionalOdds().fit(_table(used, values, job.train), [row.stages for row in job.train])

    def scores(rows: Sequence[CohortRow]) -> Float[np.ndarray, "n 2"]:
        expected = [_expected(network[by_fold(job.number, row.scan_id)]) for row in rows]
        return np.stack([expected, markers.decision_function(_table(used, values, rows))], axis=1)

    return ProportionalOdds().fit(scores(job.inner), [row.stages for row in job.inner]).predict_proba(scores(test))


def _expected(case: Predicted) -> float:
    return float(np.dot(np.arange(len(case.probabilities)), case.probabilities))


def _table(used: Sequence[str], values: Values, rows: Sequence[CohortRow]) -> Float[np.ndarray, "n p"]:
    return np.array([[values[row.scan_id][name] for name in used] for row in rows], dtype=float).reshape(-1, len(used))


def _predicted(row: CohortRow, fold: int, chances: Float[np.ndarray, " 5"]) -> Predicted:
    return Predicted(row.scan_id, row.patient_id, fold, row.stages, tuple(float(p) for p in chances))


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    if name in LOGARITHMIC:
        return math.log(value) if value > 0 else math.nan
    return value
