"""`tune_segmentation`: fine-tune the V-Nets on a user's own masks into a folder that `Segmenter.load` takes.

The liver is learnt from every scan, the spleen from those that have a mask of it. Nobody outlines the aorta, from which
the contrast phase is read: its targets are what the starting networks see in each scan, so that they do not forget it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fibrolens.begun import RUN, State, begin, complete, state, tidy, writing
from fibrolens.clock import timeless_mark
from fibrolens.cohort.problems import Problem, refuse
from fibrolens.cohort.table import CohortRow
from fibrolens.engine import one_blas_thread
from fibrolens.errors import InputError
from fibrolens.output import file_sha256, write_json
from fibrolens.plan import SegmentationPlan
from fibrolens.progress import ReporterFactory, silent
from fibrolens.segment.predict import Segmenter
from fibrolens.segment.train import CHECKPOINT, Progress, train, trained_network
from fibrolens.segment.vnet import Cascade
from fibrolens.study.held_out import Scores, counted, figures, held_out, measure, sentence
from fibrolens.study.masked import add_aorta, masked_rows, masked_scan, prepare, scan_file
from fibrolens.study.prepare import scans_sha256
from fibrolens.study.tune import INTENDED_USE, WORK, Start
from fibrolens.weights import digest, save_model_folder

LOG, SCORES = "train_log.jsonl", "held_out.json"


@dataclass(frozen=True)
class Masks:
    """The masks to learn from.

    Args:
        cohort_csv: the cohort; every row needs a liver mask, rows with a reason under ``exclude`` are left out.
        rows: what is left of it.
        label_map: whose numbers the mask files have; None for one organ a file.
        held: scans that are measured before and after, and never trained on.
    """

    cohort_csv: Path
    rows: tuple[CohortRow, ...]
    label_map: str | None
    held: tuple[CohortRow, ...]

    @classmethod
    def of(cls, cohort_csv: Path, label_map: str | None, seed: int) -> Masks:
        """The masks of a cohort; raises CohortError where it cannot be used."""
        rows = tuple(masked_rows(cohort_csv))
        return cls(cohort_csv, rows, label_map, held_out(rows, seed))

    @property
    def trained(self) -> tuple[CohortRow, ...]:
        """The rows that are trained on."""
        return tuple(row for row in self.rows if row not in self.held)


def tune_segmentation(
    cohort_csv: Path,
    out: Path,
    plan: SegmentationPlan,
    start: Start,
    *,
    label_map: str | None = None,
    overwrite: bool = False,
    progress: ReporterFactory = silent,
) -> Path:
    """Fine-tune both V-Nets on the masks of a cohort, and write the model folder.

    Args:
        cohort_csv: the cohort; see `Masks`.
        out: the model folder. An unfinished one of the same inputs is resumed, a finished one left alone.
        plan: every decision, the seed included.
        start: weights to begin with.
        label_map: whose numbers the mask files have; None for one organ a file.
        overwrite: a training with other inputs may be replaced.
        progress: makes the reporter of each step.

    Returns:
        `out`.

    Raises:
        InputError: the cohort, or CTs or masks in it, cannot be used; all of them are named, and nothing is left.
        UsageError: `out` holds something else.
        OutputError: `out` cannot be written.
    """
    masks = Masks.of(cohort_csv, label_map, plan.seed)
    run = {
        "command": "train",
        "task": "segmentation",
        "cohort": file_sha256(cohort_csv),
        "files": scans_sha256(masks.rows),
        "label_map": label_map,
        "plan": asdict(plan),
        "initial": digest(start.weights),
        **timeless_mark(),
    }
    found = state(out, run, overwrite)
    if found is State.COMPLETE:
        tidy(out, WORK)
        return out
    started = time.perf_counter()
    with writing(out), one_blas_thread():
        if found is State.FREE and (out / RUN).exists():
            # The model that stands there is given up only for masks that can be used.
            with TemporaryDirectory() as cases:
                _read(masks, Path(cases), plan, progress)
        begin(out, run, found)
        before = _prepare(masks, out, plan, _begun_with(start, plan), progress)
        network = _train(masks, out / WORK, plan, start, progress)
        tuned = Segmenter(network, plan, "tuned", "")
        after = _measured(masks, tuned, progress, "measuring the tuned weights")
        _write(out, network, plan, card_of(masks, plan, start, (before, after)), (before, after))
        complete(out, run, {"train": time.perf_counter() - started}, WORK)
    return out


def card_of(masks: Masks, plan: SegmentationPlan, start: Start, scores: tuple[Scores, Scores]) -> dict[str, Any]:
    """The card: what the weights were trained on, and how well they do on the scans that were held out."""
    trained = masks.trained
    trained_on = f"masks of {counted(trained)} ({masks.cohort_csv.name}), from {start.name}"
    if start.trained_on:
        trained_on += f", which were trained on: {start.trained_on}"
    return {
        "name": f"vnet-{masks.cohort_csv.stem}",
        "trained_on": trained_on,
        "intended_use": INTENDED_USE,
        "figures": figures(masks.held, *scores),
        "seed": plan.seed,
        "cohort_sha256": file_sha256(masks.cohort_csv),
        "scans": len(trained),
        "spleen_masks": sum(row.spleen_mask is not None for row in trained),
    }


def _begun_with(start: Start, plan: SegmentationPlan) -> Segmenter:
    network = Cascade(plan)
    network.load_state_dict(dict(start.weights or {}))
    return Segmenter(network.eval(), plan, start.name, "")


def _prepare(masks: Masks, out: Path, plan: SegmentationPlan, start: Segmenter, progress: ReporterFactory) -> Scores:
    """Keep every scan and its aorta in `out`; the Dice of the starting networks in the scans held out."""
    cases = out / WORK / "cases"
    cases.mkdir(parents=True, exist_ok=True)
    try:
        _read(masks, cases, plan, progress)
    except InputError:
        shutil.rmtree(out)
        raise
    with progress(len(masks.trained), "finding the aorta") as report:
        for row in masks.trained:
            add_aorta(scan_file(cases, row), start)
            report.advance(note=row.scan_id)
    kept = out / WORK / "before.json"
    if not kept.exists():
        write_json(_measured(masks, start, progress, "measuring the starting weights"), kept)
    return {str(scan): dict(found) for scan, found in json.loads(kept.read_text(encoding="utf-8")).items()}


def _read(masks: Masks, cases: Path, plan: SegmentationPlan, progress: ReporterFactory) -> None:
    """Put every scan on the fine network's voxels; raises CohortError with all that cannot be used."""
    problems = []
    with progress(len(masks.rows), "reading scans and masks") as report:
        for row in masks.rows:
            try:
                prepare(row, plan, cases, masks.label_map)
            except InputError as error:
                problems.append(Problem(row.line, str(error)))
            report.advance(note=row.scan_id)
    refuse(masks.cohort_csv, problems)


