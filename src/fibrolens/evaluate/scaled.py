"""Every measure of the probabilities as the networks gave them, and again at each fold's temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fibrolens.evaluate import calibration, decision, ordinal, predictive, rule, temperature
from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.population import USUAL, Population
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import question, staged, threshold_name
from fibrolens.evaluate.temperature import Temperature, fit_temperature, log_loss, temperature_entries, tempered

#: The paper's questions: at least F2, at least F3, F4.
THRESHOLDS = (2, 3, 4)
#: The probabilities before and after temperature scaling, as keys of ``evaluation.json``.
BEFORE, AFTER = "before", "after"


def probability_measures(
    cases: Sequence[Predicted],
    inner: Mapping[int, Sequence[Predicted]],
    generator: np.random.Generator,
    population: Population = USUAL,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """Ordinal measures, calibration and decisions, ready for JSON.

    Args:
        cases: out-of-fold predictions, pooled over the folds.
        inner: of each fold, its network's predictions of its inner split: they fit its temperature and choose its cuts.
        generator: source of all draws.
        population: for whom figures are wanted besides the cohort.
        replicates: bootstrap replicates.

    Returns:
        ``ordinal``, ``calibration`` and ``decision``, each with ``before`` and ``after``; ``calibration`` with each
        fold's ``temperature`` and the ``log_loss`` of the test scans; and ``methods``.
    """
    folds = sorted({case.fold for case in cases})
    fitted = {fold: fit_temperature(inner.get(fold)) for fold in folds}
    scaled_inner = {fold: _at(own, fitted[fold]) for fold, own in inner.items() if fold in fitted}
    versions = {BEFORE: (cases, inner), AFTER: (tempered(cases, fitted), scaled_inner)}
    found: dict[str, Any] = {name: {} for name in ("ordinal", "calibration", "decision")}
    for version, (test, splits) in versions.items():
        found["ordinal"][version] = ordinal.ordinal(staged(test), generator, replicates, population.mix)
        found["calibration"][version] = {
            threshold_name(k): calibration.calibration(question(test, k), generator, replicates) for k in THRESHOLDS
        }
        found["decision"][version] = {
            threshold_name(k): _decision(test, splits, k, generator, population, replicates) for k in THRESHOLDS
        }
    found["calibration"]["temperature"] = temperature_entries(fitted)
    found["calibration"]["log_loss"] = {version: log_loss(test) for version, (test, _) in versions.items()}
    found["decision"]["prevalences"] = list(population.prevalences)
    parts = (ordinal, temperature, calibration, decision, rule, predictive)
    return found | {"methods": {name: text for part in parts for name, text in part.METHODS.items()}}


def _at(own: Sequence[Predicted], temperature: Temperature) -> list[Predicted]:
    """A fold's inner split at its temperature."""
    return tempered(own, {case.fold: temperature for case in own})


def _decision(
    cases: Sequence[Predicted],
    inner: Mapping[int, Sequence[Predicted]],
    k: int,
    generator: np.random.Generator,
    population: Population,
    replicates: int,
) -> dict[str, Any]:
    splits = {fold: question(own, k) for fold, own in inner.items()}
    return decision.decision(question(cases, k), splits, generator, replicates, population.prevalences)
