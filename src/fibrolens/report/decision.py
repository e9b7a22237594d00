"""Decisions in the report: net benefit as a figure, rule-in and rule-out and predictive values as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.csvfile import Cell
from fibrolens.report.calibration import QUESTIONS, SHORT, VERSIONS, entries
from fibrolens.report.drawing import TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.figures import threshold_title
from fibrolens.report.palette import BLUE, ORANGE
from fibrolens.report.tables import MEASURES, Table, ranged

ZONES = {"ruled_in": "ruled in", "between": "left between", "ruled_out": "ruled out"}
SAME = "A threshold with one block: temperature scaling changes none of its calls."
#: Predictive values of a table: the cut, which value, and the column's title.
VALUES = (
    ("operating_point", "ppv", "PPV, cut of the fold"),
    ("operating_point", "npv", "NPV, cut of the fold"),
    ("rule_in", "ppv", "PPV, ruled in"),
    ("rule_out", "npv", "NPV, ruled out"),
)


def decision_figure(decision: Mapping[str, Any], stem: Path) -> None:
    """Draw the decision curve of each threshold with its band, beside treating all and none.

    Args:
        decision: ``decision`` of ``evaluation.json``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.95))
        figure.subplots_adjust(left=0.09, right=0.98, top=0.91, bottom=0.28, wspace=0.16)
        panels = figure.subplots(1, len(QUESTIONS), sharex=True, sharey=True)
        tops = []
        for letter, name, axes in zip("abc", QUESTIONS, panels, strict=True):
            curves = {version: decision[version][name]["curve"] for version in VERSIONS}
            if curves["before"]["model"] is None:
                axes.text(50, 0.1, "not measurable:\nthe cases lie on one side", ha="center", va="center")
            else:
                _draw_curves(axes, curves)
                tops.append(max(curves["before"]["treat_all"][0], *curves["before"]["model"]))
            axes.set_title(f"{letter}  {threshold_title(name)}", loc="left", weight="bold")
            axes.grid(color="0.93", linewidth=0.6)
        top = max(tops, default=0.5)
        panels[0].set(xlim=(0, 100), ylim=(-0.15 * top, 1.12 * top), ylabel="Net benefit\n(true positives per scan)")
        known = [axes.get_legend_handles_labels() for axes in panels]
        handles, labels = max(known, key=lambda found: len(found[1]))
        figure.legend(handles, labels, loc="lower right", bbox_to_anchor=(0.99, 0.115), ncols=4, frameon=False)
        figure.supxlabel("Threshold probability (%)", fontsize=7.5, x=0.075, y=0.145, ha="left")
        note = (
            "Band: pointwise 95 % interval, draws of patients, at the cohort's prevalence; where it is missing, no draw"
        )
        footer(figure, f"{note} differs from another.")
        save_both(figure, stem)


def curve(decision: Mapping[str, Any]) -> Table:
    """The points of the decision curves, for the CSV file."""
    rows: list[tuple[Cell, ...]] = []
    for version, name, entry in entries(decision):
        found = entry["curve"]
        if found["model"] is not None:
            points = zip(*(found[key] for key in ("risk", "model", "low", "high", "treat_all")), strict=True)
            rows += [(name, version, *point) for point in points]
    columns = ("threshold", "probabilities", "threshold_probability", "net_benefit", "low", "high", "treat_all")
    return Table("decision_curve", "Points of the decision curves", columns, tuple(rows))


def rules(decision: Mapping[str, Any]) -> Table:
    """What rule-in and rule-out reach, a row per figure, for the CSV file."""
    rows: list[tuple[Cell, ...]] = []
    for version, name, entry in entries(decision):
        ruled = entry["rule_in_out"]
        for cut in ("rule_in", "rule_out") if ruled["zones"] is not None else ():
            for measure in MEASURES:
                found = ruled[cut][measure]
                ends = found["interval"] or (None, None)
                rows.append((name, version, cut, measure, found["value"], *ends, found["count"], found["of"]))
        for zone, held in (ruled["zones"] or {}).items():
            share = held["share"]
            rows.append((name, version, zone, "share", share["value"], *share["interval"], share["count"], share["of"]))
            counts = (held["positives"], share["count"])
            rows.append((name, version, zone, "with_the_finding", None, None, None, *counts))
    columns = ("threshold", "probabilities", "decision", "measure", "value", "low", "high", "count", "of")
    return Table("rule_in_out", "Rule-in and rule-out", columns, tuple(rows))


