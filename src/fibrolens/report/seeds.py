"""The spread of a study over the seeds of its training: two tables for files, one for the page, and a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.csvfile import Cell
from fibrolens.report.drawing import TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.figures import threshold_title
from fibrolens.report.palette import BLUE, VERMILION
from fibrolens.report.tables import Table

#: The paper's three questions, in its order.
ASKED = ("F>=2", "F>=3", "F4")


def exact(spread: Mapping[str, Any]) -> Table:
    """AUC of every seed, a row per threshold and seed, then mean, SD and range."""
    rows: list[tuple[Cell, ...]] = []
    for name, entry in spread["thresholds"].items():
        area = entry["auc"] or {}
        rows += [
            (name, f"seed {s}", value) for s, value in zip(spread["seeds"], area.get("per_seed", ()), strict=False)
        ]
        rows += [(name, key, area.get(key)) for key in ("mean", "sd", "low", "high")]
    return Table("seeds", "AUC by seed of the training", ("threshold", "figure", "auc"), tuple(rows))


def scans(spread: Mapping[str, Any]) -> Table:
    """A row per scan: its expected stage, and the standard deviations over the seeds."""
    columns = tuple(spread["scans"][0])
    rows = tuple(tuple(scan[column] for column in columns) for scan in spread["scans"])
    return Table("seed_scans", "Spread of each scan over the seeds", columns, rows)


def printed(spread: Mapping[str, Any]) -> Table:
    """A row per threshold: the result, the other seeds, their spread, and that of the scans."""
    rows = []
    for name in ASKED:
        typical = spread["typical"][f"{name}_sd"]
        moved = f"{typical['median']:.3f} (at most {typical['most']:.3f})"
        rows.append((threshold_title(name), *_areas(spread["thresholds"][name]), moved))
    return Table(
        "seeds",
        "Spread over the seeds of the training",
        (
            *("Threshold", f"AUC, seed {spread['result']} (the result)", "AUC, other seeds", "Mean ± SD"),
            *("Range", "SD of a scan's probability, median"),
        ),
        tuple(rows),
        _note(spread),
    )


def seeds_figure(spread: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """Draw the AUC of every seed, and of every scan how far its expected stage moves from seed to seed.

    Args:
        spread: ``seeds`` of ``evaluation.json``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.7))
        areas, moves = figure.subplots(1, 2, gridspec_kw={"left": 0.08, "right": 0.985, "bottom": 0.27, "wspace": 0.24})
        _draw_areas(areas, spread)
        moves.plot(
            [scan["expected_mean"] for scan in spread["scans"]],
            [scan["expected_sd"] for scan in spread["scans"]],
            "o",
            color=BLUE,
            markersize=2.5,
            alpha=0.6,
            markeredgewidth=0,
        )
        moves.set(xlim=(-0.05, 4.05), xlabel="Expected stage, mean of the seeds", ylabel="SD over the seeds, in stages")
        moves.set_ylim(bottom=0)
        for axes, title in ((areas, "a  AUC"), (moves, "b  Scans")):
            axes.set_title(title, loc="left", weight="bold")
            axes.grid(color="0.93", linewidth=0.6)
        footer(figure, f"{_many(spread)}. Filled: seed {spread['result']}, the result; line: mean. {_same(spread)}")
        return save_both(figure, stem)


def _areas(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """The AUC of the first seed, of the others, mean with SD, and range."""
    area = entry["auc"]
    if area is None:
        return f"– ({entry['reason']})", "–", "–", "–"
    first, *others = (f"{value:.3f}" for value in area["per_seed"])
    mean = f"{area['mean']:.3f} ± {area['sd']:.3f}"
    return first, ", ".join(others), mean, f"{area['low']:.3f} to {area['high']:.3f}"


def _draw_areas(axes: Axes, spread: Mapping[str, Any]) -> None:
    for place, name in enumerate(ASKED):
        area = spread["thresholds"][name]["auc"]
        if area is None:
            continue
        first, *others = area["per_seed"]
        axes.plot([place] * len(others), others, "o", color=BLUE, markersize=4, mfc="white")
        axes.plot(place, first, "o", color=VERMILION, markersize=4)
        axes.plot((place - 0.2, place + 0.2), (area["mean"], area["mean"]), color="0.3", linewidth=1)
    axes.set(xlim=(-0.5, len(ASKED) - 0.5), ylabel="AUC, folds pooled")
    axes.set_xticks(range(len(ASKED)), [threshold_title(name) for name in ASKED])


def _note(spread: Mapping[str, Any]) -> str:
    typical = spread["typical"]["expected_sd"]
    return (
        f"{_many(spread)}, out of fold, folds pooled. Seed {spread['result']} was named before and is the result of "
        "the study everywhere else; nothing was chosen among the seeds, the others only show how much is chance of the "
        f"training. {_same(spread)} SD of a scan's expected stage: median {typical['median']:.2f}, at most "
        f"{typical['most']:.2f} stages. Values: tables/seeds.csv, tables/seed_scans.csv."
    )


def _many(spread: Mapping[str, Any]) -> str:
    return f"Every fold trained {len(spread['seeds'])} times (seeds {', '.join(map(str, spread['seeds']))})"


def _same(spread: Mapping[str, Any]) -> str:
    return f"{100 * spread['same_stage']:.1f} % of the scans have the same most probable stage by every seed."
