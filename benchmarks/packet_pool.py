"""Whether packets of three hospitals give the AUC of their raw data, and what a packet gives away.

Simulated hospitals of other mixes of stages, sizes and score shifts; each writes a packet by the package's own code,
and the packets are pooled. Scores are either spread (a network that hesitates) or saturated (most of them within 1e-4
of 0 or 1, as after long training). One report (``packet_pool.json``):

- ``auc``: largest distance of the pooled AUC from that of the raw scores, and largest error bound, over all thresholds.
- ``coverage``: how often the random-effects interval holds the mean of the hospitals' true AUCs (95 %), for
  3, 5 and 10 hospitals, with and without spread between them.
- ``alone``: share of scans that are the only one of their stage set in their bin, on the fine and the coarse grid.

Run it with OMP_NUM_THREADS=1.

usage: packet_pool.py [--out DIR] [--draws 40] [--meta 4000] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit, softmax

from fibrolens.evaluate.intervals import auc
from fibrolens.evaluate.meta import random_effects
from fibrolens.evaluate.packet import Disclosure, Origin, make_packet
from fibrolens.evaluate.pool import pool
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.roc import at_least
from fibrolens.evaluate.scoregrid import COARSE, FINE, ScoreGrid
from fibrolens.evaluate.sealed import read_packet, write_packet
from fibrolens.evaluate.study import THRESHOLDS, decided, threshold_name

MIXES = ((0.53, 0.03, 0.04, 0.07, 0.33), (0.2, 0.2, 0.2, 0.2, 0.2), (0.3, 0.1, 0.15, 0.25, 0.2))
SIZES, SHIFTS = (252, 120, 400), (0.0, 0.8, -0.5)
#: How steep the logits are: a network that hesitates, and one whose scores are saturated.
STEEP = {"spread": 0.6, "saturated": 4.0}
ORIGIN = Origin("fixed weights", ("0" * 64,))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--meta", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    report: dict[str, Any] = {
        "auc": {name: pooled_auc(generator, steep, options.draws) for name, steep in STEEP.items()},
        "coverage": [coverage(generator, k, tau, options.meta) for k in (3, 5, 10) for tau in (0.0, 0.3)],
        "alone": {str(per_unit): alone(generator, ScoreGrid(per_unit)) for per_unit in (FINE, COARSE)},
    }
    text = json.dumps(report, indent=2)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "packet_pool.json").write_text(text + "\n")


def hospital(generator: np.random.Generator, number: int, steep: float) -> list[Predicted]:
    """One scan per patient, a stage of two in one of thirty."""
    cases = []
    for n in range(SIZES[number]):
        stage = int(generator.choice(5, p=MIXES[number]))
        latent = stage + generator.normal(SHIFTS[number], 1.1)
        probabilities = softmax(-steep * (np.arange(5) - latent) ** 2)
        stages = (stage, stage + 1) if n % 30 == 7 and stage < 4 else (stage,)
        cases.append(Predicted(f"{number}-{n}", f"{number}-{n}", 0, stages, tuple(probabilities.tolist())))
    return cases


def pooled_auc(generator: np.random.Generator, steep: float, draws: int) -> dict[str, dict[str, float]]:
    """Largest error and bound of the pooled AUC on either grid."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(draws):
            hospitals = [hospital(generator, number, steep) for number in range(3)]
            for per_unit in (FINE, COARSE):
                errors, bounds = _errors(hospitals, ScoreGrid(per_unit), Path(folder))
                worst = found.setdefault(str(per_unit), {"error": 0.0, "bound": 0.0})
                worst |= {"error": max(worst["error"], *errors), "bound": max(worst["bound"], *bounds)}
    return found


def _errors(hospitals: list[list[Predicted]], grid: ScoreGrid, folder: Path) -> tuple[list[float], list[float]]:
    packets = []
    for number, cases in enumerate(hospitals):
        path = folder / f"{number}.json"
        write_packet(make_packet(cases, ORIGIN, Disclosure(grid=grid), {}), path, overwrite=True)
        packets.append(read_packet(path))
    thresholds = pool(packets)["thresholds"]
    errors, bounds = [], []
    for k in THRESHOLDS:
        kept, positive = decided([case for cases in hospitals for case in cases], k)
        score = at_least(np.array([case.probabilities for case in kept]))[:, k - 1]
        found = thresholds[threshold_name(k)]["pooled"]
        errors.append(abs(found["auc"] - auc(positive, score)))
        bounds.append(found["error_bound"])
    return errors, bounds


def coverage(generator: np.random.Generator, hospitals: int, tau: float, draws: int) -> dict[str, float]:
    """How often the interval of the mean holds it, and the prediction interval a further hospital."""
    held, ahead = 0, 0
    for _ in range(draws):
        truth = generator.normal(logit(0.9), tau, hospitals + 1)
        variance = generator.uniform(0.02, 0.15, hospitals)
        found = random_effects(truth[:-1] + generator.normal(0, variance**0.5), variance)
        held += found.mean.low <= logit(0.9) <= found.mean.high
        ahead += found.prediction.low <= truth[-1] <= found.prediction.high
    typical = float(expit(logit(0.9) + tau) - expit(logit(0.9) - tau))
    return {"hospitals": hospitals, "tau": tau, "auc_spread": typical, "mean": held / draws, "further": ahead / draws}


def alone(generator: np.random.Generator, grid: ScoreGrid) -> float:
    """Share of the scans of F>=2 that are alone in the bin of their group."""
    packet = make_packet(hospital(generator, 0, STEEP["spread"]), ORIGIN, Disclosure(grid=grid), {})
    counts = [count for group in packet["thresholds"]["F>=2"]["groups"] for count in group["bins"].values()]
    return counts.count(1) / sum(counts)


if __name__ == "__main__":
    main()
