"""Figures of several hospitals: each one's AUC beside the mean of all, and the calibration of all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.report.drawing import SMALL, TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.palette import BLUE, ORANGE, VERMILION
from fibrolens.report.tables import THRESHOLDS, ranged

#: Inches of one line of the forest, and of a panel's title and axis.
LINE, AROUND = 0.2, 0.62
#: Letters of a hospital's name that are shown.
LONGEST = 22
#: Lowest AUC that is shown where all lie above it.
LEFT = 0.5


def forest_figure(pooled: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """A panel per threshold: every hospital's AUC, their mean, and all scans together.

    Args:
        pooled: content of ``pooled.json``.
        stem: of the files ``.png`` and ``.svg``.
    """
    names = [site["name"] for site in pooled["sites"]]
    low = min([LEFT, *(value for entry in pooled["thresholds"].values() for value in _lows(entry))])
    with print_style():
        height = 2 * (LINE * (len(names) + 3) + AROUND) + 0.45
        figure = Figure(figsize=(TWO_COLUMNS, height))
        panels = figure.subplots(2, 2)
        for axes, (name, title) in zip(panels.ravel(), THRESHOLDS.items(), strict=True):
            _forest(axes, pooled["thresholds"][name], names)
            axes.set(title=title, xlim=(low, 1.0), xlabel="AUC")
        for axes in panels[:, 0]:
            _names(axes, names)
        place = {"left": 0.2, "right": 0.86, "top": 1 - 0.25 / height, "bottom": 0.85 / height}
        figure.subplots_adjust(**place, hspace=0.5, wspace=0.6)
        note = (
            "Squares: hospitals, area by weight, with 95 % intervals (DeLong, patients as clusters). Diamond: mean of "
            "the hospitals by random effects; thin line: where a further hospital is expected. Ring: all scans ranked "
            "together."
        )
        footer(figure, note)
        return save_both(figure, stem)


def calibration_figure(pooled: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """A panel per threshold: observed share against mean score in each tenth, all hospitals together.

    Args:
        pooled: content of ``pooled.json``.
        stem: of the files ``.png`` and ``.svg``.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.5))
        for axes, (name, title) in zip(figure.subplots(1, 4), THRESHOLDS.items(), strict=True):
            axes.plot((0, 1), (0, 1), color="0.6", linewidth=0.8, linestyle="--")
            told = ""
            if (entry := pooled["thresholds"][name])["pooled"] is not None:
                told = _calibration(axes, entry["calibration"])
            axes.set_title(title.replace(" (", "\n("), pad=14)
            axes.text(0.5, 1.05, told, transform=axes.transAxes, ha="center", fontsize=SMALL)
            axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="Score P(F≥k)")
            axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
            axes.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
        figure.axes[0].set_ylabel("Observed share")
        figure.subplots_adjust(left=0.075, right=0.99, top=0.8, bottom=0.3, wspace=0.32)
        footer(
            figure,
            "Tenths of the score with 95 % intervals (Wilson); area by scans. Dashed: scores that mean what they say.",
        )
        return save_both(figure, stem)


def _forest(axes: Axes, entry: Mapping[str, Any], names: Sequence[str]) -> None:
    """Draw every hospital on its line; one that does not give this threshold leaves it empty."""
    lines = len(names) + 3
    axes.set(ylim=(lines - 0.5, -0.7), yticks=[])
    axes.spines[["top", "left", "right"]].set_visible(False)
    given = {row["name"]: row for row in entry["sites"]}
    for line, name in enumerate(names):
        row = given.get(name)
        _words(axes, line, "not given" if row is None else ranged(row["auc"], row["delong"]))
        if row is not None:
            axes.scatter(row["auc"], line, s=12 + 70 * (row["weight"] or 0.0), marker="s", color=BLUE, zorder=3)
            _bar(axes, row["delong"], line, BLUE)
    if entry["pooled"] is None:
        return
    mean, place = entry["random_effects"], len(names) + 0.3
    if mean["auc"] is not None:
        _bar(axes, mean.get("prediction"), place, VERMILION, 0.7)
        _diamond(axes, mean["auc"], mean.get("interval"), place)
        _words(axes, place, ranged(mean["auc"], mean.get("interval")))
    area = entry["pooled"]["auc"]
    axes.scatter(area, place + 1, s=24, facecolors="white", edgecolors=ORANGE, linewidths=1.2, zorder=3)
    _words(axes, place + 1, ranged(area, None))


def _names(axes: Axes, names: Sequence[str]) -> None:
    """Write what each line is at its left."""
    for line, name in (*enumerate(names), (len(names) + 0.3, "Mean of hospitals"), (len(names) + 1.3, "All scans")):
        short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        place = axes.get_yaxis_transform()
        axes.text(-0.04, line, short, transform=place, ha="right", va="center", fontsize=SMALL)


def _words(axes: Axes, line: float | int, figure: str) -> None:
    axes.text(1.04, line, figure, transform=axes.get_yaxis_transform(), ha="left", va="center", fontsize=SMALL)


def _bar(axes: Axes, ends: Any, line: float | int, colour: str, width: float = 1.3) -> None:
    if ends is not None:
        axes.plot(ends, (line, line), color=colour, linewidth=width, zorder=2)


def _diamond(axes: Axes, middle: float, ends: Any, line: float | int) -> None:
    low, high = (middle - 0.004, middle + 0.004) if ends is None else ends
    axes.fill(
        (low, middle, high, middle), (line, line - 0.28, line, line + 0.28), color=VERMILION, zorder=3, linewidth=0
    )


def _lows(entry: Mapping[str, Any]) -> list[float]:
    intervals = [row["delong"] for row in entry["sites"]] + [entry.get("random_effects", {}).get("interval")]
    return [ends[0] - 0.02 for ends in intervals if ends is not None]


def _calibration(axes: Axes, content: Mapping[str, Any]) -> str:
    """Draw the tenths; returns slope and intercept in words."""
    total = sum(entry["observed"]["of"] for entry in content["bins"])
    for entry in content["bins"]:
        observed, x = entry["observed"], entry["mean_score"]
        axes.plot((x, x), observed["interval"], color=BLUE, linewidth=0.9)
        axes.scatter(x, observed["value"], s=6 + 60 * observed["of"] / total, color=BLUE, zorder=3, linewidth=0)
    return "" if content["slope"] is None else f"slope {content['slope']:.2f}, intercept {content['intercept']:+.2f}"
