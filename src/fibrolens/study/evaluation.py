"""From the folds' tables to ``evaluation.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.evaluate.attention import compare_stages
from fibrolens.evaluate.study import evaluate_predictions
from fibrolens.output import write_json
from fibrolens.result import INTENDED_USE
from fibrolens.study.fold import LAYERS
from fibrolens.study.tables import ATTENTION, PREDICTIONS, number, read_predictions, read_table, write_table

#: Title of a grouping of the attention, and the column that holds it.
GROUPINGS = {"predicted stage": "predicted", "true stage": "stage"}


def collect_tables(out: Path, folds: int) -> None:
    """Put the folds' tables together into ``predictions.csv`` and ``attention.csv``."""
    for name, columns in (("predictions.csv", PREDICTIONS), ("attention.csv", ATTENTION)):
        rows = [row for k in range(folds) for row in read_table(out / "folds" / str(k) / name)]
        write_table(rows, columns, out / name)


def evaluate_study(out: Path, seed: int, training: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``evaluation.json`` from the tables of a study.

    Args:
        out: folder of the study.
        seed: of the bootstrap.
        training: facts of the training to be stated beside the figures.

    Returns:
        The content.
    """
    looked = read_table(out / "attention.csv")
    content = evaluate_predictions(read_predictions(out / "predictions.csv"), np.random.default_rng(seed))
    content["intended_use"] = INTENDED_USE
    content["training"] = dict(training)
    content["attention"] = {
        "figure": "mean map weight in the liver, scale mean1, map of the predicted stage",
        "layers": {layer: _compare_layer([r for r in looked if r["layer"] == layer]) for layer in LAYERS},
    }
    write_json(content, out / "evaluation.json")
    return content


def _compare_layer(looked: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    values = [number(row["liver_mean"]) for row in looked]
    return {title: compare_stages([row[column] for row in looked], values) for title, column in GROUPINGS.items()}
