"""Conformal stage sets and deferral of a study: what the sets hold, and what is gained by passing on doubtful scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from fibrolens.csvfile import Cell
from fibrolens.plan import STAGES
from fibrolens.report.drawing import TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.palette import BLUE, GREEN, ORANGE, VERMILION
from fibrolens.report.tables import Table, ranged

#: Per cent deferred in the printed table.
PRINTED = (0, 10, 20, 30, 50)
#: Thresholds of the figure with colour, line and title; the paper's three.
CURVES: dict[str, tuple[str, Any, str]] = {
    "F>=2": (BLUE, "-", "F≥2"),
    "F>=3": (ORANGE, "--", "F≥3"),
    "F4": (VERMILION, "-.", "F4"),
}
#: Colour, marker and shift to the side of each claim.
CLAIMS = ((BLUE, "o", -0.22), (VERMILION, "s", 0.0), (GREEN, "^", 0.22))


def coverage(evaluation: Mapping[str, Any]) -> Table:
    """Coverage and mean size of the sets at every claim: of all scans, per true stage, per size of the set."""
    rows: list[tuple[Cell, ...]] = []
    for found in evaluation["conformal"]["claims"]:
        groups = [("all", "", found["coverage"], found["mean_size"])]
        groups += [("true stage", k, s["coverage"], s["mean_size"]) for k, s in found["per_stage"].items()]
        groups += [("size of the set", n, share, float(n)) for n, share in found["per_size"].items()]
        for group, name, share, size in groups:
            low, high = share["interval"] or (None, None)
            rows.append((found["claim"], group, name, share["count"], share["of"], share["value"], low, high, size))
    columns = ("claim", "scans", "group", "covered", "of", "coverage", "low", "high", "mean_size")
    return Table("conformal", "Conformal stage sets", columns, tuple(rows))


def coverage_printed(evaluation: Mapping[str, Any]) -> Table:
    """Coverage as it is printed: claims down; all scans, then true stages across."""
    rows: list[tuple[Cell, ...]] = []
    for found in evaluation["conformal"]["claims"]:
        groups = [found, *(found["per_stage"][stage] for stage in STAGES)]
        rows.append((_percent(found["claim"]), "Coverage, %", *(_share(group["coverage"]) for group in groups)))
        rows.append((_percent(found["claim"]), "Mean size", *(_size(group["mean_size"]) for group in groups)))
    note = (
        "% [95 % Wilson interval] (covered/scans); size: stages in a set. The claim holds for scans of this mix as a "
        f"whole, not for each stage. {_folds(evaluation['conformal']['claims'])}"
    )
    columns = ("Claim", "Figure", "All scans", *STAGES)
    return Table("conformal", "Conformal stage sets: do they hold the true stage?", columns, tuple(rows), note)


def deferral(evaluation: Mapping[str, Any]) -> Table:
    """Every figure of the deferral curve, a row each."""
    rows: list[tuple[Cell, ...]] = []
    for point in evaluation["deferral"]["curve"]:
        start = (point["deferred"], point["kept"], point["least_certainty"])
        share = point["correct"]
        low, high = share["interval"] or (None, None)
        rows.append((*start, "correct", share["value"], low, high, share["count"], share["of"]))
        for name, area in point["auc"].items():
            low, high = area["interval"] or (None, None)
            scans = area["positives"] + area["negatives"]
            rows.append((*start, f"auc {name}", area["value"], low, high, area["positives"], scans))
    measures = ("measure", "value", "low", "high", "count", "of")
    columns = ("deferred_percent", "kept", "least_certainty", *measures)
    return Table("deferral", "Deferral of the least certain scans", columns, tuple(rows))


def deferral_printed(evaluation: Mapping[str, Any]) -> Table:
    """The deferral curve at a few shares, as it is printed."""
    found = evaluation["deferral"]
    points = [point for point in found["curve"] if point["deferred"] in PRINTED]
    rows = tuple(
        (
            f"{point['deferred']} %",
            point["kept"],
            _share(point["correct"]),
            *(_area(point["auc"][name]) for name in CURVES),
            ", ".join(f"{count} {stage}" for stage, count in point["stages"].items()) or "–",
        )
        for point in points
    )
    knows = found["knows_errors"]
    told = knows.get("reason") if knows["value"] is None else ranged(knows["value"], knows["interval"])
    note = (
        f"Figures of the scans that stay; certainty: {found['certainty']}. Right: the most probable stage is one that "
        "the reference allows, % [95 % interval] (scans). An AUC may also rise because stages between F0 and F4 go. "
        f"How often a scan that is staged rightly is more certain than another: {told} (0.5: certainty knows nothing)."
    )
    columns = ("Deferred", "Stay", "Right", *(f"AUC {title}" for _, _, title in CURVES.values()), "Deferred stages")
    return Table("deferral", "Deferral of the least certain scans", columns, rows, note)


def deferral_figure(conformal: Mapping[str, Any], curve: Sequence[Mapping[str, Any]], stem: Path) -> None:
    """Draw a) the coverage of the sets by true stage, and of the scans that stay b) errors and c) AUCs.

    Args:
        conformal: ``conformal`` of ``evaluation.json``.
        curve: ``curve`` of its ``deferral``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    with print_style():
        figure = Figure(figsize=(TWO_COLUMNS, 3.2))
        panels = figure.subplots(1, 3, width_ratios=(1.25, 1, 1))
        figure.subplots_adjust(left=0.075, right=0.99, top=0.92, bottom=0.335, wspace=0.3)
        _coverage(panels[0], conformal["claims"])
        _errors(panels[1], curve)
        _areas(panels[2], curve)
        for axes, title in zip(panels, ("a  Coverage of the sets", "b  Errors", "c  AUC"), strict=True):
            axes.set_title(title, loc="left", weight="bold")
            axes.grid(axis="y", color="0.92", linewidth=0.6)
            axes.set_axisbelow(True)
        # Below the panels, for within them marks may lie anywhere.
        for axes, at in ((panels[0], (0.04, 0.055)), (panels[2], (0.7, 0.055))):
            figure.legend(
                *axes.get_legend_handles_labels(), loc="lower left", bbox_to_anchor=at, ncols=3, frameon=False
            )
        note = "Bars, band: 95 % intervals. a: dashed lines, the claims; n: scans. b, c: scans that stay."
        footer(figure, note, 0.05)
        save_both(figure, stem)


