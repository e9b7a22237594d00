"""Do networks of other seeds or folds look at the same places? Agreement of their region means and of their maps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.stats import f as fisher

from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.entries import estimated
from fibrolens.evaluate.intervals import CONFIDENCE, Interval
from fibrolens.evaluate.saliency.means import patient_mean
from fibrolens.evaluate.saliency.similarity import SIGMA, Sigma, structural_similarity

NO_ICC = "needs two patients and two networks, and figures that differ"
NAN = float("nan")


def icc_agreement(values: Float[np.ndarray, "n k"]) -> Interval:
    """ICC(2,1), or ICC(A,1): absolute agreement of single networks that are a sample of many.

    Shrout and Fleiss, Psychol Bull 1979;86:420, case 2; interval: McGraw and Wong, Psychol Methods 1996;1:30, table 7.

    Args:
        values: one row per patient, one column per network; all known.

    Returns:
        NaN with fewer than two rows or columns, or where no value differs from another. The ends alone are NaN where
        nothing but the rows differs, for an interval of no width would claim certainty.
    """
    squares = _mean_squares(values)
    if squares is None:
        return Interval(NAN, NAN, NAN)
    (n, k), (rows, columns, error) = values.shape, squares
    estimate = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    if error == 0:
        return Interval(float(estimate), NAN, NAN)
    a = k * estimate / (n * (1 - estimate))
    b = 1 + k * estimate * (n - 1) / (n * (1 - estimate))
    freedom = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    upper, lower = _quantile(n - 1, freedom), _quantile(freedom, n - 1)
    noise = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * noise + n * rows)
    high = n * (lower * rows - error) / (noise + n * lower * rows)
    return Interval(float(estimate), float(low), float(high))


def icc_consistency(values: Float[np.ndarray, "n k"]) -> Interval:
    """ICC(3,1), or ICC(C,1): whether single networks put the patients in the same order and distance.

    Shrout and Fleiss 1979, case 3; interval: McGraw and Wong 1996, table 7. As `icc_agreement`, but a network that is
    higher by the same amount throughout does not count against it.

    Args:
        values: one row per patient, one column per network; all known.

    Returns:
        As `icc_agreement`.
    """
    squares = _mean_squares(values)
    if squares is None:
        return Interval(NAN, NAN, NAN)
    (n, k), (rows, _, error) = values.shape, squares
    estimate = (rows - error) / (rows + (k - 1) * error) if rows + error > 0 else NAN
    if error == 0:
        return Interval(float(estimate), NAN, NAN)
    free = (n - 1) * (k - 1)
    low, high = rows / error / _quantile(n - 1, free), rows / error * _quantile(free, n - 1)
    return Interval(float(estimate), float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1)))


def repeatability(
    values: Float[np.ndarray, "n k"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """How well the means of a region repeat over networks, ready for JSON.

    Args:
        values: region mean of each scan (row) by each network (column); NaN where there is none.
        patient: number of the patient of each scan.
        generator: source of the draws.
        replicates: bootstrap replicates.

    Returns:
        ``agreement`` and ``consistency`` (ICC with interval, of each patient's first complete scan, for their formulas
        know no second one), ``within_scan_sd`` (root of the mean variance over networks, interval by patients) with
        ``scans``, ``patients``, ``networks``; the unknown is None beside a ``reason``.
    """
    complete = ~np.isnan(values).any(axis=1)
    known, owner = values[complete], patient[complete]
    first = known[np.unique(owner, return_index=True)[1]]
    found: dict[str, Any] = {"scans": len(known), "patients": len(first), "networks": values.shape[1]}
    for name, icc in (("agreement", icc_agreement(first)), ("consistency", icc_consistency(first))):
        found[name] = estimated(icc.estimate, icc.low, icc.high, NO_ICC)
    variance = known.var(axis=1, ddof=1) if values.shape[1] > 1 else np.full(len(known), np.nan)
    spread = patient_mean(variance, owner, generator, replicates)
    value, ends = spread["value"], spread["interval"]
    rooted = {
        "value": None if value is None else value**0.5,
        "interval": None if ends is None else [max(end, 0.0) ** 0.5 for end in ends],
    }
    return found | {"within_scan_sd": spread | rooted}


def mean_pairwise_similarity(
    maps: Sequence[Shaped[np.ndarray, "d h w"]], inside: Bool[np.ndarray, "d h w"], sigma: Sigma = SIGMA
) -> float | None:
    """Mean structural similarity over all pairs of one scan's maps by several networks; None of fewer than two.

    Args:
        maps: on one grid and one scale.
        inside: voxels that count.
        sigma: of the window, in voxels.
    """
    pairs = [structural_similarity(a, b, inside, sigma) for a, b in itertools.combinations(maps, 2)]
    return float(np.mean(pairs)) if pairs else None


def _mean_squares(values: Float[np.ndarray, "n k"]) -> tuple[float, float, float] | None:
    """Mean squares of rows, columns and the rest of a two-way layout; None where it says nothing."""
    n, k = values.shape
    if min(n, k) < 2 or np.ptp(values) == 0:
        return None
    total = values - values.mean()
    rows, columns = total.mean(axis=1), total.mean(axis=0)
    rest = total - rows[:, None] - columns
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    # What rounding alone leaves is no error.
    error = error if error > 1e-24 * float(np.square(values).max()) else 0.0
    return k * float(rows @ rows) / (n - 1), n * float(columns @ columns) / (k - 1), error


def _quantile(above: int | float, below: int | float) -> float:
    return float(fisher.ppf(0.5 + CONFIDENCE / 2, above, below))