def rules_printed(decision: Mapping[str, Any]) -> Table:
    """Both cuts and the zones of each threshold; scaled probabilities in rows of their own only where they differ."""
    rows: list[tuple[Cell, ...]] = []
    for title, entry in _merged(decision, lambda entry: entry["rule_in_out"]["zones"]):
        ruled = entry["rule_in_out"]
        if ruled["zones"] is None:
            rows.append((title, ruled["reason"], *("",) * 5))
            continue
        for zone, words in ZONES.items():
            held, cut = ruled["zones"][zone], {"ruled_in": "rule_in", "ruled_out": "rule_out"}.get(zone)
            share = held["share"]
            counts = f"{held['positives']} / {held['negatives']}"
            wanted = ("sensitivity", "specificity", "ppv" if cut == "rule_in" else "npv")
            cells = ["" if cut is None else _percent(ruled[cut][measure]) for measure in wanted]
            rows.append((title, words, counts, ranged(share["value"], share["interval"], 100.0, 1), *cells))
    given = {threshold_title(name): decision["before"][name]["rule_in_out"] for name in QUESTIONS}
    target = f"{100 * next(iter(given.values()))['target']:g} %"
    note = (
        f"Cuts of each fold, chosen on its inner split for {target} sensitivity (rule-out) and {target} specificity "
        "(rule-in); what is reached is counted on the test scans. 95 % Wilson intervals. PPV of the ruled in and NPV "
        f"of the ruled out hold for this mix of stages alone. {SAME}"
    )
    if left := [f"{title} {ruled['left_out']}" for title, ruled in given.items() if ruled["left_out"]]:
        note += f" Scans of folds that gave no cuts, left out: {', '.join(left)}."
    shown = ("Scans with / without", "Share (%)", "Sensitivity (%)", "Specificity (%)", "PPV or NPV (%)")
    columns = ("Threshold", "Decision", *shown)
    return Table("rule_in_out", f"Rule-in and rule-out at {target}", columns, tuple(rows), note)


def predictive(decision: Mapping[str, Any]) -> Table:
    """Predictive values at each prevalence, a row each, for the CSV file."""
    rows: list[tuple[Cell, ...]] = []
    for version, name, entry in entries(decision):
        for cut, values in entry["predictive_values"].items():
            for found in values:
                for key in ("ppv", "npv"):
                    ends = found[key]["interval"] or (None, None)
                    rows.append((name, version, cut, found["prevalence"], key, found[key]["value"], *ends))
    columns = ("threshold", "probabilities", "decision", "prevalence", "measure", "value", "low", "high")
    return Table("predictive_values", "Predictive values by prevalence", columns, tuple(rows))


def predictive_printed(decision: Mapping[str, Any]) -> Table:
    """Predictive values at each prevalence, of the fold's cut, of those ruled in and of those ruled out."""
    rows: list[tuple[Cell, ...]] = []
    for title, entry in _merged(decision, lambda entry: entry["predictive_values"]):
        values = entry["predictive_values"]
        for k, share in enumerate(decision["prevalences"]):
            cells = [values[cut][k][key] if cut in values else None for cut, key, _ in VALUES]
            shown = ["–" if cell is None else ranged(cell["value"], cell["interval"], 100.0, 1) for cell in cells]
            rows.append((title, f"{100 * share:g} %", *shown))
    note = (
        "By Bayes' theorem from sensitivity and specificity at the cut, 95 % intervals from both (MOVER-R). They hold "
        "for patients who differ from the cohort's in prevalence alone; another mix of stages within a side changes "
        f"sensitivity and specificity too. {SAME} Other prevalences: fibrolens evaluate STUDY --prevalence 0.1."
    )
    columns = ("Threshold", "Prevalence", *(f"{words} (%)" for _, _, words in VALUES))
    return Table("predictive_values", "Predictive values by prevalence", columns, tuple(rows), note)


def _merged(
    decision: Mapping[str, Any], part: Callable[[Mapping[str, Any]], Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Title and entry of each threshold; before and after scaling apart only where the part of the entry differs."""
    for name in QUESTIONS:
        before, after = decision["before"][name], decision["after"][name]
        if part(before) == part(after):
            yield threshold_title(name), before
        else:
            yield f"{threshold_title(name)}, {SHORT['before']}", before
            yield f"{threshold_title(name)}, {SHORT['after']}", after


def _draw_curves(axes: Axes, curves: Mapping[str, Any]) -> None:
    given, scaled = curves["before"], curves["after"]
    risk = 100 * np.array(given["risk"])
    low, high = (np.array(given[key], dtype=float) for key in ("low", "high"))
    axes.fill_between(risk, low, high, color=BLUE, alpha=0.2, linewidth=0)
    axes.plot(risk, given["model"], color=BLUE, label="network, as given")
    axes.plot(risk, scaled["model"], color=ORANGE, linestyle="--", label="network, scaled")
    axes.plot(risk, given["treat_all"], color="0.45", linewidth=0.9, linestyle="-.", label="all positive")
    axes.axhline(0, color="0.1", linewidth=0.9, linestyle=":", label="none positive")


def _percent(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "–"
    return f"{ranged(found['value'], found['interval'], 100.0, 1)} ({found['count']}/{found['of']})"
