"""The demo's study on several simulated cohorts: out-of-fold AUCs per cohort seed and their median.

Writes ``demo_auc.json``; a seed that is already there is not run again.

usage: demo_auc.py [--out DIR] [--seeds 0 1 2 3 4] [--patients 60]
"""

import argparse
import json
import statistics
from pathlib import Path

from fibrolens.demo import simulated_study

THRESHOLDS = ("F>=2", "F>=3", "F4")


def main() -> None:
    """Run the studies one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/demo_auc"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--patients", type=int, default=60)
    options = parser.parse_args()
    rows = [auc_of(options.out / str(seed), options.patients, seed) for seed in options.seeds]
    report = {
        "patients": options.patients,
        "seeds": options.seeds,
        "auc": {name: [row[name] for row in rows] for name in THRESHOLDS},
        "median": {name: statistics.median(row[name] for row in rows) for name in THRESHOLDS},
    }
    (options.out / "demo_auc.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def auc_of(folder: Path, patients: int, seed: int) -> dict[str, float]:
    """AUC per threshold of one cohort's study."""
    study = simulated_study(folder, patients, seed)
    evaluation = json.loads((study / "evaluation.json").read_text(encoding="utf-8"))
    values = {name: evaluation["thresholds"][name]["auc"]["value"] for name in THRESHOLDS}
    print(f"seed {seed}: {values}", flush=True)
    return values


if __name__ == "__main__":
    main()
