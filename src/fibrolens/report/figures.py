"""The figures of a study that stand in the paper: ROC curves, example maps, attention in the liver; as PNG and SVG.

All are as wide as two columns of a journal's page, with text of 6.5 to 8 points.
"""

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
    SMALL,
    TWO_COLUMNS,
    WINDOW_HU,
    colour_bar,
    draw_slice,
    footer,
    print_style,
    save_both,
)
from fibrolens.report.palette import BLUE, GREEN, ORANGE, VERMILION
from fibrolens.report.scene import Scene
from fibrolens.report.tables import p_text
from fibrolens.volume import Volume

#: Colour and line of each curve; the lines differ too, for prints without colour.
CURVES: dict[str, tuple[str, Any]] = {
    "F>=2": (BLUE, "-"),
    "F>=3": (ORANGE, "--"),
    "F4": (VERMILION, "-."),
    "micro": ("0.25", "-"),
    "macro": (GREEN, (0, (4, 1.2))),
}
PANELS = (("a  At least F2, F3, F4", ("F>=2", "F>=3", "F4")), ("b  Averages over F0 to F4", ("micro", "macro")))


#: What the grey values of a CT's figure are.
CT_GREYS = f"CT window [{WINDOW_HU[0]:.0f}, {WINDOW_HU[1]:.0f}] HU"


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
    """Draw the ROC curves as the paper's Fig. 3: a) the thresholds, b) micro and macro average; with AUCs and counts.

    Args:
        curves: thresholds, micro and macro; those that the cases could not give are missing.
        evaluation: content of ``evaluation.json``, for intervals and counts.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
    """
    by_name = {curve.name: curve for curve in curves}
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 3.85))
        figure.subplots_adjust(left=0.065, right=0.99, top=0.93, bottom=0.19, wspace=0.17)
        for axes, (title, names) in zip(figure.subplots(1, 2), PANELS, strict=True):
            axes.plot([0, 1], [0, 1], color="0.75", linewidth=0.8)
            for curve in (by_name[name] for name in names if name in by_name):
                _draw_curve(axes, curve, _curve_label(curve.name, evaluation))
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="1 − specificity", ylabel="Sensitivity")
            axes.set(aspect="equal", axisbelow=True)
            axes.set_title(title, loc="left", weight="bold")
            axes.grid(color="0.92", linewidth=0.6)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="lower right", handlelength=2.6, borderaxespad=0.8)
            else:
                axes.text(0.5, 0.4, "not measurable:\nthe cases lie on one side", ha="center", va="center")
        counts = f"{evaluation['cases']} scans of {evaluation['patients']} patients, out of fold, folds pooled"
        intervals = "AUC with 95 % interval (a: DeLong; b: bootstrap of patients)"
        footer(figure, f"{counts}. {intervals}; (with the finding / without it).\n{note}")
        save_both(figure, stem)


def attention_boxplot(
    values: Sequence[float], by: Mapping[str, Sequence[str]], tests: Mapping[str, Any], stem: Path, note: str = ""
) -> None:
    """Draw the mean attention in the liver by stage as the paper's Fig. 5, one panel per grouping.

    Args:
        values: mean ``mean1`` map weight in the liver of each scan; NaN is unknown.
        by: title of a grouping (``predicted stage``, ``true stage``) and the stage of each scan in it.
        tests: per grouping, what `compare_stages` found.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
    """
    known = np.asarray(values, dtype=float)
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 3.6))
        panels = np.atleast_1d(figure.subplots(1, len(by), sharey=True))
        figure.subplots_adjust(left=0.085, right=0.99, top=0.87, bottom=0.235, wspace=0.05)
        for letter, axes, (title, stages) in zip("abc", panels, by.items(), strict=False):
            groups = [known[(np.asarray(stages) == name) & ~np.isnan(known)] for name in STAGES]
            _boxes(axes, groups)
            axes.set_xlabel(title[0].upper() + title[1:])
            axes.set_title(letter, loc="left", weight="bold")
            axes.set_title(_test_text(tests[title]["F0_against_F4"]), fontsize=7.5)
        panels[0].set_ylabel("Mean attention in the liver\n(mean1; 1 = even share)")
        footer(figure, f"Box: median and quartiles; whiskers: 1.5 IQR; each dot is a scan. {note}")
        save_both(figure, stem)


