"""Calibration in the report: the reliability curves as a figure, the measures and the temperatures as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.csvfile import Cell
from fibrolens.report.drawing import SMALL, TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.figures import threshold_title
from fibrolens.report.palette import BLUE, VERMILION
from fibrolens.report.tables import Table, ranged

#: The questions in the order of a reader; a JSON file has them in that of its letters.
QUESTIONS = ("F>=2", "F>=3", "F4")
#: The probabilities that figures are of: key in ``evaluation.json`` and title.
VERSIONS = {"before": "as given", "after": "after temperature scaling"}
#: Measures that are distances, which need a digit more.
DISTANCES = ("brier", "ece")
SHORT = {"before": "as given", "after": "scaled"}
#: Colour, marker, and shift to the side of each, so that bars do not hide each other.
MARKS: dict[str, tuple[str, str, float]] = {"before": (BLUE, "o", -0.006), "after": (VERMILION, "s", 0.006)}
#: Key of each measure in ``evaluation.json`` and title.
MEASURES = {
    "auc": "AUC",
    "slope": "Slope (1 is right)",
    "intercept": "Intercept (0)",
    "in_the_large": "In the large (0)",
    "brier": "Brier score (of the prevalence)",
    "ece": "ECE (if right: mean, 95th percentile)",
}


def calibration_figure(calibration: Mapping[str, Any], stem: Path) -> None:
    """Draw the reliability curve of each threshold, before and after temperature scaling, over the scans per bin.

    Args:
        calibration: ``calibration`` of ``evaluation.json``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 3.9))
        grid = {"left": 0.075, "right": 0.985, "top": 0.87, "bottom": 0.215, "wspace": 0.14, "hspace": 0.1}
        panels = figure.subplots(2, len(QUESTIONS), sharex=True, sharey="row", height_ratios=(4, 1), gridspec_kw=grid)
        for letter, name, (axes, below) in zip("abc", QUESTIONS, panels.T, strict=True):
            axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle="--")
            axes.set(xlim=(0, 1), ylim=(-0.02, 1.02))
            for version in VERSIONS:
                _draw_curve(axes, version, calibration[version][name])
            axes.set_title(f"{letter}  {threshold_title(name)}", loc="left", weight="bold", pad=22)
            slopes = "\n".join(_slope(version, calibration[version][name]) for version in VERSIONS)
            axes.text(0.0, 1.02, slopes, transform=axes.transAxes, fontsize=SMALL, va="bottom")
            axes.grid(color="0.93", linewidth=0.6)
            _draw_counts(below, calibration["before"][name])
        panels[0, 0].set_ylabel("Share with the finding")
        panels[1, 0].set_ylabel("Scans")
        figure.supxlabel("Predicted probability", fontsize=7.5, x=0.075, y=0.1, ha="left")
        handles = panels[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="lower right", bbox_to_anchor=(0.99, 0.085), ncols=2, frameon=False)
        note = "Ten bins of equal width, 95 % Wilson intervals by patients. Below: scans per bin, as given."
        footer(figure, f"{note} Slope of the logistic recalibration: 1 is right.")
        save_both(figure, stem)


def measures(calibration: Mapping[str, Any]) -> Table:
    """Every measure, a row each, for the CSV file."""
    rows: list[tuple[Cell, ...]] = []
    for version, name, entry in entries(calibration):
        found: dict[str, tuple[Cell, ...]] = {
            key: (entry[key]["value"], *(entry[key]["interval"] or (None, None))) for key in MEASURES if key != "ece"
        }
        error = entry["ece"]
        alone = {"ece": error["value"], "ece_if_right": error["if_right"], "ece_if_right_95": error["if_right_95"]}
        alone |= {key: entry[key] for key in ("brier_of_prevalence", "mean_probability", "prevalence")}
        found |= {key: (value, None, None) for key, value in alone.items()}
        scans = entry["positives"] + entry["negatives"]
        rows += [(name, version, key, *cells, scans) for key, cells in found.items()]
    columns = ("threshold", "probabilities", "measure", "value", "low", "high", "scans")
    return Table("calibration", "Calibration", columns, tuple(rows))


