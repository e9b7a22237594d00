"""The tables of a study: its figures of performance with counts, as rows for CSV files and for the report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.csvfile import Cell, write_csv
from fibrolens.evaluate.roc import RocCurve
from fibrolens.plan import STAGES

#: Title of each threshold, the paper's three first, in the order of its Table 2.
THRESHOLDS = {
    "F>=2": "Significant fibrosis (F2–F4)",
    "F>=3": "Advanced fibrosis (F3–F4)",
    "F4": "Cirrhosis (F4)",
    "F>=1": "Any fibrosis (F1–F4)",
}
#: Title of each proportion, in the order of the paper's Table 2.
MEASURES = {
    "specificity": "Specificity",
    "sensitivity": "Sensitivity",
    "accuracy": "Accuracy",
    "ppv": "PPV",
    "npv": "NPV",
}
#: How the cases were called positive: key in ``evaluation.json`` and title.
DECISIONS = {"operating_point": "cut of the fold", "at_half": "cut 0.5"}
CUT = "The cut of a fold was chosen on its inner split; it is 0.5 where that gave none, see the warnings."
#: Title of each choice of scans.
ALL, HISTOLOGY = "all scans", "without imaging-negative controls"

#: An interval with the space before it, or a short remark.
BRACKETED = re.compile(r" \[[^\]]{1,24}\]|\([^)]{1,24}\)")


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Args:
        name: of its file, without ending.
        title: what stands above it.
        columns: titles of the columns.
        rows: cells; None is empty.
        note: what a reader must know, below it.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def write(self, folder: Path) -> None:
        """Write ``<name>.csv``, see `write_csv`."""
        write_csv(folder / f"{self.name}.csv", self.columns, self.rows)

    def printed(self) -> list[list[str]]:
        """The rows to be read: three digits, a dash for nothing; what repeats the row above in front is left out."""
        rows = [[_unbroken(_short(cell)) for cell in row] for row in self.rows]
        return [_without_repeats(row, rows[k - 1] if k else []) for k, row in enumerate(rows)]


def ranged(value: float | None, ends: Sequence[float] | None, scale: float = 1.0, digits: int = 2) -> str:
    """``0.92 [0.86, 0.97]``; with a scale of 100 and one digit ``91.7 [82.0, 96.8]``; a dash for None."""
    if value is None:
        return "–"
    text = f"{scale * value:.{digits}f}"
    return text if ends is None else f"{text} [{scale * ends[0]:.{digits}f}, {scale * ends[1]:.{digits}f}]"


def p_text(value: float | None) -> str:
    """``p = 0.012``, ``p < 0.001``, or that it is not known."""
    if value is None:
        return "p unknown"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def performance(evaluation: Mapping[str, Any]) -> Table:
    """Every AUC and proportion with interval and counts, a row each."""
    rows: list[tuple[Cell, ...]] = []
    for scans, part in parts(evaluation):
        for name in THRESHOLDS:
            rows += [(scans, name, *row) for row in _threshold_rows(part["thresholds"][name])]
        for name, average in part["averages"].items():
            ends = _ends(average.get("bootstrap"))
            rows.append((scans, name, "bootstrap", "auc", average["auc"], *ends, None, average["cases"]))
    columns = ("scans", "threshold", "method", "measure", "value", "low", "high", "count", "of")
    return Table("performance", "Every figure of performance", columns, tuple(rows))


def table2(part: Mapping[str, Any], name: str, title: str) -> Table:
    """The paper's Table 2 with F1–F4, PPV, NPV and counts, as it is printed.

    Args:
        part: ``evaluation.json``, or its part without controls.
        name: of the file.
        title: what stands above.
    """
    thresholds = [part["thresholds"][key] for key in THRESHOLDS]
    rows: list[tuple[Cell, ...]] = [
        ("", "Scans with / without", *(_counts(t) for t in thresholds)),
        ("", "AUC [95 % CI, DeLong]", *(_auc(t, "delong") for t in thresholds)),
        ("", "AUC [95 % CI, bootstrap]", *(_auc(t, "bootstrap") for t in thresholds)),
        ("", "AUC of the folds, mean ± SD", *(_spread(t["fold_spread"]) for t in thresholds)),
    ]
    for key, decision in DECISIONS.items():
        for measure, words in MEASURES.items():
            rows.append((decision, f"{words} (%; 95 % CI)", *(_proportion(t[key], measure) for t in thresholds)))
    note = (
        f"{part['cases']} scans of {part['patients']} patients, out of fold, folds pooled. In round brackets: counts. "
        f"Thin: fewer than 10 scans on one side. PPV and NPV hold for this mix of stages alone. {CUT}"
    )
    return Table(name, title, ("Decision", "Measure", *THRESHOLDS.values()), tuple(rows), note)


def headline(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Threshold, AUC with DeLong's interval, and counts of the figures that stand first in the report."""
    found = []
    for name, title in THRESHOLDS.items():
        threshold = evaluation["thresholds"][name]
        auc = threshold["reason"] if threshold["auc"] is None else _auc(threshold, "delong")
        found.append((title, auc, _counts(threshold)))
    return found


