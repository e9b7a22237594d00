"""`fibrolens phantom`: a simulated cohort whose truth is known."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fibrolens.errors import UsageError

if TYPE_CHECKING:
    from fibrolens.phantom.cohort import CohortOptions
    from fibrolens.phantom.roster import Twin

#: More are a slip of the finger.
MOST_PATIENTS = 1_000_000


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "phantom",
        help="a simulated cohort (CT or MR, masks, cohort.csv) whose truth is known",
        description="Simulate abdominal CTs or MRs of patients with liver fibrosis F0 to F4, with masks, the evidence "
        "of each sign and the true values behind each stage. A simulation that was interrupted goes on.",
    )
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    size = verb.add_mutually_exclusive_group()
    size.add_argument(
        "--patients", type=int, default=10, metavar="N", help="how many, in the mix of the paper (default 10)"
    )
    size.add_argument("--stages", type=_counts, metavar="A,B,C,D,E", help="how many of F0, F1, F2, F3 and F4")
    _add_setting(verb)
    _add_output(verb)
    return verb


def run(options: argparse.Namespace) -> int:
    """Write the cohort and say where it is."""
    counts = options.stages
    if not 1 <= (options.patients if counts is None else sum(counts)) <= MOST_PATIENTS:
        raise UsageError(f"phantom needs at least one patient and at most {MOST_PATIENTS}.")
    if options.seed < 0:
        raise UsageError(f"--seed must be 0 or more; it is {options.seed}.")
    from fibrolens.phantom.cohort import paper_stages, write_cohort
    from fibrolens.progress import Progress

    if counts is None:
        stages = paper_stages(options.patients)
    else:
        stages = [stage for stage, count in enumerate(counts) for _ in range(count)]
    cohort = _cohort_options(options)
    with Progress(len(stages), "simulating") as progress:
        table = write_cohort(options.out, stages, options.seed, cohort, progress.advance)
    sys.stdout.write(f"{len(stages)} simulated scans: {table}\n")
    return 0


def _add_setting(verb: argparse.ArgumentParser) -> None:
    """Options that decide what the scans show."""
    shown = verb.add_argument_group("what the scans show")
    shown.add_argument(
        "--modality",
        default="ct",
        metavar="MODALITY",
        help="ct (default), or mr-hbp: T1-weighted MR 20 minutes after gadoxetic acid, fat suppressed",
    )
    shown.add_argument(
        "--arm",
        default="all",
        metavar="ARM",
        help="which signs carry the stage: all (default), none, surface, spleen, texture or lobes alone, or "
        "shortcut:spacing, shortcut:table, shortcut:kvp or shortcut:site; of mr-hbp also uptake alone, "
        "and no shortcut",
    )
    shown.add_argument(
        "--effect", choices=("published", "strong"), default="published", help="size of the signs (default published)"
    )
    shown.add_argument(
        "--confounded", choices=("paper",), help="age, sex and scan depend on the stage as in the paper's cohort"
    )
    shown.add_argument(
        "--phase", default="portal", metavar="PHASE", help="native, arterial, portal (default) or delayed"
    )
    for name, what in (
        ("splenectomy", "without a spleen"),
        ("metal", "with metal in the field"),
        ("partial-coverage", "whose scan cuts the liver"),
    ):
        shown.add_argument(
            f"--{name}", type=float, default=0.0, metavar="SHARE", help=f"share of the patients {what} (default 0)"
        )
    shown.add_argument(
        "--twin",
        action="append",
        default=[],
        metavar="SIGN=STAGE",
        help="also each patient with this sign at this stage's value, e.g. spleen=F0; may be repeated",
    )


def _add_output(verb: argparse.ArgumentParser) -> None:
    """Options that decide how it is written."""
    verb.add_argument(
        "--format", choices=("nifti", "dicom"), default="nifti", help="how the scans are written (MR: nifti)"
    )
    verb.add_argument(
        "--grid", choices=("small", "full"), default="full", help="128 x 128 at 3 mm, or 512 x 512 (MR 320 x 320)"
    )
    verb.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="same seed, same bytes (default 0); below 1000000: the shipped weights have seen the patients beyond",
    )
    verb.add_argument("--workers", type=int, default=1, metavar="W", help="processes; the bytes do not depend on it")
    verb.add_argument("--truth-only", action="store_true", help="write truth.csv alone, without any CT")
    verb.add_argument("--overwrite", action="store_true", help="replace a cohort of other options")


def _cohort_options(options: argparse.Namespace) -> CohortOptions:
    """The cohort's options, checked."""
    from fibrolens.phantom.cohort import CohortOptions
    from fibrolens.phantom.setting import Setting

    try:
        setting = Setting(
            arm=options.arm,
            strong=options.effect == "strong",
            confounded=options.confounded is not None,
            phase=options.phase,
            splenectomy=options.splenectomy,
            metal=options.metal,
            partial=options.partial_coverage,
            modality=options.modality,
        )
        return CohortOptions(
            format=options.format,
            grid=options.grid,
            workers=options.workers,
            setting=setting,
            twins=tuple(_twin(text) for text in options.twin),
            truth_only=options.truth_only,
            overwrite=options.overwrite,
        )
    except ValueError as error:
        raise UsageError(f"{error}.") from None


def _twin(text: str) -> Twin:
    from fibrolens.phantom.roster import Twin
    from fibrolens.plan import STAGES

    sign, _, stage = text.partition("=")
    if stage not in STAGES:
        raise ValueError(f"--twin takes a sign and a stage, for example spleen=F0; it is {text!r}")
    return Twin(sign, STAGES.index(stage))


def _counts(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = []
    if len(counts) != 5 or min(counts) < 0:
        raise argparse.ArgumentTypeError("five counts from 0 upwards, for example 134,8,10,18,82")
    return counts
