"""What the intervals of ordinal measures, calibration and decisions are worth, and what temperatures and cuts reach.

Simulated cohorts as in ``evaluation.py``: 252 scans of the paper's mix, latent scores in equal steps, probabilities
that are the posterior of the stage, hence right. One report (``probabilities.json``), of each interval how often it
holds the truth and the Monte Carlo standard error of that, in percent:

- ``ordinal``: Obuchowski's measure, kappa, error in stages, ranked probability score; counts as in the paper.
- ``calibration``: slope and intercept in the large (truth 1 and 0), stages drawn; ``clusters``: two alike scans of
  every patient, beside intervals that take scans for independent.
- ``sides``: Brier score and net benefit of F>=2 at 10, 20 and 50 %; as many scans on both sides as in the paper.
- ``predictive``: PPV and NPV at 10 %, of sensitivity and specificity of many and of few scans.
- ``folds``: mean and standard deviation over the cohorts, of five folds with inner splits of 40 scans: the slope of F4
  before and after temperature scaling, of probabilities that are right and of ones that are too sure, the
  temperatures, and what the cuts for 90 % reach on new scans.

Run it with OMP_NUM_THREADS=1.

usage: probabilities.py [--out DIR] [--cohorts 600] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from evaluation import COUNTS, equal_steps, posterior
from fibrolens.evaluate.averages import Staged
from fibrolens.evaluate.bootstrap import bootstrap, bootstrap_curve
from fibrolens.evaluate.decision import RISKS, resampled_benefit
from fibrolens.evaluate.entries import proportion
from fibrolens.evaluate.ordinal import obuchowski, ordinal, resampled_mean, rps
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.predictive import predictive_values
from fibrolens.evaluate.recalibration import recalibrate
from fibrolens.evaluate.roc import at_least
from fibrolens.evaluate.rule import rule_in_out
from fibrolens.evaluate.study import question
from fibrolens.evaluate.temperature import fit_temperature, tempered

REPLICATES = 1000
MEANS = equal_steps()
#: The truth of figures without a formula is that of so many scans of each of the paper's.
TIMES = 2000
ALIKE, FOLDS, INNER = 0.8, 5, 40
RISK = {"10 %": 9, "20 %": 19, "50 %": 49}
Held = dict[str, list[bool]]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--cohorts", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    parts = (of_scale, of_calibration, of_sides, of_predictive_values, of_folds)
    report: dict[str, Any] = {"cohorts": options.cohorts, "replicates": REPLICATES}
    for number, part in enumerate(parts):
        report |= part(options.cohorts, np.random.default_rng(options.seed + number))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "probabilities.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def scans(stage: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Right probabilities of scans of these stages."""
    return posterior(generator.normal(MEANS[stage]), MEANS)


def drawn(n: int, generator: np.random.Generator) -> np.ndarray:
    """Stages in the paper's mix."""
    return generator.choice(5, n, p=COUNTS / COUNTS.sum())


def of_scale(cohorts: int, generator: np.random.Generator) -> dict[str, Any]:
    """``ordinal``."""
    stage, big = np.repeat(np.arange(5), COUNTS), np.repeat(np.arange(5), COUNTS * TIMES)
    told = scans(big, generator)
    predicted = told.argmax(axis=1)
    chance = (big**2).mean() + (predicted**2).mean() - 2 * big.mean() * predicted.mean()
    truth = {
        "cohort": true_obuchowski(COUNTS / COUNTS.sum()),
        "even": true_obuchowski(np.full(5, 0.2)),
        "kappa": 1 - ((big - predicted) ** 2).mean() / chance,
        "mean_error": np.abs(big - predicted).mean(),
        "rps": rps(big, told).mean(),
    }
    held: Held = {name: [] for name in truth}
    for _ in range(cohorts):
        staged = Staged(stage, scans(stage, generator), np.arange(len(stage)), stage)
        found = ordinal(staged, generator, REPLICATES)
        for name, value in truth.items():
            entry = found["obuchowski"][name] if name in ("cohort", "even") else found[name]
            held[name].append(entry["interval"][0] <= value <= entry["interval"][1])
    return {"ordinal": shares(held), "ordinal_truth": {name: round(float(v), 4) for name, v in truth.items()}}


def true_obuchowski(mix: np.ndarray) -> float:
    """From the pairs' AUCs of the normal latent scores; checked against a large sample of scans."""
    steps = np.subtract.outer(np.arange(5), np.arange(5)).T
    upper = np.triu(np.outer(mix, mix), 1)
    wrong = norm.cdf(-(MEANS[None, :] - MEANS[:, None]) / 2**0.5)
    value = 1 - float((upper * steps / 4 * wrong).sum() / upper.sum())
    stage = np.repeat(np.arange(5), 20_000)
    measured = obuchowski(stage, np.random.default_rng(0).normal(MEANS[stage]), mix)
    if abs(value - measured) > 0.01:
        raise ValueError(f"{value} is not {measured}")
    return value


