"""The paper's Fig. 2, drawn from the plan: from a CT to stage and location map, and how the folds are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from fibrolens.plan import STAGES, Plan, TrainingPlan
from fibrolens.report.drawing import SMALL, TWO_COLUMNS, draw_slice, footer, print_style, save_both
from fibrolens.report.figures import MapExample
from fibrolens.report.inner import places
from fibrolens.report.mr import scaled
from fibrolens.report.palette import BLUE, GREEN, ORANGE, VERMILION
from fibrolens.report.scene import Scene

#: The whole range of CT numbers that the paper names.
FULL_RANGE_HU = (-1024.0, 3071.0)
#: The canvas has units of inches: its height, where pictures stand, the middle of the network, from layer to layer.
HEIGHT, TOP, MIDDLE, STEP = 4.95, 3.72, 2.4, 0.62
#: Width and height of a picture.
PICTURE = (0.96, 0.86)
TINY = 6.0
Size = tuple[int, int, int]


@dataclass(frozen=True)
class Stage:
    """One step of the network as it is drawn.

    Args:
        name: ``Conv 1`` or ``Pool 1``.
        channels: of its output.
        size: slices, rows and columns of its output.
        words: what it does, below its box.
    """

    name: str
    channels: int
    size: Size
    words: str


def network_stages(plan: Plan) -> tuple[Stage, ...]:
    """The four convolutions and three poolings with the sizes that a slab has behind each."""
    size: Size = (plan.slab.slices, *plan.grid.in_plane)
    kernel = "×".join(map(str, plan.network.kernel))
    found = []
    for number, channels in enumerate(plan.network.channels, 1):
        stride = plan.network.stride if number == 1 else (1, 1, 1)
        # Padding keeps the size; only a stride halves it, rounding up.
        size = _each(size, stride, up=True)
        step = "" if stride == (1, 1, 1) else f"\nstride {'×'.join(map(str, stride))}"
        found.append(Stage(f"Conv {number}", channels, size, kernel + step))
        if number <= len(plan.network.pools):
            pool = plan.network.pools[number - 1]
            size = _each(size, pool, up=False)
            found.append(Stage(f"Pool {number}", channels, size, "×".join(map(str, pool))))
    return tuple(found)


def scheme_figure(
    plan: Plan, folds: int, stem: Path, example: MapExample | None = None, inner_scans: Sequence[int] = ()
) -> None:
    """Draw the overall scheme of the method.

    Args:
        plan: every decision of the study.
        folds: number of folds.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        example: a scan of the cohort to show; None draws the scheme without pictures.
        inner_scans: scans of each fold's inner split, 0 where it has none; empty where that is not known.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, HEIGHT))
        canvas = figure.add_axes((0, 0, 1, 1))
        canvas.set(xlim=(0, TWO_COLUMNS), ylim=(0, HEIGHT))
        canvas.set_axis_off()
        scene = None if example is None else Scene.of(example.ct, example.map, example.labels)
        _input(figure, canvas, plan, scene)
        _network(canvas, plan)
        _explanation(figure, canvas, scene, example)
        _folds(canvas, folds, _training(plan.training, inner_scans))
        footer(figure, _caption(plan))
        save_both(figure, stem)


def _input(figure: Figure, canvas: Axes, plan: Plan, scene: Scene | None) -> None:
    """Top row, left: the CT, the window, the slab."""
    low, high = plan.grid.window_hu
    d, h, w = plan.grid.spacing_mm
    rows, columns = plan.grid.in_plane
    of_mr = plan.grid.intensity == "mr"
    words = (
        f"{'MR' if of_mr else 'CT, portal venous'},\nwhole upper abdomen",
        f"{scaled(plan.grid)};\n{d:g} × {h:g} × {w:g} mm",
        f"slab of {plan.slab.slices} × {rows} × {columns},\nat random in the liver",
    )
    canvas.text(0.1, TOP + 1.05, "a  Input", weight="bold")
    for number, text in enumerate(words):
        left = 0.1 + 1.32 * number
        window = FULL_RANGE_HU if number == 0 and not of_mr else (low, high)
        for step in (3, 2, 1) if number == 2 else ():
            place = (left + 0.045 * step, TOP + 0.035 * step)
            canvas.add_patch(Rectangle(place, *PICTURE, facecolor="0.35", edgecolor="white", linewidth=0.6))
        axes = _frame(figure, canvas, left, scene)
        if axes is not None and scene is not None:
            _draw_ct(axes, scene, window)
        canvas.text(left + 0.48, TOP - 0.07, text, ha="center", va="top", fontsize=SMALL)
        if number:
            _arrow(canvas, (left - 0.31, TOP + 0.42), (left - 0.04, TOP + 0.42))


