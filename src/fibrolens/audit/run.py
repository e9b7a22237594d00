"""`run_audit`: every test of the location maps, their verdicts, and the report; gone on with where it stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.audit.checks import CheckOptions, audit_study
from fibrolens.audit.examples import SHOWN, truth_examples
from fibrolens.audit.known_truth import TruthPlan, measure_truth, truth_figures
from fibrolens.audit.recipes import AUDITED
from fibrolens.audit.twins import measure_twins, twin_figures
from fibrolens.begun import State, begin, complete, state, tidy, writing
from fibrolens.engine import Engine
from fibrolens.errors import UsageError
from fibrolens.evaluate.saliency.verdict import judge
from fibrolens.output import MANIFEST, file_sha256, write_json
from fibrolens.plan import Plan
from fibrolens.progress import ReporterFactory, silent
from fibrolens.report.audit import EXAMPLES, write_audit_report
from fibrolens.report.audit_examples import examples_figure
from fibrolens.study.folder import FOLDS, INITIAL, Study
from fibrolens.weights import WEIGHTS, load_model_folder, shipped

SCHEMA_VERSION = 1
RESULT, WORK, TRUTH, CHECKS = "audit.json", ".work", "known_truth", "checks"
FIGURES = "figures"
RESEARCH_ONLY = "research use only; figures on simulated patients say nothing of clinical performance"


@dataclass(frozen=True)
class AuditOptions:
    """What is audited.

    Args:
        study: folder of a complete study; None tests on simulated patients alone.
        cohort: where the table of its cohort is today; None where it was.
        scans: of the study that are looked at.
        known_truth: train on the simulator's arms.
        plan: study whose plan and first weights that takes; None takes `study`, else the shipped weights.
        seeds: networks per arm; steps: of each, None is the default.
        seed: of everything that is drawn.
    """

    study: Path | None = None
    cohort: Path | None = None
    scans: int = 40
    known_truth: bool = False
    plan: Path | None = None
    seeds: int = 3
    steps: int | None = None
    seed: int = 0


def run_audit(
    out: Path,
    options: AuditOptions,
    *,
    workers: int | None = None,
    progress: ReporterFactory = silent,
    overwrite: bool = False,
) -> Path:
    """Audit the maps of a study, or those of networks trained on simulated patients, or both.

    Args:
        out: folder of the audit; an unfinished audit of the same inputs and options is gone on with, a finished one
            left alone.
        options: what is audited.
        workers: processes at once; None suits the machine.
        progress: makes the reporter of each step.
        overwrite: an audit of other inputs or options may be replaced.

    Returns:
        `out`.

    Raises:
        UsageError: the study is not complete, or `out` holds something else.
        InputError: a scan of the study cannot be used.
        OutputError: `out` cannot be written.
    """
    run = _run(options)
    found = state(out, run, overwrite)
    if found is State.COMPLETE:
        tidy(out, WORK)
        return out
    started = time.perf_counter()
    work = out / WORK
    with writing(out):
        begin(out, run, found)
        work.mkdir(exist_ok=True)
        truth = _known_truth(options, out, workers, progress) if options.known_truth else None
        checks = None
        if options.study is not None:
            chosen = CheckOptions(cohort=options.cohort, scans=options.scans, seed=options.seed, workers=workers)
            checks = audit_study(options.study, work / CHECKS, chosen, progress)
        content = audit_content(checks, truth)
        write_json(content, out / RESULT)
        write_audit_report(content, out)
        complete(out, run, {"audit": time.perf_counter() - started}, WORK)
    return out


def audit_content(checks: Mapping[str, Any] | None, truth: Mapping[str, Any] | None) -> dict[str, Any]:
    """The content of ``audit.json``.

    Args:
        checks: what `audit_study` found; None where no study was audited.
        truth: `truth_figures` and, as ``twins``, `twin_figures` or None; None where it was not asked for.

    Returns:
        ``methods``: of each recipe ``known_truth_top1`` (mean over the arms, null without the test),
        ``randomisation_pass``, every check's figures, ``verdict``, ``reasons`` and ``findings``; ``controls`` likewise;
        and all that the tests say beside the methods.
    """
    methods: dict[str, dict[str, Any]] = {recipe.name: {} for recipe in AUDITED}
    twins = None if truth is None else truth["twins"]
    for name, figures in (checks or {}).get("methods", {}).items():
        methods.setdefault(name, {}).update(figures)
    for part, own in (("known_truth", truth), ("twins", twins)):
        for name, figures in (own or {}).get("methods", {}).items():
            methods.setdefault(name, {})[part] = figures
    controls = (checks or {}).get("controls", {})
    rest = {key: value for key, value in (checks or {}).items() if key not in ("methods", "controls")}
    return {
        "schema_version": SCHEMA_VERSION,
        "use": RESEARCH_ONLY,
        "methods": {name: _judged(figures) for name, figures in methods.items()},
        "controls": {name: _judged(figures) for name, figures in controls.items()},
        "study": rest if checks else None,
        "known_truth": None if truth is None else {key: truth[key] for key in ("networks", "design")},
        "twins": None if twins is None else {key: value for key, value in twins.items() if key != "methods"},
    }


def _judged(figures: Mapping[str, Any]) -> dict[str, Any]:
    rates = [arm["top1"]["value"] for arm in ((figures.get("known_truth") or {}).get("arms") or {}).values()]
    known = [rate for rate in rates if rate is not None]
    return {
        "known_truth_top1": sum(known) / len(known) if known else None,
        "randomisation_pass": (figures.get("randomisation") or {}).get("passed"),
        "checks": dict(figures),
        **judge(figures).as_dict(),
    }


def _run(options: AuditOptions) -> dict[str, Any]:
    """What the result depends on."""
    studies = {}
    for name, folder in (("study", options.study), ("plan", options.plan)):
        if folder is not None and not (folder / MANIFEST).is_file():
            raise UsageError(f"{folder} is not a complete study; finish it by fibrolens study, then audit it.")
        studies[name] = None if folder is None else file_sha256(folder / MANIFEST)
    truth = {"seeds": options.seeds, "steps": options.steps} if options.known_truth else None
    return {"command": "audit", **studies, "scans": options.scans, "known_truth": truth, "seed": options.seed}


def _known_truth(options: AuditOptions, out: Path, workers: int | None, progress: ReporterFactory) -> dict[str, Any]:
    plan, initial = _plan(options)
    work = out / WORK / TRUTH
    truth = TruthPlan(plan, initial, AUDITED, options.seeds, options.seed, steps=options.steps)
    with Engine(workers) as engine:
        measure_truth(truth, work, engine, progress)
        measure_twins(truth, work, engine, progress)
    if examples := truth_examples(truth, work):
        (out / FIGURES).mkdir(exist_ok=True)
        examples_figure(examples, SHOWN, out / FIGURES / EXAMPLES)
    return truth_figures(truth, work) | {"twins": twin_figures(truth, work)}


def _plan(options: AuditOptions) -> tuple[Plan, Path | None]:
    """The plan that is trained, and the weights that it begins with."""
    folder = options.plan or options.study
    if folder is None:
        model = shipped("lfs")
        return load_model_folder(model).plan(Plan), model / WEIGHTS
    study = Study.open(folder, options.cohort if folder == options.study else None)
    initial = folder / FOLDS / INITIAL
    return study.plan.staging, initial if initial.exists() else None