def _measured(masks: Masks, segmenter: Segmenter, progress: ReporterFactory, label: str) -> Scores:
    """Dice of the scans held out."""
    if not masks.held:
        return {}
    with progress(len(masks.held), label) as report:
        return measure(segmenter, masks.held, masks.label_map, report)


def _train(masks: Masks, work: Path, plan: SegmentationPlan, start: Start, progress: ReporterFactory) -> Cascade:
    """Train, or go on; the averaged networks."""
    patients = [masked_scan(work / "cases", row) for row in masks.trained]
    log = work / LOG
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    done = 0
    with progress(plan.steps, "training") as report:
        for now in train(lambda: patients, plan, work, initial=start.weights):
            # Steps after the last checkpoint are done again, and so are their lines.
            lines = [*lines[: now.step - 1], _line(now, plan)]
            log.write_text("".join(lines), encoding="utf-8")
            report.advance(now.step - done, note=f"loss {now.loss:.3f}")
            done = now.step
    return trained_network(work / CHECKPOINT, plan)[0]


def _line(now: Progress, plan: SegmentationPlan) -> str:
    names = [f"coarse_{name}" for name in plan.coarse.classes[1:]] + [f"fine_{name}" for name in plan.fine.classes[1:]]
    dices = {name: round(value, 5) for name, value in zip(names, now.dice, strict=True)}
    return json.dumps({"step": now.step, "loss": round(now.loss, 6), "soft_dice": dices}) + "\n"


def _write(
    out: Path,
    network: Cascade,
    plan: SegmentationPlan,
    card: Mapping[str, Any],
    scores: tuple[Scores, Scores],
) -> None:
    """Put model, card page, log and scores into `out`."""
    model = out / WORK / "model"
    sha256 = save_model_folder(model, network.state_dict(), plan, card)
    (model / "MODEL_CARD.md").write_text(_page(card, plan, sha256), encoding="utf-8")
    shutil.copyfile(out / WORK / LOG, model / LOG)
    if scores[0]:
        write_json({scan: {"before": scores[0][scan], "after": scores[1][scan]} for scan in scores[0]}, model / SCORES)
    for path in model.iterdir():
        path.replace(out / path.name)


def _page(card: Mapping[str, Any], plan: SegmentationPlan, sha256: str) -> str:
    return f"""# Model card: {card["name"]}

**Research use only; not a medical device.**

- Trained on: {card["trained_on"]}.
- {card["spleen_masks"]} of the {card["scans"]} CTs have a spleen mask; the spleen was learnt from these alone.
  The aorta is what the starting weights see. Rows with an exclude reason were left out.
- Training: {plan.steps} steps of {plan.batch}, learning rate {plan.learning_rate:g}, seed {plan.seed}.
  Every decision is in `plan.json`, the loss of every step in `{LOG}`.
- Figures: {sentence(card["figures"])}.
- The weights may hold traces of the patients they were trained on; share them only where you may share those.
- SHA-256 of `weights.safetensors`: `{sha256}`.
"""
