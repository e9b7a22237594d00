"""Coverage of conformal stage sets: of made-up probabilities in many cohorts, and of the shipped weights in 20.

Cohorts of the shipped weights are stretches of the simulated patients that ``scripts/calibrate_lfs.py`` has predicted
(seeds (1000010, k), which the weights have never seen), 20 x 60 without overlap and 20 draws of 250. Each gives a
threshold; its coverage is that of all other patients of the pool. The mean over the 20 is to lie between the claim and
the claim + 3 points at the claim of 90 %.

usage: conformal_coverage.py [--pool runs/lfs/calibration.csv] [--out DIR] [--cohorts 20] [--synthetic 4000]
"""

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.evaluate.stage_sets import CLAIM, CLAIMS, calibrate, label_scores, rank, stage_scores
from fibrolens.phantom.severity import PAPER_MIX
from fibrolens.plan import STAGES

#: Of the made-up probabilities and of the draws of 250; the pool's own order was drawn with its patients.
SEED = 6
SIZES = (60, 250)
#: The mean coverage may lie so far above the claim.
ABOVE = 0.03


@dataclass(frozen=True)
class Pool:
    """Predicted patients: the score of every stage, and which stage is true."""

    scores: np.ndarray
    stage: np.ndarray

    @property
    def own(self) -> np.ndarray:
        """The score of the true stage."""
        return self.scores[np.arange(len(self.stage)), self.stage]


def main() -> None:
    """Measure both, print and write them."""
    options = _options()
    generator = np.random.default_rng(SEED)
    report: dict[str, Any] = {"synthetic": [synthetic(generator, n, options.synthetic) for n in SIZES]}
    pool = read_pool(options.pool)
    report["pool"] = {"patients": len(pool.stage), "stages": np.bincount(pool.stage, minlength=5).tolist()}
    report["shipped"] = [
        measure(pool, claim, size, list(cohorts(len(pool.stage), size, options.cohorts, generator)))
        for claim in CLAIMS
        for size in SIZES
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "conformal_coverage.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for row in (*report["synthetic"], *report["shipped"]):
        print(line(row), flush=True)


def synthetic(generator: np.random.Generator, size: int, count: int) -> dict[str, Any]:
    """Coverage where probabilities are wrong but calibration cases and new ones are alike: the theory's very case."""
    people = 200_000
    stage = generator.choice(5, people, p=np.array(PAPER_MIX) / sum(PAPER_MIX))
    logits = generator.normal(0, 1, (people, 5)) + 3.0 * np.exp(-np.abs(np.arange(5) - stage[:, None]))
    told = np.exp(1.5 * logits) / np.exp(1.5 * logits).sum(axis=1, keepdims=True)
    population = np.sort(label_scores(told, np.arange(5) == stage[:, None]))
    values = [calibrate(generator.choice(population, size), CLAIM).value for _ in range(count)]
    found = np.searchsorted(population, np.array(values, float), side="right") / people
    twenties = found[: count // 20 * 20].reshape(-1, 20).mean(axis=1)
    inside = float(((twenties >= CLAIM) & (twenties <= CLAIM + ABOVE)).mean())
    known = {
        "what": "made up",
        "claim": CLAIM,
        "size": size,
        "cohorts": count,
        "expected": rank(size, CLAIM) / (size + 1),
    }
    return known | {"coverage": float(found.mean()), "reached": float((found >= CLAIM).mean()), "means_inside": inside}


def cohorts(patients: int, size: int, count: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Who calibrates: stretches without overlap where the pool is large enough, else draws."""
    for number in range(count):
        if size * count <= patients:
            yield np.arange(number * size, (number + 1) * size)
        else:
            yield generator.permutation(patients)[:size]


def measure(pool: Pool, claim: float, size: int, chosen: list[np.ndarray]) -> dict[str, Any]:
    """Mean coverage over the cohorts, of all patients who are not in the cohort, and by their stage."""
    coverage, sizes, by_stage = [], [], []
    for cohort in chosen:
        threshold = calibrate(pool.own[cohort], claim)
        others = np.setdiff1d(np.arange(len(pool.stage)), cohort)
        held = pool.scores[others] <= (np.inf if threshold.value is None else threshold.value)
        hit = held[np.arange(len(others)), pool.stage[others]]
        coverage.append(float(hit.mean()))
        sizes.append(float(held.sum(axis=1).mean()))
        by_stage.append([float(hit[pool.stage[others] == k].mean()) for k in range(5)])
    mean = float(np.mean(coverage))
    return {
        "what": "shipped weights",
        "claim": claim,
        "size": size,
        "cohorts": len(chosen),
        "expected": rank(size, claim) / (size + 1),
        "coverage": mean,
        "standard_error": float(np.std(coverage, ddof=1) / len(chosen) ** 0.5),
        "reached": float(np.mean(np.array(coverage) >= claim)),
        "inside": claim <= mean <= claim + ABOVE,
        "mean_size": float(np.mean(sizes)),
        "per_stage": dict(zip(STAGES, np.mean(by_stage, axis=0).tolist(), strict=True)),
    }


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    start = f"{row['what']:<16} claim {row['claim']:.0%}  n {row['size']:>3} x {row['cohorts']:<5}"
    start += f" expected {row['expected']:.3f}  coverage {row['coverage']:.3f}  reached in {row['reached']:.0%}"
    if "inside" not in row:
        return f"{start}  means of 20 inside {row['means_inside']:.1%}"
    stages = " ".join(f"{name} {share:.2f}" for name, share in row["per_stage"].items())
    return f"{start}  {'inside' if row['inside'] else 'OUTSIDE'}  size {row['mean_size']:.2f}  {stages}"


def read_pool(path: Path) -> Pool:
    """The patients of the pool whom the domain check takes for familiar."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["in_domain"] == "true"]
    probabilities = np.array([[float(row[f"p_{stage}"]) for stage in STAGES] for row in rows])
    return Pool(stage_scores(probabilities), np.array([STAGES.index(row["stage"]) for row in rows]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pool", type=Path, default=Path("runs/lfs/calibration.csv"), help="of calibrate_lfs.py")
    parser.add_argument("--out", type=Path, default=Path("out/bench/conformal_coverage"))
    parser.add_argument("--cohorts", type=int, default=20)
    parser.add_argument("--synthetic", type=int, default=4000, help="cohorts of made-up probabilities")
    return parser.parse_args()


if __name__ == "__main__":
    main()