def _frame(figure: Figure, canvas: Axes, left: float, scene: Scene | None) -> Axes | None:
    """Axes for a picture of the top row; a grey box and None where there is no scan to show."""
    if scene is None:
        canvas.add_patch(Rectangle((left, TOP), *PICTURE, facecolor="0.6", edgecolor="0.2"))
        return None
    width, height = PICTURE
    return figure.add_axes((left / TWO_COLUMNS, TOP / HEIGHT, width / TWO_COLUMNS, height / HEIGHT))


def _draw_ct(axes: Axes, scene: Scene, window: tuple[float, float]) -> None:
    """The middle axial slice through the liver, stretched to its frame."""
    picture = scene.cut("axial", scene.axial_slices(3)[1]).ct
    axes.imshow(picture, cmap="gray", vmin=window[0], vmax=window[1], aspect="auto", interpolation="bilinear")
    axes.set(xticks=[], yticks=[])


def _network(canvas: Axes, plan: Plan) -> None:
    """Second row: the layers, each as high as its feature maps are wide and the wider, the more channels it has."""
    canvas.text(0.1, MIDDLE + 0.8, "b  LFS network", weight="bold")
    stages = network_stages(plan)
    most = max(stage.size[-1] for stage in stages)
    for number, stage in enumerate(stages):
        x, convolution = _place(number), stage.name.startswith("Conv")
        height = 0.28 + 0.62 * stage.size[-1] / most
        depth = 0.1 + 0.03 * np.log2(stage.channels) if convolution else 0.08
        _block(canvas, (x, MIDDLE), (depth, height), BLUE if convolution else ORANGE)
        _arrow(canvas, (x + depth + 0.12, MIDDLE), (x + STEP - 0.02, MIDDLE))
        channels = f"\n{stage.channels} ch" if convolution else ""
        _under(canvas, x, f"{stage.name}\n{stage.words}{channels}")
        if convolution:
            size = "×".join(map(str, stage.size))
            canvas.text(x + 0.16, MIDDLE + height / 2 + 0.14, size, ha="center", va="bottom", fontsize=TINY)
    for name, units, shift, height in (("FC 1", plan.network.hidden, 0.0, 0.9), ("FC 2", len(STAGES), 0.55, 0.45)):
        x = _place(len(stages)) + shift
        _block(canvas, (x, MIDDLE), (0.07, height), GREEN)
        _arrow(canvas, (x + 0.19, MIDDLE), (x + 0.53, MIDDLE))
        _under(canvas, x, f"{name}\n{units} units")
    chances = "softmax\n" + "\n".join(f"P({stage})" for stage in STAGES)
    canvas.text(_place(len(stages)) + 1.13, MIDDLE, chances, va="center", fontsize=SMALL)


def _explanation(figure: Figure, canvas: Axes, scene: Scene | None, example: MapExample | None) -> None:
    """Top row, right: the location map of the predicted stage, and from which layers it comes."""
    left = 4.2
    canvas.text(left, TOP + 1.05, "c  Location map of the predicted stage", weight="bold")
    axes = _frame(figure, canvas, left, scene)
    if axes is not None and scene is not None:
        draw_slice(axes, scene.cut("axial", scene.axial_slices(3)[1]), scene.top, size=5.0)
        axes.set_aspect("auto")
    shown = "" if example is None else f"\n\nhere: {example.title}"
    words = f"3D Grad-CAM at conv 3,\nconv 4, and their mean;\nscale mean1: 1.0 is an\neven share of the body{shown}"
    canvas.text(left + 1.05, TOP + 0.85, words, va="top", fontsize=SMALL, linespacing=1.25)
    # From both layers up to a common line, and from there to the map.
    line, middle = MIDDLE + 0.88, left + 0.48
    for number in (4, 6):
        x = _place(number) + 0.16
        canvas.plot([x, x, middle], [line - 0.3, line, line], color="0.25", linewidth=0.9)
    _arrow(canvas, (middle, line), (middle, TOP - 0.03))


