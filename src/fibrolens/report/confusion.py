"""The confusion matrix of a study, as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fibrolens.plan import STAGES
from fibrolens.report.drawing import ONE_COLUMN, SMALL, footer, print_style, save_both


def confusion_figure(confusion: Mapping[str, Any], stem: Path, note: str = "") -> None:
    """Draw true against predicted stage: in each cell the count, and its share of the true stage as shade and number.

    Args:
        confusion: ``confusion`` of ``evaluation.json``; scans whose stage is a set are not in it.
        stem: path without ending; ``.png`` and ``.svg`` are written.
        note: what to say below, beside the intended use.
    """
    counts = np.array(confusion["counts"], dtype=int)
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    with print_style():
        figure = Figure(figsize=(ONE_COLUMN, 3.3))
        axes = figure.add_axes((0.2, 0.21, 0.78, 0.77))
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            # White words need a dark ground.
            colour = "white" if shares[row, column] > 0.55 else "black"
            label = f"{count}\n{shares[row, column]:.0%}" if count else "0"
            axes.text(column, row, label, ha="center", va="center", fontsize=SMALL, color=colour)
        axes.set_xticks(range(len(STAGES)), STAGES)
        axes.set_yticks(range(len(STAGES)), [f"{name}\nn = {n}" for name, n in zip(STAGES, totals, strict=True)])
        axes.set(xlabel="Predicted stage (most probable)", ylabel="True stage")
        axes.tick_params(length=0)
        axes.set_xticks(np.arange(len(STAGES)) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(STAGES)) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=1.2)
        axes.tick_params(which="minor", length=0)
        footer(figure, f"Scans, out of fold; %: share of the true stage.\n{note}")
        save_both(figure, stem)
