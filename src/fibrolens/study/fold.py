"""One fold, step by step: train on the other folds' scans, predict those that were kept away, explain the predictions.

A step whose files stand is left alone, so that each can be repeated by removing its files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors.torch import load_file

from fibrolens.cohort.table import CohortRow
from fibrolens.errors import UsageError
from fibrolens.evaluate.predicted import Predicted
from fibrolens.explain.attention import attention
from fibrolens.explain.recipe import RECOMMENDED
from fibrolens.io import write_nifti
from fibrolens.output import file_sha256, write_json
from fibrolens.plan import PLAN, STAGES, Plan
from fibrolens.progress import Reporter
from fibrolens.result import REGIONS
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.packed import packed
from fibrolens.staging.predict import Prediction, StagingModel, predict_case, predict_seen
from fibrolens.staging.stopping import STOPPING
from fibrolens.staging.train import LOG, WEIGHTS, train
from fibrolens.study.prepare import PreparedScan, load_case, load_scan, load_seen
from fibrolens.study.tables import (
    ATTENTION,
    ATTENTION_FILE,
    INNER,
    PREDICTIONS_FILE,
    read_predictions,
    write_predictions,
    write_table,
)
from fibrolens.view import scaled_map

#: The maps of a study: two layers, and their mean, which stands beside the paper's figures.
LAYERS: Mapping[str, tuple[str, ...]] = {"conv3": ("conv3",), "conv4": ("conv4",), "mean": ("conv3", "conv4")}
SHOWN = "mean"
#: The layers of the network that they need.
MAP_LAYERS = ("conv3", "conv4")
#: Every kind of map of a study, as ``attention.csv`` names it.
KINDS = (*LAYERS, RECOMMENDED.name)
MAPS, RECOMMENDED_MAPS, SPLIT, CHOICE = "maps", "maps_recommended", "split.json", "choice.json"
#: Standard errors by which a later way must be better on the inner split.
CLEARLY = 2.0
#: In a fold's folder while it is trained: one folder for each way.
WAYS = "ways"
#: There, the images of the scans that the fold is trained and stopped on.
TRAIN_IMAGES, INNER_IMAGES = "train_images.bin", "inner_images.bin"


def kind_of(method: str, layer: str) -> str:
    """What ``attention.csv`` calls a kind of map: Grad-CAM by its layer alone, as the paper's."""
    return layer if method == "gradcam" else f"{method} {layer}"


@dataclass(frozen=True)
class FoldJob:
    """What a fold needs to know.

    Args:
        number: of the fold, from 0.
        folder: where its files go.
        train: scans that the network is fitted on.
        inner: scans of other patients of the other folds, for early stopping and for the cut; may be none.
        test: scans of this fold.
        cases: folder of the prepared scans.
        ways: the plans that are tried, of the same grid and network; one, or several where there is an inner split.
        initial: weights to start from, or None for random ones.
    """

    number: int
    folder: Path
    train: tuple[CohortRow, ...]
    inner: tuple[CohortRow, ...]
    test: tuple[CohortRow, ...]
    cases: Path
    ways: tuple[Plan, ...]
    initial: Path | None

    @property
    def plan(self) -> Plan:
        """Grid, slabs and network, which all ways share, and the training of the first."""
        return self.ways[0]

    @property
    def steps(self) -> int:
        """At most so many steps are trained, of all ways."""
        return sum(way.training.steps for way in self.ways)

    @property
    def trained(self) -> bool:
        """Whether the weights stand."""
        return (self.folder / WEIGHTS).exists()

    @property
    def predicted(self) -> bool:
        """Whether the predictions stand, those of the inner split too."""
        return (self.folder / PREDICTIONS_FILE).exists() and (not self.inner or (self.folder / INNER).exists())

    @property
    def explained(self) -> bool:
        """Whether maps and attention stand."""
        return (self.folder / ATTENTION_FILE).exists() and (self.folder / MAPS).is_dir()

    @property
    def split(self) -> dict[str, list[str]]:
        """The scan ids of each part."""
        parts = {"train": self.train, "inner": self.inner, "test": self.test}
        return {name: [row.scan_id for row in rows] for name, rows in parts.items()}

    def require_same_split(self) -> None:
        """Refuse weights that were trained on other scans than the folds say today, for they may have seen these.

        Raises:
            UsageError: they were.
        """
        if self.trained and json.loads((self.folder / SPLIT).read_text(encoding="utf-8")) != self.split:
            raise UsageError(
                f"{self.folder} was trained on other scans than splits.json gives it, so that it may have seen those "
                "that it is tested on; restore splits.json, or train again with --overwrite."
            )