def _folds(canvas: Axes, folds: int, training: str) -> None:
    """Bottom row: what each fold's network is fitted on, watched on, and tested on; `training` says the first two."""
    canvas.text(0.1, 1.3, f"d  {folds}-fold cross-validation; all scans of a patient lie in one fold", weight="bold")
    width, height = 2.6 / folds, 0.75 / folds
    for row in range(folds):
        for column in range(folds):
            own = row == column
            place = (0.1 + column * width, 1.2 - (row + 1) * height)
            face, alpha = (VERMILION, 1.0) if own else (BLUE, 0.45)
            canvas.add_patch(Rectangle(place, 0.95 * width, 0.85 * height, facecolor=face, alpha=alpha))
            if own:
                middle = (place[0] + 0.475 * width, place[1] + 0.4 * height)
                size = min(TINY, 40 * height)
                canvas.text(*middle, str(row), color="white", fontsize=size, ha="center", va="center_baseline")
    test = "test (number: fold): predicted, explained, evaluated;\nno part in training or in the choice of a cut"
    for number, (colour, alpha, text) in enumerate(((VERMILION, 1.0, test), (BLUE, 0.45, training))):
        y = 1.05 - 0.38 * number
        canvas.add_patch(Rectangle((2.95, y - 0.05), 0.14, 0.1, facecolor=colour, alpha=alpha))
        canvas.text(3.18, y, text, va="center", fontsize=SMALL)


def _training(plan: TrainingPlan, inner_scans: Sequence[int]) -> str:
    """What the patients of the other folds are for."""
    place = places(inner_scans)
    if place is None:
        return "training: all of these patients;\ntoo few for an inner split" if inner_scans else "training"
    aims = "for early stopping and for the cuts" if plan.check_every else "for the cuts"
    return f"training: {place} an inner split of these patients\nis kept away, {aims}"


def _place(number: int) -> float:
    """Where the box of a step of the network begins."""
    return 0.2 + STEP * number


def _under(canvas: Axes, x: float, text: str) -> None:
    canvas.text(x + 0.16, MIDDLE - 0.52, text, ha="center", va="top", fontsize=TINY)


def _block(canvas: Axes, place: tuple[float, float], size: tuple[float, float], colour: str) -> None:
    """A box seen from the side, its left middle at `place`."""
    (x, y), (depth, height) = place, size
    shift = 0.1
    low, high = y - height / 2, y + height / 2
    style: dict[str, Any] = {"edgecolor": "0.2", "linewidth": 0.5}
    canvas.add_patch(Rectangle((x, low), depth, height, facecolor=colour, alpha=0.85, **style))
    top = [(x, high), (x + shift, high + shift), (x + depth + shift, high + shift), (x + depth, high)]
    side = [(x + depth, low), (x + depth + shift, low + shift), (x + depth + shift, high + shift), (x + depth, high)]
    for corners, alpha in ((top, 0.55), (side, 0.4)):
        canvas.add_patch(Polygon(corners, facecolor=colour, alpha=alpha, **style))


def _arrow(canvas: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "lw": 0.9, "color": "0.25", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
    canvas.annotate("", end, start, arrowprops=style)


def _caption(plan: Plan) -> str:
    windows = f"At test, softmax and maps are the mean of slabs of {plan.slab.slices} slices, {plan.slab.stride} apart."
    return f"Conv: kernel, channels (ch), size of its feature maps; Pool: max-pooling; FC: fully connected.\n{windows}"


def _each(size: Size, step: Size, up: bool) -> Size:
    """Each length divided by its step, rounded up or down."""
    d, h, w = (-(-n // s) if up else n // s for n, s in zip(size, step, strict=True))
    return d, h, w