def map_figure(
    examples: Sequence[MapExample], stem: Path, note: str = "", slices: int = 4, greys: str = CT_GREYS
) -> None:
    """Draw one row per scan as the paper's Fig. 4: axial slices through the liver with the location map over them.

    Args:
        examples: the scans, in the order of the rows; at least one.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
        slices: axial slices per scan.
        greys: what the grey values are.
    """
    scenes = [Scene.of(example.ct, example.map, example.labels) for example in examples]
    # One colour scale for all rows, or they could not be compared; the median, lest one hot spot pale all others.
    top = float(np.median([scene.top for scene in scenes]))
    height = 0.62 + 1.13 * len(examples)
    widths = [1.0] * slices + [0.045]
    edges = {"left": 0.03, "right": 0.93, "top": 1 - 0.24 / height, "bottom": 0.36 / height}
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, height))
        grid = figure.add_gridspec(len(examples), slices + 1, width_ratios=widths, wspace=0.03, hspace=0.05, **edges)
        for row, (example, scene) in enumerate(zip(examples, scenes, strict=True)):
            for column, index in enumerate(scene.axial_slices(slices)):
                axes = figure.add_subplot(grid[row, column], facecolor="black")
                draw_slice(axes, scene.cut("axial", index), top, size=SMALL)
                if column == 0:
                    axes.set_ylabel(example.title)
        colour_bar(figure, figure.add_subplot(grid[:, slices]), top, "mean1", size=7.5)
        title = "Location maps of the predicted stage, out of fold; slices from the top to the bottom of the liver"
        figure.suptitle(title, fontsize=8, y=1 - 0.12 / height)
        footer(figure, f"{greys}; liver: blue line, spleen: white dashes.\n{note}", 0.06)
        save_both(figure, stem)


def threshold_title(name: str) -> str:
    """``F≥2`` for ``F>=2``."""
    return name.replace(">=", "≥")


def _draw_curve(axes: Axes, curve: RocCurve, label: str) -> None:
    colour, line = CURVES[curve.name]
    axes.plot(curve.false_positive_rate, curve.true_positive_rate, color=colour, linestyle=line, label=label)


def _curve_label(name: str, evaluation: Mapping[str, Any]) -> str:
    threshold = evaluation["thresholds"].get(name)
    if threshold is None:
        average = evaluation["averages"][name]
        return f"{name}: {average['auc']:.2f}{_interval(average.get('bootstrap'))} ({average['cases']} scans)"
    auc, thin = threshold["auc"], ", thin" if threshold["thin"] else ""
    counts = f"({threshold['positives']} / {threshold['negatives']}{thin})"
    return f"{threshold_title(name)}: {auc['value']:.2f}{_interval(auc['delong'])} {counts}"


def _interval(ends: Sequence[float] | None) -> str:
    return f" [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else ""


def _boxes(axes: Axes, groups: Sequence[Float[np.ndarray, " _"]]) -> None:
    positions = range(len(groups))
    axes.axhline(1.0, color="0.6", linewidth=0.8, linestyle="--")
    drawn = axes.boxplot(
        list(groups),
        positions=positions,
        widths=0.55,
        patch_artist=True,
        showfliers=False,
        medianprops={"color": "black"},
    )
    for box in drawn["boxes"]:
        box.set(facecolor="#CFE3F1", edgecolor="0.25")
    for k, group in enumerate(groups):
        # Evenly spread in the order of the values: reproducible, and no dot hides another.
        spread = np.argsort(np.argsort(group)) * 0.381966 % 1.0
        axes.plot(k + 0.36 * (spread - 0.5), group, "o", color=BLUE, markersize=2.4, alpha=0.75, markeredgewidth=0)
    axes.set_xticks(positions, [f"{name}\nn = {len(g)}" for name, g in zip(STAGES, groups, strict=True)])
    axes.grid(axis="y", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def _test_text(test: Mapping[str, Any]) -> str:
    if test["p_value"] is None:
        return f"F0 against F4: no test ({test['reason']})"
    p = p_text(test["p_value"])
    return f"F0 against F4: Mann-Whitney {p}\nP(F4 > F0) = {test['effect']:.2f}{_interval(test.get('effect_interval'))}"