def of_calibration(cohorts: int, generator: np.random.Generator) -> dict[str, Any]:
    """``calibration`` and ``clusters``, of F>=2."""
    alone: Held = {"slope": [], "in_the_large": []}
    twice: Held = {"slope": [], "slope, independent": []}
    for _ in range(cohorts):
        stage = drawn(252, generator)
        found = recalibrate(stage >= 2, at_least(scans(stage, generator))[:, 1], np.arange(252))
        alone["slope"].append(found.slope.low <= 1 <= found.slope.high)
        alone["in_the_large"].append(found.in_the_large.low <= 0 <= found.in_the_large.high)
        stage = np.repeat(drawn(126, generator), 2)
        shared = np.repeat(generator.normal(size=126), 2)
        latent = MEANS[stage] + ALIKE**0.5 * shared + (1 - ALIKE) ** 0.5 * generator.normal(size=252)
        score = at_least(posterior(latent, MEANS))[:, 1]
        for name, patient in (("slope", np.arange(252) // 2), ("slope, independent", np.arange(252))):
            slope = recalibrate(stage >= 2, score, patient).slope
            twice[name].append(slope.low <= 1 <= slope.high)
    return {"calibration": shares(alone), "clusters": shares(twice)}


def of_sides(cohorts: int, generator: np.random.Generator) -> dict[str, Any]:
    """``sides``."""

    def cohort(times: int) -> tuple[np.ndarray, np.ndarray]:
        down, up = (generator.choice(k, n * times, p=c / c.sum()) + first for first, k, n, c in (
            (0, 2, COUNTS[:2].sum(), COUNTS[:2]), (2, 3, COUNTS[2:].sum(), COUNTS[2:]),
        ))  # fmt: skip
        stage = np.concatenate([down, up])
        return stage >= 2, at_least(scans(stage, generator))[:, 1]

    positive, score = cohort(TIMES)
    brier = ((positive - score) ** 2).mean()
    truth = {name: benefit(positive, score, RISKS[k]) for name, k in RISK.items()}
    held: Held = {"brier": [], **{name: [] for name in RISK}}
    for _ in range(cohorts):
        positive, score = cohort(1)
        sides = positive.astype(int), np.arange(len(score)), generator, REPLICATES
        low, high = bootstrap(resampled_mean((positive - score) ** 2), *sides)
        held["brier"].append(low <= brier <= high)
        band = bootstrap_curve(resampled_benefit(positive, score), *sides)
        for name, k in RISK.items():
            held[name].append(band[0, k] <= truth[name] <= band[1, k])
    return {"sides": shares(held)}


def benefit(positive: np.ndarray, score: np.ndarray, risk: float) -> float:
    """Net benefit at one threshold probability, by its definition."""
    called = score >= risk
    return float((called & positive).mean() - (called & ~positive).mean() * risk / (1 - risk))


def of_predictive_values(cohorts: int, generator: np.random.Generator) -> dict[str, Any]:
    """``predictive``: ten times as many draws, which cost little."""
    held: Held = {}
    for words, sensitivity, specificity, up, down in (("many", 0.9, 0.85, 110, 142), ("few", 0.95, 0.95, 20, 40)):
        truth = {
            "ppv": 0.1 * sensitivity / (0.1 * sensitivity + 0.9 * (1 - specificity)),
            "npv": 0.9 * specificity / (0.9 * specificity + 0.1 * (1 - sensitivity)),
        }
        for _ in range(10 * cohorts):
            yes, no = (
                proportion(np.arange(n) < generator.binomial(n, p), np.arange(n))
                for n, p in ((up, sensitivity), (down, specificity))
            )
            (found,) = predictive_values(yes, no, [0.1])
            for name, value in truth.items():
                low, high = found[name]["interval"]
                held.setdefault(f"{name}, {words}", []).append(low <= value <= high)
    return {"predictive": shares(held)}


def of_folds(cohorts: int, generator: np.random.Generator) -> dict[str, Any]:
    """``folds``."""
    found: dict[str, list[float]] = {}
    for _ in range(cohorts):
        for words, power in (("right", 1.0), ("too sure", 2.0)):
            inner = {k: predicted(INNER, k, power, generator) for k in range(FOLDS)}
            test = [case for k in range(FOLDS) for case in predicted(50, k, power, generator)]
            fitted = {k: fit_temperature(own) for k, own in inner.items()}
            for version, cases in (("before", test), ("after", tempered(test, fitted))):
                asked = question(cases, 4)
                slope = recalibrate(asked.positive, asked.score, asked.patient).slope.estimate
                found.setdefault(f"slope, {words}, {version}", []).append(slope)
            found.setdefault(f"temperature, {words}", []).extend(one.value for one in fitted.values())
        ruled = rule_in_out(question(test, 4), {k: question(own, 4) for k, own in inner.items()})
        found.setdefault("sensitivity, rule-out", []).append(ruled["rule_out"]["sensitivity"]["value"])
        found.setdefault("specificity, rule-in", []).append(ruled["rule_in"]["specificity"]["value"])
    return {"folds": {name: [round(float(np.mean(v)), 3), round(float(np.std(v)), 3)] for name, v in found.items()}}


def predicted(n: int, fold: int, power: float, generator: np.random.Generator) -> list[Predicted]:
    """Scans whose probabilities are right, or to a power above 1 too sure."""
    stage = drawn(n, generator)
    told = scans(stage, generator) ** power
    told /= told.sum(axis=1, keepdims=True)
    return [
        Predicted(f"{fold}_{k}", f"{fold}_{k}", fold, (int(s),), tuple(p.tolist()))
        for k, (s, p) in enumerate(zip(stage, told, strict=True))
    ]


def shares(held: Held) -> dict[str, list[float]]:
    """Share of intervals that hold the truth and its Monte Carlo standard error, in percent."""
    return {
        name: [round(100 * float(np.mean(v)), 1), round(100 * float(np.std(v)) / len(v) ** 0.5, 1)]
        for name, v in held.items()
    }


if __name__ == "__main__":
    main()
