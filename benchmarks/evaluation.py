"""What the intervals of the evaluation are worth: how often they hold the truth, and how long they take.

Simulated cohorts of the paper's size and mix (252 scans: 134, 8, 10, 18 and 82 of F0 to F4). A scan's latent score is
normal; its mean rises in equal steps from F0 to F4, so steep that the true AUCs are as near to the paper's as this
allows; its probabilities are the posterior of the stage. One report (``evaluation.json``):

- ``speed``: 2000 bootstrap replicates of all three thresholds at n = 252 (limit 0.5 s); DeLong of 100,000 scans (1 s).
- ``counts``: how often the 95 % intervals hold the true AUC (93 to 97 %) when every cohort has the paper's counts.
- ``mix``: the same when the stages are drawn, so that the counts vary about the paper's.
- ``harsh``: as ``counts`` with the paper's very AUCs, which puts F2 above F3.
- ``clusters``: two alike scans of every patient, beside intervals that take scans for independent.
- ``thin``: few cases at an AUC of 0.92, beside DeLong's interval without the logit.

Run it with OMP_NUM_THREADS=1.

usage: evaluation.py [--out DIR] [--cohorts 2000] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import fsolve, minimize_scalar
from scipy.stats import norm

from fibrolens.evaluate.averages import resampled_macro, resampled_micro
from fibrolens.evaluate.bootstrap import REPLICATES, bootstrap, bootstrap_auc
from fibrolens.evaluate.intervals import Interval, auc, delong, delong_variance, wilson
from fibrolens.evaluate.roc import macro_curve, micro_curve
from fibrolens.progress import Progress

COUNTS = np.array([134, 8, 10, 18, 82])
#: The paper's AUCs by the lowest positive stage.
PAPER = {2: 0.92, 3: 0.89, 4: 0.88}
NAMES = {2: "F>=2", 3: "F>=3", 4: "F4"}
#: Correlation of the latent scores of a patient's two scans.
ALIKE = 0.8
#: Latent score from which a scan is called F4.
CUT = 1.5
#: The true averages are those of a cohort so many times as large.
TIMES = 3000
THIN_AUC = 0.92
#: By name: which truth, and the interval that should hold it.
Intervals = dict[str, tuple[str, Interval]]
Cohort = Callable[[np.ndarray, np.random.Generator], Intervals]
#: By name: whether the interval held, and its width, in each cohort.
Found = dict[str, list[tuple[bool, float]]]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--cohorts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    means, exact = equal_steps(), exact_means()
    parts = {"counts": (counts, means), "mix": (mix, means), "harsh": (harsh, exact), "clusters": (clusters, means)}
    parts["thin"] = (thin, means)
    report: dict[str, Any] = {
        "cohorts": options.cohorts,
        "replicates": REPLICATES,
        "stage_means": {"equal_steps": means.round(4).tolist(), "harsh": exact.round(4).tolist()},
        "true_auc": {NAMES[k]: round(true_auc(means, k), 4) for k in PAPER},
        "speed": speed(means, np.random.default_rng(options.seed)),
    }
    for number, (name, (cohort, latent)) in enumerate(parts.items()):
        report[name] = simulate(cohort, latent, options.cohorts, options.seed + number)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def equal_steps() -> np.ndarray:
    """Mean latent scores of F0 to F4 in equal steps, nearest to the paper's AUCs."""

    def distance(step: float) -> float:
        return sum((true_auc(step * np.arange(5), k) - auc) ** 2 for k, auc in PAPER.items())

    return float(minimize_scalar(distance, bounds=(0.1, 2.0), method="bounded").x) * np.arange(5)


def exact_means() -> np.ndarray:
    """Mean latent scores (F0 at 0, F1 half way to F2) at which the true AUCs are the paper's."""

    def means(free: np.ndarray) -> np.ndarray:
        return np.array([0.0, free[0] / 2, *free])

    return means(fsolve(lambda free: [true_auc(means(free), k) - auc for k, auc in PAPER.items()], [1.8, 2.0, 2.2]))


def true_auc(means: np.ndarray, k: int) -> float:
    """AUC of F >= k in the mix of `COUNTS`: the mean over pairs of stages of P(higher score)."""
    weights = np.outer(COUNTS[k:], COUNTS[:k])
    higher = norm.cdf((means[k:, None] - means[None, :k]) / 2**0.5)
    return float((weights * higher).sum() / weights.sum())


def posterior(score: np.ndarray, means: np.ndarray) -> np.ndarray:
    """P(F0) to P(F4) of each latent score in the mix of `COUNTS`."""
    density = COUNTS * norm.pdf(score[:, None] - means)
    return density / density.sum(axis=1, keepdims=True)


def speed(means: np.ndarray, generator: np.random.Generator) -> dict[str, float]:
    """Seconds, the best of five, of the two tasks that have a limit."""
    stage = np.repeat(np.arange(5), COUNTS)
    score = generator.normal(means[stage])
    many = generator.random(100_000)
    positive = generator.random(100_000) < many
    patient, patients = np.arange(252), np.arange(100_000)
    return {
        "bootstrap_three_thresholds_s": best(
            lambda: [bootstrap_auc(stage >= k, score, patient, generator) for k in PAPER]
        ),
        "delong_100000_s": best(lambda: delong(positive, many, patients)),
    }


def best(task: Callable[[], Any]) -> float:
    """Seconds of the fastest of five runs."""
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - started)
    return round(min(seconds), 4)


