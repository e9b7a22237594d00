"""From the folds' tables to ``evaluation.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.cohort.columns import CONTROL
from fibrolens.cohort.table import scan_table
from fibrolens.evaluate.attention import adjust, compare_stages, frequencies
from fibrolens.evaluate.map_quality import map_quality
from fibrolens.evaluate.population import USUAL, Population
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.scaled import probability_measures
from fibrolens.evaluate.study import evaluate_predictions
from fibrolens.explain.agreement import agreement
from fibrolens.explain.patterns import PATTERNS, RULE, pattern
from fibrolens.output import write_json
from fibrolens.result import INTENDED_USE, REGIONS
from fibrolens.study.audits import audits
from fibrolens.study.fold import KINDS
from fibrolens.study.plans import StudyPlan
from fibrolens.study.rivals import evaluate_rivals
from fibrolens.study.seeds import evaluate_seeds
from fibrolens.study.tables import (
    ATTENTION,
    ATTENTION_FILE,
    INNER,
    PREDICTIONS,
    PREDICTIONS_FILE,
    number,
    read_predictions,
    read_table,
    write_table,
)
from fibrolens.study.trust import trust

#: Title of a grouping of the attention, and the column that holds it.
GROUPINGS = {"predicted stage": "predicted", "true stage": "stage"}
ATTENTION_METHODS = {
    "attention_stages": "median and quartiles of the scans; sets of true stages stand in no group",
    "attention_test": "two-sided Mann-Whitney, F0 against F4; unit: patient, by the mean of the scans in the group, "
    "without patients of both groups; effect: P(F4 > F0), ties half, with DeLong's 95 % interval",
    "attention_multiplicity": "p_value stands alone for the paper's one question (liver, layer mean, predicted stage); "
    "all others are exploratory: p_adjusted is Holm's over every test of this file",
    "map_quality_control": "share of scans staged wrongly among those whose map of the predicted stage shows the "
    "pattern that the paper saw in it (F0: surface; F4: core), and among the others; F1 to F3 are not judged; "
    "Wilson's and Newcombe's 95 % intervals",
    "patterns": "95 % Wilson interval, scans of a patient taken to agree always; unit: patient",
}
Rows = Sequence[Mapping[str, str]]


def collect_tables(out: Path, folds: int) -> None:
    """Put the folds' tables together into ``predictions.csv`` and ``attention.csv``."""
    for name, columns in ((PREDICTIONS_FILE, PREDICTIONS), (ATTENTION_FILE, ATTENTION)):
        rows = [row for k in range(folds) for row in read_table(out / "folds" / str(k) / name)]
        write_table(rows, columns, out / name)