def measures_printed(calibration: Mapping[str, Any]) -> Table:
    """A row per threshold and kind of probabilities."""
    rows = []
    for name in QUESTIONS:
        for version, words in SHORT.items():
            entry = calibration[version][name]
            cells = [ranged(entry[key]["value"], entry[key]["interval"]) for key in MEASURES if key not in DISTANCES]
            rows.append((threshold_title(name), words, *cells, *_distances(entry)))
    before, after = (ranged(calibration["log_loss"][version], None, digits=3) for version in VERSIONS)
    note = (
        "95 % intervals by patients. Slope below 1: probabilities too extreme; in the large above 0: too low on the "
        "whole. Brier score in brackets: of the cohort's prevalence as the forecast for every scan. Mean minus "
        f"log-likelihood of the true stages: {before} as given, {after} after scaling."
    )
    columns = ("Threshold", "Probabilities", *MEASURES.values())
    return Table("calibration", "Calibration, before and after temperature scaling", columns, tuple(rows), note)


def bins(calibration: Mapping[str, Any]) -> Table:
    """The points of the reliability curves, for the CSV file."""
    rows: list[tuple[Cell, ...]] = []
    for version, name, entry in entries(calibration):
        for found in entry["bins"]:
            seen = found["observed"]
            ends = seen["interval"] or (None, None)
            known = (found["mean_probability"], seen["value"], *ends, seen["count"], seen["of"])
            rows.append((name, version, *found["range"], *known))
    columns = ("threshold", "probabilities", "from", "to", "mean_probability", "observed", "low", "high", "count", "of")
    return Table("calibration_bins", "Points of the reliability curves", columns, tuple(rows))


def temperatures(calibration: Mapping[str, Any]) -> Table:
    """Every fold's temperature."""
    rows = []
    for fold in calibration["temperature"]:
        before, after = fold["inner_log_loss"] or (None, None)
        rows.append((fold["fold"], fold["temperature"], fold["inner_scans"], before, after, fold.get("reason", "")))
    columns = ("fold", "temperature", "inner scans", "inner log loss before", "inner log loss after", "remark")
    note = "Fitted on the fold's inner split alone. Above 1: the network was too sure; below 1: too timid."
    return Table("temperature", "Temperature of every fold", columns, tuple(rows), note)


def entries(part: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Version, threshold and entry of ``calibration`` or ``decision``."""
    for version in VERSIONS:
        for name in QUESTIONS:
            yield version, name, part[version][name]


def _distances(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Brier score and calibration error, with what they are to be compared with in brackets."""
    brier, error = entry["brier"], entry["ece"]
    score = f"{ranged(brier['value'], brier['interval'], digits=3)} ({_plain(entry['brier_of_prevalence'])})"
    right = f"({_plain(error['if_right'])}, {_plain(error['if_right_95'])})"
    return score, f"{_plain(error['value'])} {right}"


def _plain(value: float | None) -> str:
    return ranged(value, None, digits=3)


def _draw_curve(axes: Axes, version: str, entry: Mapping[str, Any]) -> None:
    colour, marker, shift = MARKS[version]
    known = [found for found in entry["bins"] if found["observed"]["of"]]
    x = np.array([found["mean_probability"] for found in known])
    y = np.array([found["observed"]["value"] for found in known])
    ends = np.array([found["observed"]["interval"] for found in known]).reshape(-1, 2).T
    axes.errorbar(
        x + shift, y, np.abs(ends - y), color=colour, marker=marker, markersize=3, linewidth=0.9, elinewidth=0.7,
        markerfacecolor=colour if version == "before" else "white", label=VERSIONS[version],
    )  # fmt: skip


def _draw_counts(axes: Axes, entry: Mapping[str, Any]) -> None:
    edges = np.array([found["range"] for found in entry["bins"]])
    counts = [found["observed"]["of"] for found in entry["bins"]]
    axes.bar(edges.mean(axis=1), counts, width=0.09, color="0.7")
    axes.grid(axis="y", color="0.93", linewidth=0.6)
    axes.set_axisbelow(True)


def _slope(version: str, entry: Mapping[str, Any]) -> str:
    return f"{SHORT[version]}: slope {ranged(entry['slope']['value'], entry['slope']['interval'])}"
