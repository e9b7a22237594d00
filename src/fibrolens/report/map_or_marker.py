"""How much of the network is the size of the spleen: Shapley shares as a table and as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.csvfile import Cell
from fibrolens.report.drawing import TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.palette import BLUE, ORANGE
from fibrolens.report.tables import Table, ranged

SIZE = "spleen size"
TITLE = "Map or marker? What the network's score is made of"
#: What is explained: its name in words, colour and shift of its bar.
EXPLAINED = {"network": ("network's score", BLUE, -0.19), "stage": ("true stage", ORANGE, 0.19)}


def exact(evaluation: Mapping[str, Any]) -> Table:
    """Every share, a row each; ``all`` is the regression on everything."""
    found = evaluation["map_or_marker"]
    rows: list[tuple[Cell, ...]] = []
    for name in EXPLAINED:
        for group, parts in found["groups"].items():
            own = parts[name]
            rows.append((name, group, own["share"], *_ends(own), own["alone"], own["unique"]))
        whole = found[name]
        if whole is not None:
            rows.append((name, "all", whole["r2"], *_ends(whole), whole["r2"], whole["r2"]))
            rows.append((name, "all, out of fold", whole["out_of_fold"], None, None, None, None))
    columns = ("explained", "group", "share", "low", "high", "alone", "unique")
    return Table("map_or_marker", TITLE, columns, tuple(rows))


def printed(evaluation: Mapping[str, Any]) -> Table:
    """Groups down, the largest share first; shares in the network's score and in the true stage across, in per cent."""
    found = evaluation["map_or_marker"]
    rows: list[tuple[Cell, ...]] = []
    for group in _ordered(found):
        parts = found["groups"][group]
        network, stage = parts["network"], parts["stage"]
        by = ", ".join(f"{column} ({count})" for column, count in parts["columns"].items())
        rows.append((group, by, _percent(network, "share"), _bare(network["alone"]), _bare(network["unique"]),
                     _percent(stage, "share")))  # fmt: skip
    if found["network"] is not None:
        out = _bare(found["network"]["out_of_fold"])
        rows.append(("all together", f"out of fold: {out}", _percent(found["network"], "r2"), "", "",
                     _percent(found["stage"], "r2")))  # fmt: skip
    columns = ("Group", "Measured by (scans)", "Share of the score, %", "Alone, %", "Lost without, %", "Share of the true stage, %")  # fmt: skip # noqa: E501
    return Table("map_or_marker", TITLE, columns, tuple(rows), f"{answer(evaluation)}\n{_note(found)}".strip())


def answer(evaluation: Mapping[str, Any]) -> str:
    """How much of this network is spleen size, in a sentence."""
    found = evaluation["map_or_marker"]
    if found["network"] is None:
        return f"Not measurable: {found['reason']}."
    whole = found["network"]
    if SIZE not in found["groups"]:
        return f"The size of the spleen was not measured; all else explains {_percent(whole, 'r2')} % of the score."
    size = found["groups"][SIZE]["network"]
    return (
        f"How much of this network is spleen size? {_percent(size, 'share')} % of the differences of its score; "
        f"everything measured explains {_percent(whole, 'r2')} %, and {_bare(1 - whole['r2'])} % is nothing that was "
        "measured. Location maps cannot show size: they say where a network looks, not what it reads there."
    )


def shares_figure(found: Mapping[str, Any], stem: Path) -> None:
    """Draw the share of every group in the network's score and in the true stage, with 95 % intervals.

    Args:
        found: ``map_or_marker`` of ``evaluation.json``, with figures.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    groups = _ordered(found)
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 1.25 + 0.34 * (len(groups) + 1)))
        axes = figure.add_axes((0.2, 0.66 / figure.get_figheight(), 0.77, 1 - 1.0 / figure.get_figheight()))
        for name, (words, colour, shift) in EXPLAINED.items():
            parts = [found["groups"][group][name] for group in groups]
            entries = [(part["share"], part["interval"]) for part in parts]
            rest, ends = 1 - found[name]["r2"], found[name]["interval"]
            entries.append((rest, None if ends is None else [1 - ends[1], 1 - ends[0]]))
            _bars(axes, entries, shift, colour, words)
        axes.set_yticks(range(len(groups) + 1), [*groups, "nothing measured"])
        axes.invert_yaxis()
        axes.axvline(0, color="0.3", linewidth=0.7)
        axes.axhline(len(groups) - 0.5, color="0.6", linewidth=0.7, linestyle="--")
        axes.set_xlabel("Share of the differences between scans (adjusted R²), %")
        axes.grid(axis="x", color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(loc="lower right", frameon=False, bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.1)
        footer(figure, "Bars: Shapley shares; lines: 95 % intervals (patients).", 0.06)
        save_both(figure, stem)


def _bars(
    axes: Axes, entries: Sequence[tuple[float, list[float] | None]], shift: float, colour: str, words: str
) -> None:
    """One bar per entry with its interval, in per cent."""
    places = np.arange(len(entries)) + shift
    axes.barh(places, [100 * value for value, _ in entries], height=0.34, color=colour, label=words)
    for place, (_, ends) in zip(places, entries, strict=True):
        if ends is not None:
            axes.plot([100 * ends[0], 100 * ends[1]], [place, place], color="0.1", linewidth=1.0)


def _ordered(found: Mapping[str, Any]) -> list[str]:
    return sorted(found["groups"], key=lambda group: -found["groups"][group]["network"]["share"])


def _note(found: Mapping[str, Any]) -> str:
    unused = "; ".join(f"{name} ({reason})" for name, reason in found["unused"].items())
    left = f" {found['left_out']} scans without measurements are left out." if found["left_out"] else ""
    return (
        f"{found['scans']} scans of {found['patients']} patients.{left} Share: what the group adds to R², mean over "
        "all orders; alone: its R² by itself; lost without: what no other group can replace. All are adjusted for the "
        "number of columns. Groups that go together share what they have in common. An unknown value counts as the "
        f"middle one, which weakens its group. Not used: {unused or 'nothing'}."
    )


def _percent(entry: Mapping[str, Any], key: str) -> str:
    return ranged(entry[key], entry["interval"], 100.0, 0).replace("-0 ", "0 ")


def _bare(value: float) -> str:
    return f"{100 * value:.0f}".replace("-0", "0") if abs(value) < 0.005 else f"{100 * value:.0f}"


def _ends(entry: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return (None, None) if entry["interval"] is None else (entry["interval"][0], entry["interval"][1])
