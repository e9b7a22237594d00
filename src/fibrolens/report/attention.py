"""Figures of a study beyond the paper's: attention by region and stage, focus patterns by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.plan import STAGES
from fibrolens.report.drawing import TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.palette import BLUE, ORANGE, PURPLE, VERMILION
from fibrolens.report.paper import PATTERNS as PAPER_PATTERNS
from fibrolens.result import REGIONS

PREDICTED, TRUE = "predicted stage", "true stage"
#: Colour, marker and shift to the side of each grouping.
GROUPINGS = {PREDICTED: (BLUE, "o", -0.14), TRUE: (VERMILION, "s", 0.14)}
#: What a pattern is called, with its colour and marker.
PATTERNS: dict[str, tuple[str, str, str]] = {
    "surface": ("liver surface", BLUE, "o"),
    "core": ("liver and spleen centres", VERMILION, "s"),
    "mixed": ("mixed", ORANGE, "^"),
    "off_organ": ("outside the organs", "0.35", "D"),
    "unknown": ("not measurable", PURPLE, "X"),
}
REGION_NAMES = {
    "liver": "Liver",
    "liver_surface": "Liver surface",
    "liver_core": "Liver core",
    "spleen": "Spleen",
    "elsewhere": "Elsewhere",
}


def region_figure(
    regions: Mapping[str, Any], stem: Path, note: str = "", band: Mapping[str, Sequence[float]] | None = None
) -> None:
    """Draw median and quartiles of the mean attention in every region by predicted and by true stage.

    Args:
        regions: ``regions`` of a layer in ``evaluation.json``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
        band: of each region both ends of the null band, which is shaded; None where it is not known.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.75))
        panels = figure.subplots(1, len(REGIONS), sharey=True)
        figure.subplots_adjust(left=0.08, right=0.995, top=0.8, bottom=0.2, wspace=0.06)
        for axes, region in zip(panels, REGIONS, strict=True):
            if band and region in band:
                axes.axhspan(*band[region], color="0.88", linewidth=0, label="null band (networks without training)")
            axes.axhline(1.0, color="0.6", linewidth=0.8, linestyle="--")
            for grouping, (colour, marker, shift) in GROUPINGS.items():
                stages = regions[region][grouping]["stages"]
                _medians(axes, stages, shift, color=colour, marker=marker, label=f"by {grouping}")
            axes.set_title(REGION_NAMES[region])
            axes.set_xticks(range(len(STAGES)), STAGES)
            axes.set_xlim(-0.5, len(STAGES) - 0.5)
            axes.grid(axis="y", color="0.92", linewidth=0.6)
            axes.set_axisbelow(True)
        panels[0].set_ylabel("Mean attention\n(mean1; 1 = even share)")
        panels[0].set_ylim(bottom=0)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="upper center", ncols=3, frameon=False)
        footer(figure, f"Marks: median of the scans; bars: quartiles. {note}")
        save_both(figure, stem)


def pattern_figure(patterns: Mapping[str, Any], stem: Path, note: str = "") -> None:
    """Draw how often each focus pattern occurs by stage, with 95 % intervals, beside the paper's two frequencies.

    Args:
        patterns: frequencies of a layer in ``evaluation.json``, per grouping and stage.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 3.5))
        panels = figure.subplots(1, 2, sharey=True)
        figure.subplots_adjust(left=0.07, right=0.99, top=0.8, bottom=0.245, wspace=0.04)
        for letter, axes, grouping in zip("ab", panels, GROUPINGS, strict=True):
            _frequencies(axes, patterns[grouping])
            axes.set_title(letter, loc="left", weight="bold")
            axes.set_xlabel(grouping[0].upper() + grouping[1:])
        panels[0].set(ylabel="Share of the maps (%)", ylim=(-3, 103))
        # Lines come before error bars; the paper shall stand last.
        paper, *ours = zip(*panels[0].get_legend_handles_labels(), strict=True)
        handles, labels = zip(*ours, paper, strict=True)
        figure.legend(handles, labels, loc="upper center", ncols=3, frameon=False)
        footer(figure, f"Bars: 95 % Wilson interval. Patterns by rule (the paper's: by three readers). {note}")
        save_both(figure, stem)


def _medians(axes: Axes, stages: Mapping[str, Any], shift: float, **style: Any) -> None:
    known = [(k, stages[name]) for k, name in enumerate(STAGES) if stages[name]["n"]]
    middle = [stage["median"] for _, stage in known]
    low = [stage["median"] - stage["q1"] for _, stage in known]
    high = [stage["q3"] - stage["median"] for _, stage in known]
    places = [k + shift for k, _ in known]
    axes.errorbar(places, middle, yerr=[low, high], linestyle="none", markersize=4, elinewidth=1.1, **style)


def _frequencies(axes: Axes, stages: Mapping[str, Any]) -> None:
    for number, (pattern, (title, colour, marker)) in enumerate(PATTERNS.items()):
        known = [(k, stages[name][pattern]) for k, name in enumerate(STAGES) if stages[name][pattern]["of"]]
        middle = [100 * found["value"] for _, found in known]
        # Rounding may put an end of an interval a hair beyond the value at 0 and 1.
        low = [max(0.0, m - 100 * found["interval"][0]) for m, (_, found) in zip(middle, known, strict=True)]
        high = [max(0.0, 100 * found["interval"][1] - m) for m, (_, found) in zip(middle, known, strict=True)]
        places = [k + 0.15 * (number - 2) for k, _ in known]
        style: dict[str, Any] = {"color": colour, "marker": marker, "label": title}
        axes.errorbar(places, middle, yerr=[low, high], linestyle="none", markersize=3.8, elinewidth=1.0, **style)
    names = list(PATTERNS)
    places = [STAGES.index(stage) + 0.15 * (names.index(pattern) - 2) for stage, pattern, _ in PAPER_PATTERNS]
    shares = [share for _, _, share in PAPER_PATTERNS]
    axes.plot(places, shares, "*", color="black", markerfacecolor="white", markersize=8, zorder=3, label="paper")
    counts = [stages[name]["surface"]["of"] for name in STAGES]
    axes.set_xticks(range(len(STAGES)), [f"{name}\nn = {n}" for name, n in zip(STAGES, counts, strict=True)])
    axes.grid(axis="y", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