def _coverage(axes: Axes, claims: Sequence[Mapping[str, Any]]) -> None:
    for found, (colour, marker, shift) in zip(claims, CLAIMS, strict=True):
        groups = [found["coverage"], *(found["per_stage"][stage]["coverage"] for stage in STAGES)]
        known = [(k + shift, group) for k, group in enumerate(groups) if group["of"]]
        middle = [100 * group["value"] for _, group in known]
        low = [max(0.0, m - 100 * g["interval"][0]) for m, (_, g) in zip(middle, known, strict=True)]
        high = [max(0.0, 100 * g["interval"][1] - m) for m, (_, g) in zip(middle, known, strict=True)]
        style: dict[str, Any] = {"color": colour, "marker": marker, "label": f"claim {_percent(found['claim'])}"}
        axes.axhline(100 * found["claim"], color=colour, linewidth=0.7, linestyle="--", alpha=0.7)
        places = [place for place, _ in known]
        axes.errorbar(places, middle, yerr=[low, high], linestyle="none", markersize=3.4, elinewidth=0.9, **style)
    counts = [claims[0]["coverage"]["of"], *(claims[0]["per_stage"][s]["coverage"]["of"] for s in STAGES)]
    names = [f"{name}\n{count}" for name, count in zip(("All", *STAGES), counts, strict=True)]
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="Sets that hold the true stage (%)", ylim=(-3, 103), xlabel="True stage, n")


def _errors(axes: Axes, curve: Sequence[Mapping[str, Any]]) -> None:
    """Share that is staged wrongly, with its interval as a band."""
    known = [(point["deferred"], point["correct"]) for point in curve if point["correct"]["of"]]
    share = [deferred for deferred, _ in known]
    low, high = ([100 * (1 - found["interval"][end]) for _, found in known] for end in (1, 0))
    axes.fill_between(share, low, high, color="0.25", alpha=0.13, linewidth=0)
    axes.plot(share, [100 * (1 - found["value"]) for _, found in known], color="0.25")
    axes.set(xlabel="Deferred scans (%)", ylabel="Staged wrongly (%)", ylim=(0, None))


def _areas(axes: Axes, curve: Sequence[Mapping[str, Any]]) -> None:
    """The AUCs; their intervals at the shares of the printed table, as bands would hide each other."""
    for number, (name, (colour, line, title)) in enumerate(CURVES.items()):
        known = [(p["deferred"], p["auc"][name]) for p in curve if p["auc"][name]["value"] is not None]
        style: dict[str, Any] = {"color": colour}
        axes.plot([at for at, _ in known], [area["value"] for _, area in known], linestyle=line, label=title, **style)
        bars = [(at, area) for at, area in known if at in PRINTED and area["interval"] is not None]
        middle = [area["value"] for _, area in bars]
        ends = [[max(0.0, s * (area["interval"][k] - area["value"])) for _, area in bars] for k, s in ((0, -1), (1, 1))]
        places = [at + 1.6 * (number - 1) for at, _ in bars]
        axes.errorbar(places, middle, yerr=ends, linestyle="none", marker=".", markersize=4, elinewidth=0.9, **style)
    axes.set(xlabel="Deferred scans (%)", ylabel="AUC", xlim=(-4, 74), ylim=(None, 1.005))
    axes.yaxis.set_major_locator(MultipleLocator(0.05))
    axes.yaxis.set_major_formatter("{x:.2f}")


def _folds(claims: Sequence[Mapping[str, Any]]) -> str:
    """What the thresholds were taken from, and which folds could not give one."""
    folds = claims[0]["folds"]
    cases = sorted({fold["cases"] for fold in folds})
    text = f"Each fold's threshold comes from the {_between(cases)} scans of its inner split."
    for found in claims:
        if few := [str(fold["fold"]) for fold in found["folds"] if fold["threshold"] is None]:
            text += (
                f" At {_percent(found['claim'])} these were too few in fold {', '.join(few)}: all stages in each set."
            )
    return text


def _between(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _percent(claim: float) -> str:
    return f"{100 * claim:g} %"


def _share(found: Mapping[str, Any]) -> str:
    if not found["of"]:
        return "–"
    return f"{ranged(found['value'], found['interval'], 100.0, 1)} ({found['count']}/{found['of']})"


def _size(size: float | None) -> str:
    return "–" if size is None else f"{size:.1f}"


def _area(area: Mapping[str, Any]) -> str:
    return f"{ranged(area['value'], area['interval'])}{' (thin)' if area['thin'] else ''}"
