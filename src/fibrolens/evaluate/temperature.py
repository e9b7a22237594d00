"""Temperature scaling: makes a fold's network as sure as its inner split bears out, never its test scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

from fibrolens.evaluate.cut import NO_INNER, NO_PREDICTIONS
from fibrolens.evaluate.predicted import Predicted

#: Temperatures that are looked at.
LOWEST, HIGHEST = 0.05, 20.0
NO_MAXIMUM = f"its inner split has no likeliest temperature between {LOWEST:g} and {HIGHEST:g}"
#: A probability of 0 would forbid a stage at every temperature.
LEAST = 1e-12
METHODS = {
    "temperature": "probabilities to the power of 1 / T, made to add up to 1 (Guo 2017); the T of a fold gives the "
    "allowed stages of its inner split the highest likelihood and is applied to its test scans, and to its inner split "
    "where cuts are chosen; above 1: the network was too sure; 1 where there is no inner split, or no highest "
    f"likelihood between {LOWEST:g} and {HIGHEST:g} (reason)",
}


@dataclass(frozen=True)
class Temperature:
    """A fold's temperature and where it comes from.

    Args:
        value: above 1 makes the network less sure, below 1 surer.
        scans: how many it was fitted on.
        log_loss: mean minus log-likelihood of these scans, at 1 and at the value; None where it was not fitted.
        reason: why it was not fitted.
    """

    value: float
    scans: int
    log_loss: tuple[float, float] | None = None
    reason: str | None = None


def fit_temperature(inner: Sequence[Predicted] | None) -> Temperature:
    """The temperature of the highest likelihood of the allowed stages (Guo et al., ICML 2017).

    A stage set counts by the sum of its stages' probabilities, so the likelihood may have several maxima; the range is
    looked through before the best place is refined.

    Args:
        inner: the fold's predictions of its inner split; empty where it has none, None where they are not at hand.
    """
    if not inner:
        return Temperature(1.0, 0, None, NO_PREDICTIONS if inner is None else NO_INNER)
    logs, allowed = _logs(inner), _allowed(inner)
    grid = np.linspace(np.log(LOWEST), np.log(HIGHEST), 61)
    losses = np.array([_loss(logs, allowed, float(np.exp(x))) for x in grid])
    if np.ptp(losses) < 1e-9:
        return Temperature(1.0, len(inner), None, "its inner split says nothing of the temperature")
    best = int(losses.argmin())
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda x: _loss(logs, allowed, float(np.exp(x))), bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    # Where the likelihood only flattens towards an end the search stops a little before it.
    if min(found.x - grid[0], grid[-1] - found.x) < grid[1] - grid[0]:
        return Temperature(1.0, len(inner), None, NO_MAXIMUM)
    value = float(np.exp(found.x))
    return Temperature(value, len(inner), (_loss(logs, allowed, 1.0), _loss(logs, allowed, value)))


def tempered(cases: Sequence[Predicted], temperatures: Mapping[int, Temperature]) -> list[Predicted]:
    """The cases with the probabilities at their fold's temperature; a fold without one stays as it is."""
    values = [temperatures[case.fold].value if case.fold in temperatures else 1.0 for case in cases]
    scaled = np.exp(log_softmax(_logs(cases) / np.array(values)[:, None], axis=1)) if cases else np.zeros((0, 5))
    return [
        case if value == 1.0 else replace(case, probabilities=tuple(row.tolist()))
        for case, value, row in zip(cases, values, scaled, strict=True)
    ]


def log_loss(cases: Sequence[Predicted]) -> float | None:
    """Mean minus log-likelihood of the allowed stages; None without a case."""
    return _loss(_logs(cases), _allowed(cases), 1.0) if cases else None


def temperature_entries(temperatures: Mapping[int, Temperature]) -> list[dict[str, Any]]:
    """What ``evaluation.json`` says of each fold's temperature."""
    entries = []
    for fold, found in sorted(temperatures.items()):
        entry: dict[str, Any] = {"fold": fold, "temperature": found.value, "inner_scans": found.scans}
        entry["inner_log_loss"] = None if found.log_loss is None else list(found.log_loss)
        entries.append(entry if found.reason is None else entry | {"reason": found.reason})
    return entries


def _logs(cases: Sequence[Predicted]) -> Float[np.ndarray, "n 5"]:
    return np.log(np.maximum([case.probabilities for case in cases], LEAST))


def _allowed(cases: Sequence[Predicted]) -> Float[np.ndarray, "n 5"]:
    """1 where a stage is allowed."""
    return np.array([[float(k in case.stages) for k in range(5)] for case in cases])


def _loss(logs: Float[np.ndarray, "n 5"], allowed: Float[np.ndarray, "n 5"], temperature: float) -> float:
    scaled = logs / temperature
    return float((logsumexp(scaled, axis=1) - logsumexp(scaled, axis=1, b=allowed)).mean())
