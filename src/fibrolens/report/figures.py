"""The figures of a study: ROC curves, example maps, attention by stage; each as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.evaluate.roc import RocCurve
from fibrolens.plan import STAGES
from fibrolens.report.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RESEARCH,
    VERMILION,
    WINDOW_HU,
    Scene,
    colour_bar,
    draw_slice,
    save_both,
)
from fibrolens.volume import Volume

#: Colour and line of each curve; the lines differ too, for prints without colour.
CURVES: dict[str, tuple[str, Any]] = {
    "F>=1": (PURPLE, "-"),
    "F>=2": (BLUE, "-"),
    "F>=3": (ORANGE, "--"),
    "F4": (VERMILION, "-."),
    "micro": ("0.35", ":"),
    "macro": (GREEN, (0, (5, 1, 1, 1, 1, 1))),
}


@dataclass(frozen=True, eq=False)
class MapExample:
    """One scan of the map figure.

    Args:
        title: shown at the left, for example ``F4, predicted F4``.
        ct: CT in Hounsfield units.
        map: location map on the CT's grid, scale ``mean1``.
        labels: 1 liver, 2 spleen on the CT's grid, or None.
    """

    title: str
    ct: Volume
    map: Volume
    labels: Volume | None


def roc_figure(curves: Sequence[RocCurve], evaluation: Mapping[str, Any], stem: Path, note: str = "") -> None:
    """Draw the ROC curves of the stages, each with its AUC, interval and counts.

    Args:
        curves: thresholds, micro and macro; those that the cases could not give are missing.
        evaluation: content of ``evaluation.json``, for intervals.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
    """
    figure = Figure(figsize=(6.2, 6.6))
    axes = figure.add_axes((0.12, 0.13, 0.84, 0.81))
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=1)
    for curve in curves:
        colour, line = CURVES[curve.name]
        label = _curve_label(curve, evaluation)
        axes.plot(curve.false_positive_rate, curve.true_positive_rate, color=colour, linestyle=line, lw=2, label=label)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="1 - specificity", ylabel="Sensitivity", aspect="equal")
    axes.set_title(
        f"Out-of-fold ROC curves, {evaluation['cases']} scans of {evaluation['patients']} patients", fontsize=11
    )
    axes.grid(color="0.92")
    if curves:
        axes.legend(loc="lower right", fontsize=8.5, title="AUC [95 % CI, DeLong]", title_fontsize=8.5)
    _footer(figure, note)
    save_both(figure, stem)


def attention_boxplot(
    values: Sequence[float], by: Mapping[str, Sequence[str]], tests: Mapping[str, Any], stem: Path, note: str = ""
) -> None:
    """Draw the mean attention in the liver by stage, one panel per grouping.

    Args:
        values: mean ``mean1`` map weight in the liver of each scan; NaN is unknown.
        by: title of a grouping (``predicted stage``, ``true stage``) and the stage of each scan in it.
        tests: per grouping, what `compare_stages` found.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
    """
    figure = Figure(figsize=(4.6 * len(by), 4.8))
    panels = np.atleast_1d(figure.subplots(1, len(by), sharey=True))
    figure.subplots_adjust(left=0.2 / len(by), right=0.985, top=0.87, bottom=0.23, wspace=0.06)
    known = np.asarray(values, dtype=float)
    for axes, (title, stages) in zip(panels, by.items(), strict=True):
        groups = [known[(np.asarray(stages) == name) & ~np.isnan(known)] for name in STAGES]
        _boxes(axes, groups)
        axes.set_xlabel(title[0].upper() + title[1:])
        axes.set_title(_test_text(tests[title]["F0_against_F4"]), fontsize=10)
    panels[0].set_ylabel("Mean attention in the liver\n(mean1; 1 = even share)")
    _footer(figure, f"Box: median and quartiles; whiskers: 1.5 IQR; each dot is a scan. {note}")
    save_both(figure, stem)


def map_figure(examples: Sequence[MapExample], stem: Path, note: str = "", slices: int = 4) -> None:
    """Draw one row per scan: axial slices through the liver with the location map over them.

    Args:
        examples: the scans, in the order of the rows; at least one.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
        slices: axial slices per scan.
    """
    scenes = [Scene.of(example.ct, example.map, example.labels) for example in examples]
    # One colour scale for all rows, or they could not be compared; the median, lest one hot spot pale all others.
    top = float(np.median([scene.top for scene in scenes]))
    height = 1.0 + 1.75 * len(examples)
    figure = Figure(figsize=(2.25 * slices + 1.7, height))
    edges = {"left": 0.055, "right": 0.91, "top": 1 - 0.42 / height, "bottom": 0.5 / height}
    widths = [1.0] * slices + [0.05]
    grid = figure.add_gridspec(len(examples), slices + 1, width_ratios=widths, wspace=0.03, hspace=0.06, **edges)
    for row, (example, scene) in enumerate(zip(examples, scenes, strict=True)):
        for column, index in enumerate(scene.axial_slices(slices)):
            axes = figure.add_subplot(grid[row, column])
            draw_slice(axes, scene, "axial", index, top)
            if column == 0:
                axes.set_ylabel(example.title, fontsize=9)
    colour_bar(figure, figure.add_subplot(grid[:, slices]), top, "mean1")
    title = "Location maps of the predicted stage, out of fold; slices from top to bottom of the liver"
    figure.suptitle(title, fontsize=10.5, y=1 - 0.2 / height)
    low, high = WINDOW_HU
    _footer(figure, f"CT window [{low:.0f}, {high:.0f}] HU; liver solid, spleen dashed. {note}", 0.2 / height)
    save_both(figure, stem)


def _curve_label(curve: RocCurve, evaluation: Mapping[str, Any]) -> str:
    threshold = evaluation["thresholds"].get(curve.name)
    if threshold is None:
        return f"{curve.name} average: {curve.auc:.2f}"
    interval = threshold["auc"]["delong"] if threshold["auc"] else None
    ends = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""
    name = curve.name.replace(">=", "≥")
    return f"{name}: {curve.auc:.2f}{ends}  ({curve.positives} against {curve.negatives})"


def _boxes(axes: Axes, groups: Sequence[Float[np.ndarray, " _"]]) -> None:
    positions = range(len(groups))
    axes.axhline(1.0, color="0.6", linewidth=1, linestyle="--")
    boxes = axes.boxplot(
        list(groups),
        positions=positions,
        widths=0.55,
        patch_artist=True,
        showfliers=False,
        medianprops={"color": "black"},
    )
    for box in boxes["boxes"]:
        box.set(facecolor="#CFE3F1", edgecolor="0.25")
    for k, group in enumerate(groups):
        # Evenly spread in the order of the values: reproducible, and no dot hides another.
        spread = np.argsort(np.argsort(group)) * 0.381966 % 1.0
        axes.plot(k + 0.36 * (spread - 0.5), group, "o", color=BLUE, markersize=3.5, alpha=0.75, markeredgewidth=0)
    axes.set_xticks(positions, [f"{name}\nn = {len(g)}" for name, g in zip(STAGES, groups, strict=True)], fontsize=9)
    axes.grid(axis="y", color="0.92")


def _test_text(test: Mapping[str, Any]) -> str:
    if test["p_value"] is None:
        return f"F0 against F4: no test ({test['reason']})"
    p = "p < 0.001" if test["p_value"] < 0.001 else f"p = {test['p_value']:.3f}"
    return f"F0 against F4: Mann-Whitney {p}\nP(F4 > F0) = {test['effect']:.2f}"


def _footer(figure: Figure, note: str, y: float = 0.025) -> None:
    figure.text(0.012, y, f"{note} {RESEARCH}.".strip(), fontsize=8, color="0.25", va="center", wrap=True)