def per_fold(evaluation: Mapping[str, Any]) -> Table:
    """Every fold's counts, AUC, cut and proportions at it."""
    keys = ("fold", "positives", "negatives", "auc", "cut", "sensitivity", "specificity", "accuracy")
    rows = tuple(
        (name, *(fold.get(key) for key in keys))
        for name in THRESHOLDS
        for fold in evaluation["thresholds"][name]["per_fold"]
    )
    return Table("per_fold", "Every fold alone", ("threshold", *keys), rows, CUT)


def confusion(evaluation: Mapping[str, Any]) -> Table:
    """True against predicted stage."""
    counts = evaluation["confusion"]["counts"]
    rows = tuple((stage, *row, sum(row)) for stage, row in zip(STAGES, counts, strict=True))
    columns = ("true stage", *(f"predicted {stage}" for stage in STAGES), "scans")
    return Table("confusion", "Confusion matrix", columns, rows, "Scans whose stage is a set are not counted.")


def roc_points(curves: Sequence[RocCurve]) -> Table:
    """The points of every ROC curve."""
    rows = tuple(
        (curve.name, float(x), float(y))
        for curve in curves
        for x, y in zip(curve.false_positive_rate, curve.true_positive_rate, strict=True)
    )
    columns = ("curve", "false_positive_rate", "true_positive_rate")
    return Table("roc_points", "Points of the ROC curves", columns, rows)


def parts(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All scans, and those without controls where they differ."""
    yield ALL, evaluation
    if evaluation.get("without_controls") is not None:
        yield HISTOLOGY, evaluation["without_controls"]


def _threshold_rows(threshold: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    counts = (threshold["positives"], threshold["positives"] + threshold["negatives"])
    if threshold["auc"] is not None:
        for method in ("delong", "bootstrap"):
            yield method, "auc", threshold["auc"]["value"], *_ends(threshold["auc"][method]), *counts
    for key, decision in DECISIONS.items():
        for measure in MEASURES if threshold[key] else ():
            found = threshold[key][measure]
            yield decision, measure, found["value"], *_ends(found["interval"]), found["count"], found["of"]


def _ends(ends: Sequence[float] | None) -> tuple[float | None, float | None]:
    return (None, None) if ends is None else (ends[0], ends[1])


def _counts(threshold: Mapping[str, Any]) -> str:
    return f"{threshold['positives']} / {threshold['negatives']}{' (thin)' if threshold['thin'] else ''}"


def _auc(threshold: Mapping[str, Any], method: str) -> str:
    return "–" if threshold["auc"] is None else ranged(threshold["auc"]["value"], threshold["auc"][method])


def _spread(spread: Mapping[str, Any]) -> str:
    if spread["mean"] is None:
        return "–"
    deviation = "" if spread["sd"] is None else f" ± {spread['sd']:.2f}"
    return f"{spread['mean']:.2f}{deviation} ({spread['folds']} folds)"


def _proportion(point: Mapping[str, Any] | None, measure: str) -> str:
    if point is None or point[measure]["value"] is None:
        return "–"
    found = point[measure]
    return f"{ranged(found['value'], found['interval'], 100.0, 1)} ({found['count']}/{found['of']})"


def _short(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)


def _unbroken(text: str) -> str:
    """The text with brackets in which no line is broken, and no line broken before square ones."""
    return BRACKETED.sub(lambda found: found.group().replace(" ", "\u00a0").replace("–", "\u2060–\u2060"), text)


def _without_repeats(row: Sequence[str], above: Sequence[str]) -> list[str]:
    """The row, its first cell empty where it is that of the row above."""
    return ["" if above and row[0] == above[0] else row[0], *row[1:]]
