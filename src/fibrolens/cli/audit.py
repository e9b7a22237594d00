"""`fibrolens audit`: whether location maps can be believed, by experiment."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.cli.train import MOST_SEED
from fibrolens.errors import UsageError


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "audit",
        help="test the location maps of a study: random weights, known truth, organ ablation, twins",
        description="Test every kind of location map on the networks of a study, and, with --known-truth, on simulated "
        "patients in whom the place of the disease is known. Writes audit.json and report.html, with a verdict and its "
        "reasons per method. An audit that was interrupted goes on. Research use only.",
    )
    verb.add_argument("study", type=Path, nargs="?", metavar="STUDY", help="folder of a study that is complete")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the audit")
    verb.add_argument("--overwrite", action="store_true", help="replace an audit of other inputs or options")
    verb.add_argument("--cohort", type=Path, metavar="FILE", help="where the cohort's table of the study is today")
    verb.add_argument("--scans", type=int, default=40, metavar="N", help="scans of the study that are looked at")
    truth = verb.add_argument_group("known truth, on simulated patients")
    truth.add_argument(
        "--known-truth",
        action="store_true",
        help="train on the simulator's arms, where one sign alone carries the stage (about an hour on two cores)",
    )
    truth.add_argument(
        "--plan",
        type=Path,
        metavar="STUDY",
        help="take plan and first weights of this study (default: of STUDY, else of the shipped weights)",
    )
    truth.add_argument("--seeds", type=int, default=3, metavar="N", help="networks for each sign (default 3)")
    truth.add_argument("--steps", type=int, metavar="N", help="training steps of each (default 400, of texture 900)")
    verb.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same audit (default 0)")
    verb.add_argument("--workers", type=int, metavar="N", help="processes at once (default: as many as suit)")
    return verb


def run(options: argparse.Namespace) -> int:
    """Run the audit and say where its report is."""
    _check(options)
    from fibrolens.audit.run import AuditOptions, run_audit
    from fibrolens.progress import Progress

    run_audit(
        options.out,
        AuditOptions(
            study=options.study,
            cohort=options.cohort,
            scans=options.scans,
            known_truth=options.known_truth,
            plan=options.plan,
            seeds=options.seeds,
            steps=options.steps,
            seed=options.seed,
        ),
        workers=options.workers,
        progress=Progress,
        overwrite=options.overwrite,
    )
    sys.stdout.write(f"{options.out / 'report.html'}: research use only\n")
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.study is None and not options.known_truth:
        raise UsageError("Give the folder of a study to audit, or --known-truth, or both.")
    if options.plan is not None and not options.known_truth:
        raise UsageError("--plan says what --known-truth trains; give both.")
    if not 0 <= options.seed <= MOST_SEED:
        raise UsageError(f"--seed must be from 0 to {MOST_SEED}; it is {options.seed}.")
    for name in ("scans", "seeds", "steps", "workers"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} must be at least 1; it is {value}.")
