"""How often the shortcut audit raises its alarm: cohorts in which the scan tells the stage, and in which it does not.

Each simulated cohort is audited as a study does it: the facts of `fibrolens.study.acquisition` of every rendered CT
(small grid, as NIfTI has it: without a header), the cohort's site, and `fibrolens.evaluate.shortcuts`. No network is
trained: without its scores the audit asks the same question. Facts are kept in ``acquisition.csv``, a row per scan, so
that an interrupted run goes on where it stopped. Cohorts were named before any was drawn:

    shortcut:spacing, shortcut:table, shortcut:kvp, shortcut:site, all, none    seeds 6100 to 6109, 40 patients each
    all --confounded paper                                                      seeds 6100 to 6102, 120 patients each

usage: shortcut_alarm.py [--out DIR] [--seeds 10] [--patients 40] [--arms all shortcut:table ...] [--audit-only]
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.evaluate.shortcuts import audit
from fibrolens.evaluate.told import Scans
from fibrolens.phantom.cohort import paper_stages
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.phantom.roster import Roster
from fibrolens.phantom.setting import TRAITS, Setting
from fibrolens.quality import assess
from fibrolens.study.acquisition import ACQUISITION, NUMBERS, WORDS, acquisition

FIRST_SEED = 6100
CONFOUNDED = "confounded"
#: Cohorts of the paper's confounding, and patients of each: it ties the scan to the stage more loosely than a shortcut.
CONFOUNDED_SEEDS, CONFOUNDED_PATIENTS = 3, 120
PLAIN = "all"
ARMS = (PLAIN, *(f"shortcut:{trait}" for trait in TRAITS), "none")
FACTS = "acquisition.csv"
KEY = ("arm", "seed", "patients", "number", "stage")


@dataclass(frozen=True)
class Cohort:
    """One simulated cohort in the paper's mix of stages."""

    arm: str
    seed: int
    patients: int

    @property
    def roster(self) -> Roster:
        """Its patients."""
        confounded = self.arm == CONFOUNDED
        setting = Setting(arm="all" if confounded else self.arm, confounded=confounded)
        return Roster(tuple(paper_stages(self.patients)), self.seed, setting)


def main() -> None:
    """Measure what is not measured yet, then audit every cohort."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/shortcut_alarm"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--audit-only", action="store_true", help="of what is measured already")
    parser.add_argument("--arms", nargs="+", default=[*ARMS, CONFOUNDED])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    planned = list(cohorts(options.arms, options.seeds, options.patients))
    if not options.audit_only:
        measure(planned, options.out / FACTS)
    report(planned, options.out / FACTS)


def cohorts(arms: list[str], seeds: int, patients: int) -> Iterator[Cohort]:
    """Every cohort; one shortcut of each seed, the traits in turn, and ``all`` come first: a run may be cut short."""
    planned = [Cohort(arm, FIRST_SEED + number, patients) for number in range(seeds) for arm in arms if arm in ARMS]
    first = {(f"shortcut:{TRAITS[number % len(TRAITS)]}", FIRST_SEED + number) for number in range(seeds)}
    yield from sorted(planned, key=lambda cohort: not (cohort.arm == PLAIN or (cohort.arm, cohort.seed) in first))
    if CONFOUNDED in arms:
        yield from (Cohort(CONFOUNDED, FIRST_SEED + number, CONFOUNDED_PATIENTS) for number in range(CONFOUNDED_SEEDS))


def measure(planned: list[Cohort], path: Path) -> None:
    """Append a row per scan that `path` lacks."""
    columns = (*KEY, *ACQUISITION)
    known = set()
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            known = {(row["arm"], row["seed"], row["patients"], row["number"]) for row in csv.DictReader(stream)}
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        if not known:
            writer.writeheader()
        for cohort in planned:
            started, roster = time.perf_counter(), cohort.roster
            for number in range(len(roster)):
                key = (cohort.arm, str(cohort.seed), str(cohort.patients), str(number))
                if key not in known:
                    patient = roster.patient(number)
                    writer.writerow(dict(zip(KEY, key, strict=False)) | {"stage": patient.stage} | facts(patient))
                    stream.flush()
            print(f"{cohort}: {time.perf_counter() - started:.0f} s", flush=True)


def report(planned: list[Cohort], path: Path) -> None:
    """Audit every cohort that is measured, and print a row for each and for each arm."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    levels: dict[str, list[str]] = {}
    print("| arm | seed | level | p | AUC F>=2 / F>=3 / F4 out of fold | strongest fact, its AUC |")
    print("|---|---|---|---|---|---|")
    for cohort in sorted(planned, key=lambda cohort: (cohort.arm, cohort.seed)):
        key = (cohort.arm, str(cohort.seed), str(cohort.patients))
        own = [row for row in rows if (row["arm"], row["seed"], row["patients"]) == key]
        if len(own) == cohort.patients:
            found = audit(scans_of(own), np.random.default_rng(cohort.seed))[0]
            levels.setdefault(cohort.arm, []).append(found["level"])
            areas = " / ".join(f"{threshold['auc']['value']:.2f}" for threshold in found["thresholds"].values())
            fact = found["facts"][0]
            told = f"{fact['fact']} {fact['value'] or ''}".strip()
            print(f"| {cohort.arm} | {cohort.seed} | {found['level']} | {found['p_value']:.4f} | {areas} "
                  f"| {told}, {fact['auc']:.2f} |")  # fmt: skip
    for arm, found_levels in levels.items():
        print(f"{arm}: alarm in {found_levels.count('alarm')} of {len(found_levels)}")


def scans_of(rows: list[dict[str, str]]) -> Scans:
    """What the audit is given of a cohort."""
    patient = np.unique([row["patient_id"] for row in rows], return_inverse=True)[1]
    words = {name: [row[name] for row in rows] for name in WORDS}
    numbers = {name: np.array([float(row[name] or "nan") for row in rows]) for name in NUMBERS}
    return Scans([(int(row["stage"]),) for row in rows], patient, words, numbers)


def facts(patient: Patient) -> dict[str, Any]:
    """A row of ``acquisition.csv`` as a study has it that has masks of liver and spleen, and finds no aorta."""
    made = render(patient, small_grid(patient))
    organs = made.labels.array
    labels = made.labels.with_array(((organs == Organ.LIVER) + 2 * (organs == Organ.SPLEEN)).astype(np.uint8))
    quality = assess(made.hu, labels, labels.with_array(np.zeros_like(labels.array)))
    known = {"scan_id": patient.scan_id, "patient_id": patient.patient_id}
    return known | acquisition(made.hu, patient.scan.vendor, quality.organ_hu)


if __name__ == "__main__":
    main()
