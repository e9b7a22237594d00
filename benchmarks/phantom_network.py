"""Five-fold studies of the staging network on simulated cohorts, beside spleen volume alone on the same patients.

Cohorts have the paper's mix of stages; their patients are none of those that the shipped weights were trained on. In an
arm the CT shows the stage by a known sign, by an acquisition trait (``shortcut:...``) or not at all (``none``). Writes
``phantom_network.json`` and prints a table; a cohort or study that is finished is not made again.

usage: phantom_network.py [--out DIR] [--cohorts 3] [--seeds 107 108 109] [--patients 252] [--way both]
                          [--arms none shortcut:table ...] [--arm-patients 252] [--arm-way scratch] [--model DIR]
                          [--workers 2]
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.evaluate.compare import delong_difference
from fibrolens.evaluate.intervals import auc, delong
from fibrolens.evaluate.roc import at_least
from fibrolens.evaluate.study import decided, threshold_name
from fibrolens.output import read_manifest
from fibrolens.phantom.cohort import CohortOptions, paper_stages, write_cohort
from fibrolens.phantom.setting import Setting
from fibrolens.plan import Plan
from fibrolens.progress import Progress
from fibrolens.study.plans import StudyPlan, adapting_plan, fine_tuning_plan, scratch_plan
from fibrolens.study.run import Networks, run_study
from fibrolens.study.steps import Running
from fibrolens.study.tables import read_predictions, read_table
from fibrolens.weights import load_model_folder, shipped

THRESHOLDS = (2, 3, 4)
#: Fully connected layers alone, or all layers, from the weights of --model; or all from random ones.
FROM_MODEL = {"finetuned": fine_tuning_plan, "adapted": adapting_plan}
WAYS = {name: (name,) for name in (*FROM_MODEL, "scratch")} | {"both": ("finetuned", "scratch")}
#: The arm in which every sign follows the stage.
PLAIN = "all"


@dataclass(frozen=True)
class Study:
    """One study to run."""

    arm: str
    seed: int
    patients: int
    way: str

    @property
    def cohort(self) -> str:
        """Folder name of its cohort, which both ways share."""
        return f"{self.arm.replace(':', '-')}-{self.seed}-{self.patients}"


def main() -> None:
    """Run the studies one after the other, then tell them all."""
    options = _options()
    rows = []
    for study in studies(options):
        cohort = make_cohort(options.out / "cohorts" / study.cohort, study, options.workers)
        started = time.perf_counter()
        folder = run(study, cohort, options)
        figures = compare(folder / "predictions.csv", cohort.with_name("truth.csv"))
        rows.append(asdict(study) | {"thresholds": figures, "seconds": _seconds(folder, started)})
        report = {"studies": rows, "mean_auc": means(rows)}
        (options.out / "phantom_network.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        print(line(rows[-1]), flush=True)
    for way, by_threshold in means(rows).items():
        print(f"{PLAIN:<18} {'mean':>5} {way:<10}", "  ".join(f"{k} {v:.3f}" for k, v in by_threshold.items()))


def studies(options: argparse.Namespace) -> Iterator[Study]:
    """The plain cohorts by every way, then the arms by theirs."""
    seeds = options.seeds[: options.cohorts]
    for seed in seeds:
        for way in WAYS[options.way]:
            yield Study(PLAIN, seed, options.patients, way)
    for arm in options.arms:
        for way in WAYS[options.arm_way]:
            yield Study(arm, options.seeds[0], options.arm_patients, way)


def make_cohort(folder: Path, study: Study, workers: int) -> Path:
    """``cohort.csv`` of the study's simulated cohort."""
    stages = paper_stages(study.patients)
    options = CohortOptions(grid="small", workers=workers, setting=Setting(arm=study.arm))
    with Progress(len(stages), f"simulating {study.cohort}") as progress:
        return write_cohort(folder, stages, study.seed, options, progress.advance)


def run(study: Study, cohort: Path, options: argparse.Namespace) -> Path:
    """The study's folder, complete."""
    plan, networks = scratch_plan(), Networks()
    if study.way in FROM_MODEL:
        plan, networks = FROM_MODEL[study.way](load_model_folder(options.model).plan(Plan)), Networks(options.model)
    out = options.out / "studies" / f"{study.cohort}-{study.way}"
    return run_study(cohort, out, StudyPlan(plan), networks, Running(options.workers, Progress))


def compare(predictions: Path, truth: Path) -> dict[str, Any]:
    """Per threshold the network's AUC, that of spleen volume alone, and their difference, each with its interval."""
    # DeLong's intervals take the scans as independent: of a patient who was scanned twice, the first one counts.
    first = {row["patient_id"]: row["scan_id"] for row in reversed(read_table(truth))}
    cases = [case for case in read_predictions(predictions) if case.scan_id in set(first.values())]
    spleen = {row["scan_id"]: float(row["spleen_volume_ml"]) for row in read_table(truth)}
    figures: dict[str, Any] = {}
    for k in THRESHOLDS:
        kept, positive = decided(cases, k)
        network = at_least(np.array([case.probabilities for case in kept]))[:, k - 1]
        volume = np.array([spleen[case.scan_id] for case in kept])
        own, difference = delong(positive, network), delong_difference(positive, network, volume)
        figures[threshold_name(k)] = {
            "positives": int(positive.sum()),
            "negatives": int((~positive).sum()),
            "auc": own.estimate,
            "delong": [own.low, own.high],
            "spleen_volume_auc": auc(positive, volume),
            "difference": asdict(difference.interval),
            "p_value": difference.p_value,
        }
    return figures


def means(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean AUC of the plain cohorts per way and threshold."""
    found: dict[str, dict[str, float]] = {}
    for way in sorted({row["way"] for row in rows if row["arm"] == PLAIN}):
        mine = [row["thresholds"] for row in rows if row["arm"] == PLAIN and row["way"] == way]
        found[way] = {name: statistics.fmean(figures[name]["auc"] for figures in mine) for name in mine[0]}
    return found


def line(row: dict[str, Any]) -> str:
    """One study as a line of the table."""
    cells = []
    for name, f in row["thresholds"].items():
        low, high = f["delong"]
        difference = f["difference"]["estimate"]
        cells.append(f"{name} {f['auc']:.3f} [{low:.3f}, {high:.3f}] {difference:+.3f} p={f['p_value']:.2g}")
    return f"{row['arm']:<18} {row['seed']:>5} {row['way']:<10} " + "  ".join(cells)


def _seconds(folder: Path, started: float) -> float:
    """How long the study took, by its manifest where it was finished before."""
    manifest = read_manifest(folder) or {}
    return float(manifest.get("timings_s", {}).get("study", time.perf_counter() - started))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/phantom_network"))
    parser.add_argument("--cohorts", type=int, default=3, help="use so many of the seeds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[107, 108, 109])
    parser.add_argument("--patients", type=int, default=252)
    parser.add_argument("--way", choices=tuple(WAYS), default="both")
    parser.add_argument("--arms", nargs="*", default=[], help="known-truth arms to study too")
    parser.add_argument("--arm-patients", type=int, default=252)
    parser.add_argument("--arm-way", choices=tuple(WAYS), default="scratch")
    parser.add_argument("--model", type=Path, default=shipped("lfs"), help="weights to begin with")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    main()