def evaluate_study(
    out: Path,
    seed: int,
    training: Mapping[str, Any],
    population: Population = USUAL,
    plan: StudyPlan | None = None,
    null_bands: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write ``evaluation.json`` from the tables of a study.

    Reads ``predictions.csv``, ``attention.csv``, ``cohort.csv`` for the imaging-negative controls and the groups of
    patients and, where there are such, ``folds/K/inner_predictions.csv`` for the cuts and the stage sets, and
    ``markers.csv`` and ``acquisition.csv`` for more groups.

    Args:
        out: folder of the study.
        seed: of the bootstrap.
        training: facts of the training to be stated beside the figures.
        population: for whom figures are wanted besides the cohort.
        plan: of the study, for its rivals and seeds; None where there are none.
        null_bands: of each kind of map and region, where its mean lies without training; None where that is not known.

    Returns:
        The content.

    Raises:
        CohortError: a table of predictions is damaged.
    """
    cases = read_predictions(out / PREDICTIONS_FILE)
    inner = _inner(out, cases)
    content = evaluate_predictions(
        cases, np.random.default_rng(seed), inner=inner, controls=_controls(out / "cohort.csv")
    )
    content |= {"intended_use": INTENDED_USE, "training": dict(training)}
    more = [
        _looked(read_table(out / ATTENTION_FILE)),
        probability_measures(cases, inner, np.random.default_rng(seed), population),
        *(() if plan is None else (evaluate_rivals(out, plan, cases, seed), evaluate_seeds(out, plan))),
    ]
    for subject, found in (trust(out, cases, inner, content) | audits(out, cases, seed)).items():
        more.append({"methods": found.pop("methods"), subject: found})
    for part in more:
        content["methods"] |= part.pop("methods", {})
        content |= part
    content["attention"]["null_bands"] = dict(null_bands or {})
    write_json(content, out / "evaluation.json")
    return content


def _looked(looked: Rows) -> dict[str, Any]:
    """``attention`` and ``patterns``, with their methods."""
    kinds = kinds_in(looked)
    patterns = {layer: _patterns(_of(looked, layer)) for layer in kinds}
    return {
        "attention": _attention(looked),
        "patterns": {"rule": RULE, "layers": patterns},
        "map_quality_control": {layer: _quality(_of(looked, layer)) for layer in kinds},
        "methods": ATTENTION_METHODS,
    }


def kinds_in(looked: Rows) -> list[str]:
    """The kinds of map that a table of attention holds; older studies have no recommended one."""
    known = {row["layer"] for row in looked}
    return [kind for kind in KINDS if kind in known]


def _quality(looked: Rows) -> dict[str, Any]:
    """Whether maps without the pattern that the paper saw in their stage go with wrong stages."""
    found = [_pattern_of(row) for row in looked]
    agrees = [agreement(name, row["predicted"]).agrees for name, row in zip(found, looked, strict=True)]
    wrong = np.array([row["predicted"] not in row["stage"].split("|") for row in looked], dtype=bool)
    patient = np.unique([row["patient_id"] for row in looked], return_inverse=True)[1]
    return map_quality(wrong, agrees, np.array(patient, dtype=int))


def _inner(out: Path, cases: Sequence[Predicted]) -> dict[int, list[Predicted]]:
    """Each fold's predictions of its inner split; a fold without such is left out."""
    paths = {fold: out / "folds" / str(fold) / INNER for fold in sorted({case.fold for case in cases})}
    return {fold: read_predictions(path) for fold, path in paths.items() if path.exists()}


def _controls(path: Path) -> set[str]:
    """Scan ids of the imaging-negative controls; none without the column.

    The copy in the study's folder has lost the way to its files, so they are not looked for.
    """
    return {record["scan_id"] for record in scan_table(path).records if record["reference"] == CONTROL}


def _attention(looked: Rows) -> dict[str, Any]:
    layers = {
        layer: {"regions": {region: _compare(_of(looked, layer), region) for region in REGIONS}}
        for layer in kinds_in(looked)
    }
    tests = [
        grouping["F0_against_F4"]
        for layer in layers.values()
        for region in layer["regions"].values()
        for grouping in region.values()
    ]
    adjust(tests)
    figure = "mean map weight per region, scale mean1 (1 is an even share), map of the predicted stage, out of fold"
    return {"figure": figure, "layers": layers}


def _compare(looked: Rows, region: str) -> dict[str, Any]:
    values = [number(row[f"{region}_mean"]) for row in looked]
    patient = [row["patient_id"] for row in looked]
    return {
        title: compare_stages([row[column] for row in looked], values, patient) for title, column in GROUPINGS.items()
    }


def _patterns(looked: Rows) -> dict[str, Any]:
    found = [_pattern_of(row) for row in looked]
    patient = np.unique([row["patient_id"] for row in looked], return_inverse=True)[1]
    return {
        title: frequencies([row[column] for row in looked], found, PATTERNS, patient)
        for title, column in GROUPINGS.items()
    }


def _pattern_of(row: Mapping[str, str]) -> str:
    return pattern({region: _known(row[f"{region}_mean"]) for region in REGIONS})


def _known(text: str) -> float | None:
    return float(text) if text else None


def _of(looked: Rows, layer: str) -> Rows:
    return [row for row in looked if row["layer"] == layer]
