"""The figure of the known truth: one patient per arm, where the sign was planted and where the maps look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.report.audit_words import ARMS, FAILED, PASSED, title_of
from fibrolens.report.drawing import (
    SMALL,
    TWO_COLUMNS,
    colour_bar,
    footer,
    map_colours,
    print_style,
    save_both,
)

#: Upper end of the colour scale, the same for every picture, so that they can be compared.
TOP = 4.0
#: Of the outline of what was planted: seen on grey as on the map's colours.
OUTLINE = "#56B4E9"
#: Inches: height of a row, and of what stands above and below all rows.
ROW, ABOVE, BELOW = 1.22, 0.25, 0.62


@dataclass(frozen=True, eq=False)
class TruthExample:
    """One axial slice of one correctly staged F4 of an arm, by radiological convention.

    Args:
        scan_id: of the patient.
        slice_index: of the slice, on the network grid.
        image: the windowed CT, 0 to 255.
        labels: 1 liver, 2 spleen.
        evidence: where the sign was planted.
        maps: of each recipe, scale ``mean1``.
        first: of each recipe, whether the whole map is densest in the true region; None where that is not known.
        pixel: height and width in millimetres.
    """

    scan_id: str
    slice_index: int
    image: Shaped[np.ndarray, "h w"]
    labels: Shaped[np.ndarray, "h w"]
    evidence: Bool[np.ndarray, "h w"]
    maps: Mapping[str, Float[np.ndarray, "h w"]]
    first: Mapping[str, bool | None]
    pixel: tuple[float, float]


def examples_figure(examples: Mapping[str, TruthExample], recipes: Sequence[str], stem: Path) -> tuple[Path, Path]:
    """A row per arm: the CT with what was planted, then the map of every recipe over it.

    Args:
        examples: of each arm its patient; at least one.
        recipes: names of the maps that are shown, those that an example lacks stay empty.
        stem: of the files ``.png`` and ``.svg``.

    Raises:
        ValueError: there is no example.
    """
    if not examples:
        raise ValueError("a figure of examples needs at least one")
    height = ROW * len(examples) + ABOVE + BELOW
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, height))
        place = {"left": 0.09, "right": 0.91, "top": 1 - ABOVE / height, "bottom": BELOW / height}
        grid = figure.add_gridspec(len(examples), len(recipes) + 1, wspace=0.04, hspace=0.16, **place)
        for row, (arm, example) in enumerate(examples.items()):
            panels = [figure.add_subplot(grid[row, column]) for column in range(len(recipes) + 1)]
            _draw(panels[0], example, None)
            panels[0].set_ylabel(f"{ARMS[arm]}\n{example.scan_id}", fontsize=SMALL)
            for axes, name in zip(panels[1:], recipes, strict=True):
                _draw(axes, example, name)
            if row == 0:
                for axes, name in zip(panels, ("CT", *map(title_of, recipes)), strict=True):
                    axes.set_title(name, fontsize=7, pad=3)
        middle = 0.5 * (place["top"] + place["bottom"])
        colour_bar(figure, figure.add_axes((0.925, middle - 0.2, 0.013, 0.4)), TOP, "mean1", SMALL)
        footer(
            figure,
            "Simulated patients with F4, staged correctly by the first network of each arm; the slice with most of the "
            "planted sign. Blue outline: where the sign was planted. Below each map: whether the whole map is densest "
            "in the true region. The patient's right is on the left.",
        )
        return save_both(figure, stem)


def _draw(axes: Axes, example: TruthExample, name: str | None) -> None:
    """The CT with the outline, and over it the map of `name`."""
    rows, columns = _box(example)
    picture = example.image[rows, columns]
    height, width = (n * mm for n, mm in zip(picture.shape, example.pixel, strict=True))
    extent = (0.0, width, height, 0.0)
    axes.set(xticks=[], yticks=[], facecolor="black")
    if name is not None and name not in example.maps:
        axes.text(0.5, 0.5, "not made", transform=axes.transAxes, color="white", ha="center", fontsize=SMALL)
        return
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="bilinear")
    if name is not None:
        cut = example.maps[name][rows, columns]
        axes.imshow(cut, cmap=map_colours(), vmin=0, vmax=TOP, extent=extent, interpolation="bilinear")
        axes.set_xlabel(_named(example.first.get(name)), fontsize=SMALL, labelpad=1.5)
    inside: Float[np.ndarray, "h w"] = example.evidence[rows, columns].astype(float)
    if inside.any() and not inside.all():
        x = (np.arange(inside.shape[1]) + 0.5) * example.pixel[1]
        y = (np.arange(inside.shape[0]) + 0.5) * example.pixel[0]
        axes.contour(x, y, inside, levels=[0.5], colors=OUTLINE, linewidths=0.8)


def _named(first: bool | None) -> str:
    if first is None:
        return "not known"
    return f"{PASSED} true region first" if first else f"{FAILED} another region first"


def _box(example: TruthExample) -> tuple[slice, slice]:
    """Rows and columns that hold all that is not air, of the smallest box."""
    body = example.image > 0
    if not body.any():
        return slice(None), slice(None)
    rows, columns = (np.flatnonzero(body.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
