"""An AUC with a bootstrap interval: ours beside the loops that other packages run.

252 scans in the paper's mix, three thresholds, 2000 replicates, all in turns in one process. The rivals are a loop over
scikit-learn's `roc_auc_score`, and SciPy's `bootstrap` of the same function, which is all that the package
`confidenceinterval` does (1.0.5; it asks for a setuptools older than torch needs, so that it is not installed beside
it). Ours draws patients within strata and weighs them, the rivals draw scans. Writes ``bootstraps.json``.

usage: bootstraps.py [--out DIR] [--rounds N]
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap
from sklearn.metrics import roc_auc_score

from common import alternate, machine, write
from fibrolens.evaluate.bootstrap import REPLICATES, TAILS, bootstrap_auc
from fibrolens.plan import PAPER_MIX

THRESHOLDS = (2, 3, 4)
#: From positives and scores to the ends of the interval.
Way = Callable[[np.ndarray, np.ndarray], tuple[float, float]]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    stage = np.repeat(np.arange(5), PAPER_MIX)
    score = np.random.default_rng(0).normal(0.5 * stage)
    ways: dict[str, Way] = {"fibrolens": ours, "a loop over scikit-learn": by_loop, "SciPy's bootstrap of it": by_scipy}
    seconds = alternate({name: partial(thresholds, way, stage, score) for name, way in ways.items()}, options.rounds)
    report = {
        "machine": machine(),
        "rounds": options.rounds,
        "scans": len(stage),
        "replicates": REPLICATES,
        "seconds": seconds,
        "interval_F4": {name: [round(end, 3) for end in way(stage >= 4, score)] for name, way in ways.items()},
    }
    write(report, options.out, "bootstraps")


def thresholds(way: Way, stage: np.ndarray, score: np.ndarray) -> list[tuple[float, float]]:
    """The interval of each threshold."""
    return [way(stage >= k, score) for k in THRESHOLDS]


def ours(positive: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """Every scan its own patient."""
    found = bootstrap_auc(positive, score, np.arange(len(score)), np.random.default_rng(1))
    return found.low, found.high


def by_loop(positive: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """What most papers' scripts do."""
    generator = np.random.default_rng(1)
    drawn = (generator.integers(0, len(score), len(score)) for _ in range(REPLICATES))
    low, high = np.percentile([roc_auc_score(positive[i], score[i]) for i in drawn], TAILS)
    return float(low), float(high)


def by_scipy(positive: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """Pairs of label and score drawn together, percentile interval."""
    found = bootstrap(
        (positive, score),
        roc_auc_score,
        n_resamples=REPLICATES,
        paired=True,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    return float(found.low), float(found.high)


if __name__ == "__main__":
    main()
