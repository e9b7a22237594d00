"""One fold: train on the other folds' scans, then stage and explain the scans that were kept away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors.torch import load_file

from fibrolens.cohort.table import CohortRow
from fibrolens.explain.attention import attention
from fibrolens.explain.scale import combine_layers
from fibrolens.io import write_nifti
from fibrolens.output import file_sha256
from fibrolens.plan import STAGES, Plan
from fibrolens.progress import Reporter
from fibrolens.result import REGIONS
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.predict import Prediction, StagingModel, predict
from fibrolens.staging.train import CHECKPOINT, train
from fibrolens.study.prepare import PreparedScan, load_scan
from fibrolens.study.tables import ATTENTION, PREDICTIONS, write_table

#: The maps of a study: two layers, and their mean, which stands beside the paper's figures.
LAYERS: Mapping[str, tuple[str, ...]] = {"conv3": ("conv3",), "conv4": ("conv4",), "mean": ("conv3", "conv4")}
SHOWN = "mean"


@dataclass(frozen=True)
class FoldJob:
    """What a fold needs to know.

    Args:
        number: of the fold, from 0.
        folder: where its files go.
        train: scans of the other folds.
        test: scans of this fold.
        cases: folder of the prepared scans.
        plan: every decision.
        initial: weights to start from, or None for random ones.
    """

    number: int
    folder: Path
    train: tuple[CohortRow, ...]
    test: tuple[CohortRow, ...]
    cases: Path
    plan: Plan
    initial: Path | None

    @property
    def units(self) -> int:
        """Training steps and scans to stage, for the progress."""
        return self.plan.training.steps + len(self.test)


def run_fold(job: FoldJob, report: Reporter) -> None:
    """Train, predict and explain; a fold whose predictions stand is left alone.

    Writes ``weights.safetensors``, ``train_log.jsonl``, ``plan.json``, ``maps/<scan>.nii.gz`` (layer ``mean``, scale
    ``mean1``, network grid), ``attention.csv`` and, last, ``predictions.csv``.

    Raises:
        CohortError: no scan is left to train on.
    """
    if (job.folder / "predictions.csv").exists():
        report.advance(job.units)
        return
    model = _trained(job, report)
    (job.folder / "maps").mkdir(exist_ok=True)
    predictions, looked = [], []
    for row in job.test:
        scan = load_scan(job.cases, row)
        prediction = _predict(model, scan)
        known = {"scan_id": row.scan_id, "patient_id": row.patient_id, "fold": job.number, "stage": row.stage_name}
        chances = {f"p_{s}": float(p) for s, p in zip(STAGES, prediction.probabilities, strict=True)}
        predictions.append(known | chances)
        maps = scaled_maps(prediction, scan)
        write_nifti(scan.labels.with_array(maps[SHOWN]), job.folder / "maps" / f"{row.scan_id}.nii.gz")
        looked += [known | _attention_row(scan, prediction, layer, array) for layer, array in maps.items()]
        report.advance(note=f"fold {job.number + 1}")
    write_table(looked, ATTENTION, job.folder / "attention.csv")
    write_table(predictions, PREDICTIONS, job.folder / "predictions.csv")
    (job.folder / CHECKPOINT).unlink()


def scaled_maps(prediction: Prediction, scan: PreparedScan) -> dict[str, Float[np.ndarray, "d h w"]]:
    """Location map of the predicted stage per layer of `LAYERS`, scale ``mean1`` over the covered body."""
    inside = scan.body & (prediction.coverage > 0)[:, None, None]
    return {
        name: combine_layers([prediction.maps[layer][0] for layer in layers], inside).array
        for name, layers in LAYERS.items()
    }


def _trained(job: FoldJob, report: Reporter) -> StagingModel:
    # A scan whose stage is a set is tested, but there is no single stage to train on.
    cases = [load_scan(job.cases, row).case for row in job.train if len(row.stages) == 1]
    initial = None if job.initial is None else load_file(job.initial)
    path = train(cases, job.plan, job.folder, initial, report)
    network = new_network(job.plan.network, job.plan.training.seed)
    network.load_state_dict(load_file(path))
    card = {"name": f"fold {job.number}"}
    return StagingModel(job.plan, fast(network.eval()), card, file_sha256(path))


def _predict(model: StagingModel, scan: PreparedScan) -> Prediction:
    image = scan.case.image.astype(np.float32) / 255.0
    return predict(model, image, (scan.case.liver_first, scan.case.liver_last), _layers())


def _layers() -> Sequence[str]:
    return sorted({layer for layers in LAYERS.values() for layer in layers})


def _attention_row(
    scan: PreparedScan, prediction: Prediction, layer: str, array: Float[np.ndarray, "d h w"]
) -> dict[str, Any]:
    found = attention(scan.labels.with_array(array), scan.labels, scan.body, prediction.coverage)
    row: dict[str, Any] = {"predicted": STAGES[prediction.predicted], "layer": layer, "scale": "mean1"}
    for region in REGIONS:
        measured = found[region]
        row[f"{region}_mean"] = None if measured is None else measured.mean
        row[f"{region}_share"] = None if measured is None else measured.share
    return row
