"""Measures of the whole scale: Obuchowski's, weighted kappa, the error in stages, the ranked probability score."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fibrolens.evaluate.averages import Staged
from fibrolens.evaluate.bootstrap import REPLICATES, Statistic, bootstrap, resampled_auc
from fibrolens.evaluate.entries import THIN, estimated
from fibrolens.evaluate.intervals import auc

NO_INTERVAL = "an interval needs two patients of each stage, and a figure that varies with who is drawn"
ALIKE = "all scans are of one stage and called so"
EQUAL = (0.2,) * 5
METHODS = {
    "obuchowski": "1 minus the weighted mean over pairs of stages of |i - j| / 4 times (1 - AUC of stage i against "
    "stage j), by the expected stage; a pair weighs the product of both stages' shares (Obuchowski 2005, Lambert "
    "2008); in the cohort's mix of stages, in an even one, and in a given one",
    "ordinal": "most probable stage against the true one: quadratic weighted kappa and mean error in stages; ranked "
    "probability score: mean of the squared differences of the four cumulated probabilities (0 best, 1 worst), beside "
    "that of a forecast of the cohort's mix for every scan; scans of a single stage alone; 95 % percentile intervals, "
    "draws of patients within the stages; unit: patient",
}


def ordinal(
    staged: Staged,
    generator: np.random.Generator,
    replicates: int = REPLICATES,
    mix: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Every ordinal measure with counts and interval, ready for JSON.

    Args:
        staged: scans whose reference is a single stage.
        generator: source of the bootstrap's draws; strata are the stages, a patient standing in the highest of his.
        replicates: bootstrap replicates.
        mix: share of F0 to F4 in a population of the user's, for Obuchowski's measure.

    Returns:
        ``cases``, ``stages``, ``thin``, ``obuchowski`` (``cohort``, ``even``, with a mix ``given``; ``pairs``),
        ``kappa``, ``mean_error`` (stages), ``rps`` and ``rps_of_mix``. What the scans cannot give is None beside its
        ``reason``.
    """
    counts = np.bincount(staged.stage, minlength=5)
    predicted = staged.probabilities.argmax(axis=1)
    draws = staged, generator, replicates
    mixes = {"cohort": counts / max(len(staged.stage), 1), "even": np.array(EQUAL)}
    mixes |= {} if mix is None else {"given": np.array(mix, dtype=float)}
    score = expected_stage(staged.probabilities)
    measures = {}
    for name, shares in mixes.items():
        resampled = resampled_obuchowski(staged.stage, score, shares)
        measures[name] = {"mix": shares.tolist()} | _figure(resampled, (0, 1), _lacking(counts, shares), *draws)
    errors = np.abs(staged.stage - predicted).astype(float)
    squares = rps(staged.stage, staged.probabilities)
    constant = np.broadcast_to(mixes["cohort"], staged.probabilities.shape)
    return {
        "cases": len(staged.stage),
        "stages": {f"F{k}": int(count) for k, count in enumerate(counts)},
        "thin": bool(counts[counts > 0].min(initial=THIN) < THIN),
        "obuchowski": {**measures, "pairs": _pairs(staged.stage, score)},
        "kappa": _figure(resampled_kappa(staged.stage, predicted), (-1, 1), ALIKE, *draws),
        "mean_error": _figure(resampled_mean(errors), (0, 4), ALIKE, *draws),
        "rps": _figure(resampled_mean(squares), (0, 1), ALIKE, *draws),
        "rps_of_mix": float(rps(staged.stage, constant).mean()) if len(staged.stage) else None,
    }


def obuchowski(stage: Int[np.ndarray, " n"], score: Float[np.ndarray, " n"], mix: Float[np.ndarray, " k"]) -> float:
    """Obuchowski's measure with the penalty |i - j| / (K - 1); for two stages the AUC.

    Obuchowski, Acad Radiol 2005;12:1198; for fibrosis with this penalty Lambert et al., Clin Chem 2008;54:1372. A pair
    of stages weighs p_i p_j / (sum over all pairs), p being the shares of the mix.

    Args:
        stage: true stage, 0 to K - 1.
        score: the higher, the later the stage.
        mix: share of each of the K stages; need not add up to 1.

    Returns:
        From 0 to 1; NaN where a stage of the mix has no scan, or the mix has fewer than two stages.
    """
    return float(resampled_obuchowski(stage, score, mix)(np.ones((1, len(stage))))[0])