def train_fold(job: FoldJob, report: Reporter) -> None:
    """Write ``split.json``, ``choice.json``, ``plan.json``, ``stopping.json``, the log and, last, the weights.

    Raises:
        CohortError: no scan is left to train on.
    """
    tried = job.folder / WAYS
    if job.trained:
        job.require_same_split()
        shutil.rmtree(tried, ignore_errors=True)
        report.advance(job.steps)
        return
    job.folder.mkdir(parents=True, exist_ok=True)
    write_json(job.split, job.folder / SPLIT)
    tried.mkdir(exist_ok=True)
    cases, inner = (
        packed((load_case(job.cases, row, job.plan) for row in rows), tried / name)
        for name, rows in ((TRAIN_IMAGES, job.train), (INNER_IMAGES, job.inner))
    )
    initial = None if job.initial is None else load_file(job.initial)
    for number, way in enumerate(job.ways):
        if (tried / str(number) / WEIGHTS).exists():
            report.advance(way.training.steps)
        else:
            train(cases, way, tried / str(number), initial, report, inner)
    chosen = choose([tried / str(number) for number in range(len(job.ways))])
    write_json(chosen, job.folder / CHOICE)
    # The weights come last: where they are, all is there.
    for name in (PLAN, LOG, STOPPING, WEIGHTS):
        source, aside = tried / str(chosen["way"]) / name, job.folder / f".{name}.partial"
        if source.exists():
            shutil.copyfile(source, aside)
            aside.replace(job.folder / name)
    shutil.rmtree(tried)


def choose(tried: Sequence[Path]) -> dict[str, Any]:
    """Which of several trainings is kept: the first, unless another is clearly better on the inner split.

    Clearly: its mean loss is lower by more than two standard errors of the scans' paired differences, since the later
    ones learn more layers and are looked at more often, and a small split rewards luck (a stricter form of the rule of
    Breiman et al., Classification and Regression Trees, 1984, section 3.4.3).

    Args:
        tried: the folder of each training, with ``stopping.json`` where there are several.

    Returns:
        ``way``, its number; ``inner_losses``, the mean of each; the ``rule`` in words.
    """
    if len(tried) == 1:
        return {"way": 0, "inner_losses": None, "rule": "there was one training"}
    losses = [json.loads((folder / STOPPING).read_text(encoding="utf-8"))["kept_losses"] for folder in tried]
    best = 0
    for number in range(1, len(tried)):
        gain = np.array(losses[best]) - np.array(losses[number])
        if gain.mean() > CLEARLY * gain.std(ddof=1) / np.sqrt(len(gain)):
            best = number
    means = [float(np.mean(own)) for own in losses]
    return {
        "way": best,
        "inner_losses": means,
        "rule": f"a later one where better by more than {CLEARLY:g} standard errors",
    }


