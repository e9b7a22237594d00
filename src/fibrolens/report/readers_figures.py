"""The figures of a reader study."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.report.drawing import SMALL, TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.palette import BLUE, GREEN, VERMILION
from fibrolens.report.readers_tables import MAJORITY, WORDS, measures

#: Marks of the readers; of a sixth the first comes again.
MARKS = ("v", "^", "<", ">", "d")
#: Colour of each measure of agreement.
COLOURS = {"Fleiss' kappa": BLUE, "Gwet's AC1": VERMILION, "Cohen's kappa": BLUE, "agreement": GREEN}


def pattern_figure(found: Mapping[str, Any], stem: Path) -> None:
    """Draw how often each pattern was read by predicted stage: majority, readers, controls, paper.

    Args:
        found: content of ``readings.json``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    stages = list(found["patterns"])
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 3.3))
        panels = figure.subplots(1, len(stages), sharey=True, squeeze=False)[0]
        figure.subplots_adjust(left=0.075, right=0.99, top=0.83, bottom=0.25, wspace=0.05)
        for axes, stage in zip(panels, stages, strict=True):
            _panel(axes, found, stage)
        panels[0].set(ylabel="Share of the pictures (%)", ylim=(-3, 103))
        known: dict[str, Any] = {}
        for axes in panels:
            known |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        # Lines come before error bars; the majority shall stand first and the paper last.
        first = [name for name in ("majority", "controls, majority") if name in known]
        names = [*first, *(name for name in known if name not in (*first, "paper")), *({"paper"} & known.keys())]
        style: dict[str, Any] = {"loc": "upper center", "ncols": min(len(names), 6), "frameon": False}
        figure.legend([known[name] for name in names], names, columnspacing=1.4, **style)
        footer(figure, "Bars: 95 % Wilson interval. Controls: maps of networks with random weights.")
        save_both(figure, stem)


def agreement_figure(found: Mapping[str, Any], stem: Path) -> None:
    """Draw every measure of agreement on maps and repeats with its 95 % interval.

    Args:
        found: content of ``readings.json``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    rows = [
        (f"{among}: {what}", what, entry)
        for what, among, shown, _, entry in measures(found)
        if entry["value"] is not None and shown in ("maps", "repeats")
    ]
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 0.95 + 0.19 * max(len(rows), 2)))
        axes = figure.subplots()
        height = figure.get_figheight()
        figure.subplots_adjust(left=0.36, right=0.985, top=1 - 0.08 / height, bottom=0.66 / height)
        for place, (_, what, entry) in enumerate(rows):
            ends = entry["interval"] or (entry["value"], entry["value"])
            axes.plot(ends, (place, place), color=COLOURS[what], linewidth=1.2)
            axes.plot(entry["value"], place, "o", color=COLOURS[what], markersize=4)
        axes.axvline(0.0, color="0.6", linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(rows)), [title for title, _, _ in rows])
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="Agreement (0: that of chance, for kappa and AC1; 1: full)")
        axes.set_xlim(right=1.02)
        axes.grid(axis="x", color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
        footer(figure, "Lines: 95 % intervals, none where it is not known.")
        save_both(figure, stem)


def _panel(axes: Axes, found: Mapping[str, Any], stage: str) -> None:
    maps, controls = found["patterns"][stage], found["controls"][stage]
    patterns = list(maps[MAJORITY])
    readers = [who for who in maps if who != MAJORITY]
    _points(axes, [maps[MAJORITY][name] for name in patterns], -0.22, label="majority", color=BLUE, marker="o")
    for number, reader in enumerate(readers):
        shift = -0.06 + 0.16 * (number + 0.5) / len(readers)
        shares = [(k, maps[reader][name]["value"]) for k, name in enumerate(patterns) if name in maps[reader]]
        known = [(k + shift, 100 * value) for k, value in shares if value is not None]
        if known:
            style: dict[str, Any] = {"color": "0.35", "markersize": 3.5, "linestyle": "none"}
            axes.plot(*zip(*known, strict=True), marker=MARKS[number % len(MARKS)], label=reader, **style)
    marks: dict[str, Any] = {"color": VERMILION, "marker": "s", "markerfacecolor": "white"}
    _points(axes, [controls[MAJORITY][name] for name in patterns], 0.24, label="controls, majority", **marks)
    for entry in found["paper"]:
        if entry["stage"] == stage:
            place = patterns.index(entry["pattern"]) - 0.36
            star: dict[str, Any] = {"color": "black", "markerfacecolor": "white", "markersize": 8, "linestyle": "none"}
            axes.plot(place, entry["percent"], marker="*", label="paper", **star)
    counts = maps[MAJORITY]["surface"]["of"], controls[MAJORITY]["surface"]["of"]
    axes.set_title(f"Predicted {stage}: {counts[0]} maps, {counts[1]} controls")
    axes.set_xticks(range(len(patterns)), [textwrap.fill(WORDS[name], 9) for name in patterns], fontsize=SMALL)
    axes.set_xlim(-0.6, len(patterns) - 0.4)
    axes.grid(axis="y", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def _points(axes: Axes, shares: Sequence[Mapping[str, Any]], shift: float, **style: Any) -> None:
    known = [(k + shift, share) for k, share in enumerate(shares) if share["value"] is not None]
    if not known:
        return
    middle = [100 * share["value"] for _, share in known]
    # Rounding may put an end of an interval a hair beyond the value at 0 and 1.
    low = [max(0.0, m - 100 * share["interval"][0]) for m, (_, share) in zip(middle, known, strict=True)]
    high = [max(0.0, 100 * share["interval"][1] - m) for m, (_, share) in zip(middle, known, strict=True)]
    places = [place for place, _ in known]
    axes.errorbar(places, middle, yerr=[low, high], linestyle="none", markersize=4.5, elinewidth=1.1, **style)