def resampled_obuchowski(
    stage: Int[np.ndarray, " n"], score: Float[np.ndarray, " n"], mix: Float[np.ndarray, " k"]
) -> Statistic:
    """The statistic that `bootstrap` needs for `obuchowski`; the mix stays as it is in every replicate."""
    pairs = [(i, j) for i, j in combinations(range(len(mix)), 2) if mix[i] * mix[j] > 0]
    parts = []
    for i, j in pairs:
        mine = np.flatnonzero((stage == i) | (stage == j))
        weight = mix[i] * mix[j] * (j - i) / (len(mix) - 1)
        parts.append((mine, weight, resampled_auc(stage[mine] == j, score[mine])))
    total = sum(float(mix[i] * mix[j]) for i, j in pairs)

    def statistic(weights: Float[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        if not parts:
            return np.full(len(weights), np.nan)
        return 1.0 - sum(weight * (1.0 - area(weights[:, mine])) for mine, weight, area in parts) / total

    return statistic


def resampled_kappa(stage: Int[np.ndarray, " n"], predicted: Int[np.ndarray, " n"]) -> Statistic:
    """The statistic that `bootstrap` needs for the quadratic weighted kappa (Cohen, Psychol Bull 1968;70:213).

    1 - E[(s - p)^2] / E'[(s - p)^2], E' being over independent draws of both margins, which needs their moments alone.
    """
    columns = np.stack([stage, predicted, stage**2, predicted**2, stage * predicted], axis=1).astype(float)

    def statistic(weights: Float[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        s, p, ss, pp, sp = (weights @ columns / weights.sum(axis=1, keepdims=True)).T
        chance = ss + pp - 2 * s * p
        disagreement = ss + pp - 2 * sp
        return 1.0 - np.divide(disagreement, chance, out=np.full(len(s), np.nan), where=chance > 0)

    return statistic


def resampled_mean(values: Float[np.ndarray, " n"]) -> Statistic:
    """The statistic that `bootstrap` needs for a mean over scans."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def rps(stage: Int[np.ndarray, " n"], probabilities: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    """Ranked probability score of each scan, from 0 (sure and right) to 1 (sure of the other end of the scale).

    Epstein, J Appl Meteorol 1969;8:985, divided by the K - 1 thresholds.
    """
    stages = probabilities.shape[1]
    below = np.cumsum(probabilities, axis=1)[:, :-1]
    happened = stage[:, None] <= np.arange(stages - 1)
    return ((below - happened) ** 2).sum(axis=1) / (stages - 1)


def expected_stage(probabilities: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    """Mean stage under the probabilities, which orders the scans; for two stages by the probability of the later."""
    return probabilities @ np.arange(probabilities.shape[1], dtype=float)


def _figure(
    statistic: Statistic,
    span: tuple[int, int],
    reason: str,
    staged: Staged,
    generator: np.random.Generator,
    replicates: int,
) -> dict[str, Any]:
    """Value and interval of a measure that lies in the span, which the bootstrap takes as 0 to 1."""
    if not len(staged.stage):
        return estimated(*(float("nan"),) * 3, "no scan has a single stage")
    low, width = span[0], span[1] - span[0]
    value = float(statistic(np.ones((1, len(staged.stage))))[0])
    drawn = bootstrap(
        lambda weights: (statistic(weights) - low) / width, staged.stage, staged.patient, generator, replicates
    )
    down, up = (low + width * end for end in drawn)
    return estimated(value, down, up, reason if np.isnan(value) else NO_INTERVAL)


def _pairs(stage: Int[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> list[dict[str, Any]]:
    """The AUC of every pair of stages that occur, with counts."""
    found = []
    for i, j in combinations(np.unique(stage).tolist(), 2):
        mine = (stage == i) | (stage == j)
        counts = {f"F{k}": int((stage == k).sum()) for k in (i, j)}
        found.append({"stages": [f"F{i}", f"F{j}"], "scans": counts, "auc": auc(stage[mine] == j, score[mine])})
    return found


def _lacking(counts: Int[np.ndarray, " k"], mix: Float[np.ndarray, " k"]) -> str:
    lacking = [f"F{k}" for k in np.flatnonzero((mix > 0) & (counts == 0))]
    return f"no scan is {' or '.join(lacking)}" if lacking else "fewer than two stages occur"