def simulate(cohort: Cohort, means: np.ndarray, cohorts: int, seed: int) -> dict[str, dict[str, float]]:
    """Share of cohorts whose interval holds the truth, its Monte Carlo standard error, and the mean width."""
    found: Found = {}
    truth = truths(means, np.random.default_rng(seed + 1000))
    generator = np.random.default_rng(seed)
    with Progress(cohorts, cohort.__name__) as progress:
        for _ in range(cohorts):
            for name, (figure, interval) in cohort(means, generator).items():
                held = interval.low <= truth[figure] <= interval.high
                found.setdefault(name, []).append((held, interval.high - interval.low))
            progress.advance()
    return {name: summary(rows) for name, rows in found.items()}


def summary(rows: list[tuple[bool, float]]) -> dict[str, float]:
    """Of the cohorts that give an interval; `known` is their share."""
    known = np.array([row for row in rows if not np.isnan(row[1])], dtype=float)
    coverage, width = known.mean(axis=0)
    error = (coverage * (1 - coverage) / len(known)) ** 0.5
    named = {"coverage": coverage, "standard_error": error, "width": width, "known": len(known) / len(rows)}
    return {name: round(float(value), 4) for name, value in named.items()}


def truths(means: np.ndarray, generator: np.random.Generator) -> dict[str, float]:
    """True AUCs, the true sensitivity for F4 at `CUT`, and the AUC of the thin cohorts."""
    stage = np.repeat(np.arange(5), COUNTS * TIMES)
    probabilities = posterior(generator.normal(means[stage]), means)
    averages = {"micro": micro_curve(stage, probabilities).auc, "macro": macro_curve(stage, probabilities).auc}
    others = {"sensitivity": float(norm.cdf(means[4] - CUT)), "thin": THIN_AUC}
    return {NAMES[k]: true_auc(means, k) for k in PAPER} | averages | others


def counts(means: np.ndarray, generator: np.random.Generator) -> Intervals:
    """One scan per patient, as many of each stage as in the paper."""
    stage, patient = np.repeat(np.arange(5), COUNTS), np.arange(COUNTS.sum())
    score = generator.normal(means[stage])
    found = thresholds(stage, score, generator)
    probabilities = posterior(score, means)
    for name, resampled in (("micro", resampled_micro), ("macro", resampled_macro)):
        ends = bootstrap(resampled(stage, probabilities), stage, patient, generator)
        found[f"{name} bootstrap"] = name, Interval(float("nan"), *ends)
    return found


def mix(means: np.ndarray, generator: np.random.Generator) -> Intervals:
    """One scan per patient, the stages drawn."""
    stage = np.repeat(np.arange(5), generator.multinomial(COUNTS.sum(), COUNTS / COUNTS.sum()))
    return thresholds(stage, generator.normal(means[stage]), generator)


def harsh(means: np.ndarray, generator: np.random.Generator) -> Intervals:
    """As `counts`, thresholds alone."""
    stage = np.repeat(np.arange(5), COUNTS)
    return thresholds(stage, generator.normal(means[stage]), generator)


def thresholds(stage: np.ndarray, score: np.ndarray, generator: np.random.Generator) -> Intervals:
    """Both intervals of the three AUCs."""
    patient = np.arange(len(stage))
    found: Intervals = {}
    for k, name in NAMES.items():
        found[f"{name} delong"] = name, delong(stage >= k, score, patient)
        found[f"{name} bootstrap"] = name, bootstrap_auc(stage >= k, score, patient, generator)
    return found


def clusters(means: np.ndarray, generator: np.random.Generator) -> Intervals:
    """Half as many patients with two scans each."""
    stage = np.repeat(np.arange(5), COUNTS // 2 * 2)
    patient = np.arange(len(stage)) // 2
    own, scan = generator.normal(size=len(stage) // 2)[patient], generator.normal(size=len(stage))
    score = means[stage] + ALIKE**0.5 * own + (1 - ALIKE) ** 0.5 * scan
    positive = stage >= 4
    called = score[positive] >= CUT
    return {
        "F4 delong": ("F4", delong(positive, score, patient)),
        "F4 delong, scans taken for independent": ("F4", delong(positive, score)),
        "F4 bootstrap": ("F4", bootstrap_auc(positive, score, patient, generator)),
        "sensitivity wilson": ("sensitivity", wilson(called, patient[positive])),
        "sensitivity wilson, scans taken for independent": ("sensitivity", wilson(called, np.arange(len(called)))),
    }


def thin(_means: np.ndarray, generator: np.random.Generator) -> Intervals:
    """A threshold with few cases on one side; the scores of the sides are normal with equal variance."""
    found: Intervals = {}
    for up, down in ((20, 100), (8, 44)):
        positive, patient = np.arange(up + down) < up, np.arange(up + down)
        score = generator.normal(2**0.5 * norm.ppf(THIN_AUC) * positive)
        size = f"{up} against {down}"
        found[f"{size} delong"] = "thin", delong(positive, score, patient)
        found[f"{size} delong, without logit"] = "thin", plain_delong(positive, score)
        found[f"{size} bootstrap"] = "thin", bootstrap_auc(positive, score, patient, generator)
    return found


def plain_delong(positive: np.ndarray, score: np.ndarray) -> Interval:
    """AUC -+ 1.96 standard errors."""
    area, half = auc(positive, score), float(norm.ppf(0.975)) * delong_variance(positive, score) ** 0.5
    return Interval(area, area - half, min(area + half, 1.0)) if half > 0 else Interval(area, np.nan, np.nan)


if __name__ == "__main__":
    main()
