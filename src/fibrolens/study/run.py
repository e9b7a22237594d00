"""`run_study`: the whole study of a cohort, step after step, each gone on with where an earlier run stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import save_file

from fibrolens.begun import State, begin, state, writing
from fibrolens.clock import timeless_mark
from fibrolens.cohort.check import check_cohort
from fibrolens.cohort.criteria import select
from fibrolens.cohort.table import CohortRow, read_cohort, scan_table
from fibrolens.errors import CohortError, ModelError
from fibrolens.output import file_sha256
from fibrolens.plan import PLAN, write_plan
from fibrolens.study.estimate import estimate
from fibrolens.study.folder import COHORT, FOLDS, INITIAL, Study
from fibrolens.study.modality import require_modality
from fibrolens.study.plans import StudyPlan
from fibrolens.study.prepare import files_of
from fibrolens.study.steps import Running, crew, evaluate, explain, predict, prepare, train, workers_for
from fibrolens.weights import load_model_folder


@dataclass(frozen=True)
class Networks:
    """The weights that a study takes.

    Args:
        start: model folder that the training begins with, which must not have seen a patient of the cohort; None
            trains from random weights.
        segmentation: model folder of the network that finds organs where a row has no masks; None takes those that
            come with the package.
    """

    start: Path | None = None
    segmentation: Path | None = None


def run_study(
    cohort_csv: Path,
    out: Path,
    plan: StudyPlan,
    networks: Networks | None = None,
    how: Running | None = None,
    *,
    overwrite: bool = False,
    prepare_only: bool = False,
) -> Path:
    """The study of a cohort: check, segment, train, predict out of fold, explain, evaluate, report.

    Args:
        cohort_csv: the cohort.
        out: folder of the study. An unfinished study of the same inputs is resumed, a finished one left alone.
        plan: every decision, the seed included.
        networks: the weights that it takes.
        how: how it runs.
        overwrite: a study of other inputs or options may be replaced.
        prepare_only: stop when the scans are prepared; the other steps can be run one by one.

    Returns:
        `out`.

    Raises:
        InputError: the cohort or its scans cannot be used; nothing is written then.
        UsageError: `out` holds something else.
        OutputError: `out` cannot be written.
    """
    networks, how = networks or Networks(), how or Running()
    files = _sizes(scan_table(cohort_csv).rows)
    made_of = {"cohort": file_sha256(cohort_csv), "files": files, "plan": asdict(plan), **_fingerprint(networks)}
    run = {"command": "study", **made_of, **timeless_mark()}
    found = state(out, run, overwrite)
    if found is State.COMPLETE:
        return out
    rows = check_cohort(cohort_csv, how.progress) if found is State.FREE else read_cohort(cohort_csv)
    study = Study(out, plan, select(rows, plan.criteria), networks.segmentation, networks.start)
    _require_runnable(study, cohort_csv)
    if found is State.FREE:
        how.say(estimate(study, workers_for(study, how)))
    with writing(out), crew(study, how) as workers:
        begin(out, run, found)
        _begin(study, cohort_csv)
        prepare(study, workers)
        if not prepare_only:
            for step in (train, predict, explain, evaluate):
                step(study, workers)
    return out


def _require_runnable(study: Study, cohort_csv: Path) -> None:
    """Find before anything is written what would stop the study later: too few patients, weights that saw them.

    Raises:
        CohortError: nobody meets the criteria, there are fewer patients than folds, or CT and MR are mixed.
        ModelError: the weights to begin with were trained on this cohort; or those for organs cannot be used.
    """
    if not study.rows:
        raise CohortError(f"Nobody in {cohort_csv.name} meets the criteria; fibrolens cohort flow says why.")
    require_modality(study.rows, study.plan.staging, cohort_csv)
    study.draw()
    if study.start is not None:
        card = load_model_folder(study.start).card
        if card.get("cohort_sha256") == file_sha256(cohort_csv):
            raise ModelError(
                f"The weights of {study.start} were trained on {cohort_csv.name} itself, so that no fold would be new "
                "to them; begin with weights that never saw its patients."
            )
    study.segmentations.require(study.rows)


def _sizes(rows: Sequence[CohortRow]) -> str:
    """A hash of the sizes of all CTs and masks: seen at once, while their bytes would take minutes to read."""
    sizes = [[file.stat().st_size for file in files] for row in rows for files in files_of(row)]
    return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()


def _fingerprint(networks: Networks) -> dict[str, str | None]:
    """What the weights are, wherever they stand."""
    folders = {"initial": networks.start, "segmentation": networks.segmentation}
    return {name: None if path is None else load_model_folder(path).files_sha256 for name, path in folders.items()}


def _begin(study: Study, cohort_csv: Path) -> None:
    """Keep what the steps need to run alone: the plan, the table, where it came from, the weights to begin with."""
    out = study.out
    aside = out / ".partial"
    write_plan(study.plan, aside)
    aside.replace(out / PLAN)
    shutil.copyfile(cohort_csv, aside)
    aside.replace(out / COHORT)
    study.write_source(cohort_csv)
    (out / FOLDS).mkdir(exist_ok=True)
    initial = out / FOLDS / INITIAL
    if study.start is not None and not initial.exists():
        weights = load_model_folder(study.start).weights
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, aside)
        aside.replace(initial)
