"""Figures of an audit: known truth, cascading randomisation, twins and organ ablation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.evaluate.saliency.known_truth import TARGET
from fibrolens.evaluate.saliency.verdict import TWINS_AIM
from fibrolens.report.audit_words import ARMS, FAILED, PASSED, region_words, title_of
from fibrolens.report.drawing import SMALL, TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.palette import BLUE, ORANGE, VERMILION

#: Inches of one line of a dot plot, and of what stands around the lines.
LINE, AROUND = 0.21, 1.0
#: Panels in a row of the cascade.
ACROSS = 4
PER_CENT = (0, 50, 100)


def truth_figure(content: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """A panel per arm: how often each map is densest in the true region, the aim and chance.

    Args:
        content: of ``audit.json``.
        stem: of the files ``.png`` and ``.svg``.
    """
    scored = _checked(content["methods"], "known_truth")
    height = LINE * len(scored) + AROUND
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, height))
        panels = figure.subplots(1, len(ARMS), sharey=True)
        for axes, (arm, title) in zip(panels, ARMS.items(), strict=True):
            axes.axvline(100 * TARGET, color="0.3", linewidth=0.8, linestyle="--")
            for line, found in enumerate(scored.values()):
                _rate(axes, found["arms"].get(arm), line)
            axes.set(title=title.capitalize(), xlim=(-4, 104), xticks=PER_CENT, xlabel="maps, %")
        _lines(panels[0], list(scored))
        figure.subplots_adjust(left=0.25, right=0.985, top=1 - 0.25 / height, bottom=0.72 / height, wspace=0.1)
        footer(
            figure,
            f"Share of maps that are densest in the region of the sign, with 95 % intervals. Dashed: the aim of "
            f"{TARGET:.0%}; filled dots reach it. Dotted: chance. Small ticks: each network alone.",
        )
        return save_both(figure, stem)


def cascade_figure(content: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """A panel per map: its similarity to itself while the network forgets, layer by layer, beside random pairs.

    Args:
        content: of ``audit.json``, in which at least one map was randomised.
        stem: of the files ``.png`` and ``.svg``.
    """
    tested = {
        name: found
        for name, found in _checked({**content["methods"], **content["controls"]}, "randomisation").items()
        if found["steps"]
    }
    rows = -(-len(tested) // ACROSS)
    height = 1.35 * rows + 0.75
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, height))
        panels = figure.subplots(rows, ACROSS, sharex=True, sharey=True, squeeze=False)
        for axes, (name, found) in zip(panels.ravel(), tested.items(), strict=False):
            _cascade(axes, found, name in content["controls"])
            mark = f"{PASSED} changes" if found["passed"] else f"{FAILED} stays"
            kind = "control: " if name in content["controls"] else ""
            axes.set_title(f"{kind}{title_of(name)}\n{mark}", fontsize=7, pad=3)
        for axes in panels.ravel()[len(tested) :]:
            axes.set_visible(False)
        for axes in panels.ravel()[max(0, len(tested) - ACROSS) : len(tested)]:
            axes.tick_params(labelbottom=True)
        for axes in panels[:, 0]:
            axes.set_ylabel("similarity")
        place = {"left": 0.07, "right": 0.99, "top": 1 - 0.36 / height, "bottom": 0.78 / height}
        figure.subplots_adjust(**place, hspace=0.6 if rows < 3 else 0.7, wspace=0.12)
        footer(
            figure,
            "Structural similarity (SSIM, in the body) of the map to that of the network whose layers, from the last "
            "to the one named, have random weights; bars: 95 % intervals. Dashed with band: maps of different "
            "patients. A map must fall below them.",
        )
        return save_both(figure, stem)


def twins_figure(content: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """(a) What each sign counted for; (b) how well each map's densities follow that.

    Args:
        content: of ``audit.json``, with twins.
        stem: of the files ``.png`` and ``.svg``.
    """
    twins, scored = content["twins"], _checked(content["methods"], "twins")
    height = LINE * max(len(scored), len(twins["signs"])) + AROUND
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, height))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
        for line, sign in enumerate(twins["signs"]):
            _estimate(left, twins["changes"][sign], line, ORANGE, "s")
        left.axvline(0, color="0.6", linewidth=0.8)
        left.set(title="(a) Fall of P(F4) without the sign", xlabel="fall of the probability of F4")
        _lines(left, [ARMS[sign] for sign in twins["signs"]])
        for line, found in enumerate(scored.values()):
            _estimate(right, found["rank"], line, BLUE, "o")
        right.axvline(0, color="0.6", linewidth=0.8, linestyle=":")
        right.axvline(TWINS_AIM, color="0.3", linewidth=0.8, linestyle="--")
        right.set(title="(b) Does the map follow?", xlim=(-1.05, 1.05), xlabel="mean rank correlation")
        _lines(right, list(scored))
        place = {"left": 0.15, "right": 0.985, "top": 1 - 0.25 / height, "bottom": 0.72 / height}
        figure.subplots_adjust(**place, wspace=0.75)
        footer(figure, f"95 % intervals over patients. Dashed: the aim of {TWINS_AIM}. Dotted: chance.")
        return save_both(figure, stem)


def ablation_figure(content: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """How far the predicted stage's probability falls with each region gone, and how well each map follows.

    Args:
        content: of ``audit.json``, with a study whose organs were ablated.
        stem: of the files ``.png`` and ``.svg``.
    """
    regions = content["study"]["ablation"]["regions"]
    scored = _checked(content["methods"], "ablation")
    height = LINE * max(len(scored), len(regions)) + AROUND
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, height))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
        for line, found in enumerate(regions.values()):
            _estimate(left, found["fall"], line, ORANGE, "s")
        left.axvline(0, color="0.6", linewidth=0.8)
        left.set(title="(a) Fall of P(predicted stage)", xlabel="fall with the region replaced")
        _lines(left, [region_words(name) for name in regions])
        for line, found in enumerate(scored.values()):
            _estimate(right, found["rank"], line, BLUE, "o")
        right.axvline(0, color="0.6", linewidth=0.8, linestyle=":")
        right.set(title="(b) Does the map follow?", xlim=(-1.05, 1.05), xlabel="mean rank correlation")
        _lines(right, list(scored))
        place = {"left": 0.15, "right": 0.985, "top": 1 - 0.25 / height, "bottom": 0.72 / height}
        figure.subplots_adjust(**place, wspace=0.75)
        footer(figure, "95 % intervals over patients. Dotted: chance.")
        return save_both(figure, stem)


def _checked(methods: Mapping[str, Any], check: str) -> dict[str, Mapping[str, Any]]:
    """The figures of a check of those methods that have them."""
    return {name: found["checks"][check] for name, found in methods.items() if found["checks"].get(check) is not None}


def _rate(axes: Axes, arm: Mapping[str, Any] | None, line: int) -> None:
    if arm is None or arm["top1"]["value"] is None:
        axes.text(50, line, "not known", fontsize=SMALL, color="0.4", ha="center", va="center")
        return
    top = arm["top1"]
    chance = 100 * top["chance"]
    axes.plot((chance, chance), (line - 0.5, line + 0.5), color="0.5", linewidth=0.8, linestyle=":")
    axes.plot([100 * end for end in top["interval"]], (line, line), color=BLUE, zorder=2)
    filled = BLUE if top["value"] >= TARGET else "white"
    axes.scatter(100 * top["value"], line, s=20, facecolors=filled, edgecolors=BLUE, linewidths=1.1, zorder=3)
    own = [100 * one["value"] for one in arm["per_seed"]]
    axes.scatter(own, [line + 0.3] * len(own), s=10, marker="|", color="0.3", linewidths=0.6)


def _cascade(axes: Axes, found: Mapping[str, Any], control: bool) -> None:
    steps, colour = found["steps"], VERMILION if control else BLUE
    level = found["random_pairs"]
    if level["interval"] is not None:
        axes.axhspan(*level["interval"], color="0.88", linewidth=0, zorder=0)
    axes.axhline(level["value"], color="0.35", linewidth=0.9, linestyle="--")
    places = range(len(steps))
    axes.plot(places, [one["value"] for one in steps], color=colour, marker="s" if control else "o", markersize=3)
    for place, one in zip(places, steps, strict=True):
        if one["interval"] is not None:
            axes.plot((place, place), one["interval"], color=colour, linewidth=0.9)
    axes.set_xticks(list(places), [one["name"] for one in steps], rotation=60, ha="right", rotation_mode="anchor")
    axes.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    axes.spines[["top", "right"]].set_visible(False)


def _estimate(axes: Axes, found: Mapping[str, Any], line: int, colour: str, marker: str) -> None:
    if found["value"] is None:
        axes.annotate(
            "not known", (0.5, line), xycoords=("axes fraction", "data"), fontsize=SMALL, ha="center", va="center"
        )
        return
    if found["interval"] is not None:
        axes.plot(found["interval"], (line, line), color=colour)
    axes.scatter(found["value"], line, s=18, color=colour, marker=marker, zorder=3)


def _lines(axes: Axes, names: Sequence[str]) -> None:
    """Name the lines of a dot plot, the first on top."""
    axes.set_yticks(range(len(names)), [title_of(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