def predict_fold(job: FoldJob, report: Reporter) -> None:
    """Write ``inner_predictions.csv``, where there is an inner split, and, last, ``predictions.csv``.

    Raises:
        UsageError: the fold has not been trained.
    """
    rows = (*job.inner, *job.test)
    if job.predicted:
        report.advance(len(rows))
        return
    model = _model(job)
    found = []
    for row in rows:
        chances = predict_case(model, load_case(job.cases, row, job.plan)).probabilities.tolist()
        found.append(Predicted(row.scan_id, row.patient_id, job.number, row.stages, tuple(chances)))
        report.advance(note=f"fold {job.number}")
    if job.inner:
        write_predictions(found[: len(job.inner)], job.folder / INNER)
    write_predictions(found[len(job.inner) :], job.folder / PREDICTIONS_FILE)


def explain_fold(job: FoldJob, report: Reporter) -> None:
    """Write the maps of the predicted stages (scale ``mean1``, network grid) and, last, ``attention.csv``.

    ``maps/<scan>.nii.gz`` is the mean of both layers' Grad-CAM, ``maps_recommended/<scan>.nii.gz`` the recommended map.

    Raises:
        UsageError: the fold has not been predicted.
    """
    if job.explained:
        report.advance(len(job.test))
        return
    if not job.predicted:
        raise UsageError(f"Fold {job.number} has no predictions to explain; predict first.")
    model = _model(job)
    stages = {case.scan_id: case.predicted for case in read_predictions(job.folder / PREDICTIONS_FILE)}
    for name in (MAPS, RECOMMENDED_MAPS):
        (job.folder / name).mkdir(exist_ok=True)
    looked = []
    for row in job.test:
        scan = load_scan(job.cases, row)
        seen = load_seen(job.cases, row, job.plan)
        prediction = predict_seen(model, seen, MAP_LAYERS, (stages[row.scan_id],))
        maps = scaled_maps(prediction, scan)
        again = predict_seen(model, seen, RECOMMENDED.layers, (stages[row.scan_id],), RECOMMENDED.explain)
        maps[RECOMMENDED.name] = scaled_map(again, 0, RECOMMENDED.layers, scan.body)
        for kind, name in ((SHOWN, MAPS), (RECOMMENDED.name, RECOMMENDED_MAPS)):
            write_nifti(scan.labels.with_array(maps[kind]), job.folder / name / f"{row.scan_id}.nii.gz")
        about = _known(job, row) | {"predicted": STAGES[stages[row.scan_id]]}
        looked += [about | _attention_row(scan, prediction, layer, array) for layer, array in maps.items()]
        report.advance(note=f"fold {job.number}")
    write_table(looked, ATTENTION, job.folder / ATTENTION_FILE)


def scaled_maps(prediction: Prediction, scan: PreparedScan) -> dict[str, Float[np.ndarray, "d h w"]]:
    """Location map of the explained stage per layer of `LAYERS`, scale ``mean1`` over the covered body."""
    return {name: scaled_map(prediction, 0, layers, scan.body) for name, layers in LAYERS.items()}


def _known(job: FoldJob, row: CohortRow) -> dict[str, Any]:
    return {"scan_id": row.scan_id, "patient_id": row.patient_id, "fold": job.number, "stage": row.stage_name}


def _model(job: FoldJob) -> StagingModel:
    path = job.folder / WEIGHTS
    if not job.trained:
        raise UsageError(f"Fold {job.number} has no {WEIGHTS}; train first.")
    job.require_same_split()
    network = new_network(job.plan.network, job.plan.training.seed)
    network.load_state_dict(load_file(path))
    return StagingModel(job.plan, fast(network.eval()), {"name": f"fold {job.number}"}, file_sha256(path))


def _attention_row(
    scan: PreparedScan, prediction: Prediction, layer: str, array: Float[np.ndarray, "d h w"]
) -> dict[str, Any]:
    found = attention(scan.labels.with_array(array), scan.labels, scan.body, prediction.coverage, scan.depth)
    row: dict[str, Any] = {"layer": layer, "scale": "mean1"}
    for region in REGIONS:
        measured = found[region]
        row[f"{region}_mean"] = None if measured is None else measured.mean
        row[f"{region}_share"] = None if measured is None else measured.share
    return row
