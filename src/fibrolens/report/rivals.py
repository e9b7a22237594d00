"""The rivals of a study's network: a table of AUCs and paired differences, and one forest plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.csvfile import Cell
from fibrolens.report.drawing import SMALL, TWO_COLUMNS, footer, print_style, save_both
from fibrolens.report.palette import BLUE, GREEN, VERMILION
from fibrolens.report.tables import THRESHOLDS, Table, p_text, ranged

#: The paper's three questions, in its order.
ASKED = ("F>=2", "F>=3", "F4")
#: Markers that the forest plot shows alone; the table has all.
PLOTTED = ("spleen_volume_ml", "liver_volume_ml", "lsvr", "lsn", "texture_sd_hu", "fib4", "apri")
STUDY, LFS, LIVER = "study", "lfs", "liver-only"
COLOURS = {"network": BLUE, "markers": GREEN}
#: Inches of one line of the forest, and of what stands around the lines.
LINE, AROUND = 0.155, 1.15
#: Adjusted p-values below this fill a sign.
SIGNIFICANT = 0.05
LEAST_AUC = 0.4


def exact(evaluation: Mapping[str, Any]) -> Table:
    """Every AUC and difference, a row per system and threshold."""
    rows: list[tuple[Cell, ...]] = []
    for system in evaluation["rivals"]:
        known = (system["name"], system["title"], system["kind"], system["against"], system["scans"])
        for threshold in ASKED:
            entry = system["thresholds"][threshold]
            area, apart = entry["auc"] or {}, entry["difference"] or {}
            rows.append(
                (
                    *(*known, threshold, entry["positives"], entry["negatives"], area.get("value")),
                    *(*_ends(area, "delong"), *_ends(area, "bootstrap"), apart.get("value")),
                    *(*_ends(apart, "delong"), *_ends(apart, "bootstrap")),
                    *(apart.get("scans"), apart.get("p_value"), apart.get("p_adjusted")),
                )
            )
    columns = (
        *("system", "title", "kind", "against", "scans", "threshold", "positives", "negatives", "auc"),
        *("delong_low", "delong_high", "bootstrap_low", "bootstrap_high", "difference"),
        *("difference_delong_low", "difference_delong_high", "difference_bootstrap_low", "difference_bootstrap_high"),
        *("common_scans", "p_value", "p_adjusted"),
    )
    return Table("rivals", "Every system on the same folds", columns, tuple(rows))


def printed(evaluation: Mapping[str, Any]) -> Table:
    """The systems of the forest plot, numbered, with AUC and difference at the paper's three thresholds."""
    systems = _by_name(evaluation)
    shown = {name: system for name, system in systems.items() if _plotted(name, system)}
    numbers = {name: number for number, name in enumerate(shown, 1)}
    rows = tuple(
        (
            numbers[name],
            _called(system, systems),
            system["scans"],
            numbers.get(system["against"], ""),
            *(cell for threshold in ASKED for cell in _cells(system["thresholds"][threshold])),
        )
        for name, system in shown.items()
    )
    columns = (
        *("No.", "System", "Scans", "Against"),
        *(text for name in ASKED for text in (f"{name} AUC", "Difference; p")),
    )
    tests = sum(bool(entry["difference"]) for system in systems.values() for entry in system["thresholds"].values())
    note = (
        "AUC [95 % DeLong interval]; difference: AUC less that of the system under Against, on the scans that both "
        f"score [95 % DeLong interval]; p: two-sided, adjusted by Holm over all {tests} differences, those of the "
        "other markers in tables/rivals.csv among them. "
        f"{' '.join(_begun(systems))} {' '.join(_not_scored(systems))}"
    )
    return Table("rivals", "Other systems on the same folds", columns, rows, f"{note} {answer(evaluation)}".strip())


def answer(evaluation: Mapping[str, Any]) -> str:
    """Whether the upper abdomen beats the segmented liver, where both were tried; else nothing."""
    systems = _by_name(evaluation)
    if LIVER not in systems:
        return ""
    told, adjusted = [], []
    for name in ASKED:
        apart = systems[LIVER]["thresholds"][name]["difference"]
        if apart is not None:
            ends = apart["delong"] and [-end for end in reversed(apart["delong"])]
            told.append(f"{name} {_signed(-apart['value'], ends)}, {p_text(apart['p_value'])}")
            adjusted.append(p_text(apart["p_adjusted"]))
    return (
        f"The upper abdomen against the segmented liver, both by the LFS network and begun alike: {'; '.join(told)}; "
        f"adjusted over all differences {', '.join(adjusted)}."
        if told
        else ""
    )


def forest_figure(evaluation: Mapping[str, Any], stem: Path) -> tuple[Path, Path]:
    """A panel per threshold with a line per system: its AUC with the 95 % interval.

    Args:
        evaluation: content of ``evaluation.json``.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    shown = {name: system for name, system in _by_name(evaluation).items() if _plotted(name, system)}
    areas = [entry["auc"] for system in shown.values() for entry in system["thresholds"].values() if entry["auc"]]
    low = min([LEAST_AUC + 0.1, *((area["delong"] or [area["value"]])[0] for area in areas)])
    with print_style():
        height = LINE * len(shown) + AROUND
        figure = Figure(figsize=(TWO_COLUMNS, height))
        panels = figure.subplots(1, len(ASKED))
        for axes, name in zip(panels, ASKED, strict=True):
            _forest(axes, {key: system["thresholds"][name] for key, system in shown.items()}, shown)
            axes.set(xlim=(max(low - 0.02, 0.0), 1.0), xlabel="AUC", ylim=(len(shown) - 0.4, -0.6))
            axes.set_title(THRESHOLDS[name].replace(" (", "\n("), fontsize=SMALL + 0.5)
        for line, system in enumerate(shown.values()):
            words = _called(system, shown)
            place = panels[0].get_yaxis_transform()
            panels[0].text(-0.04, line, words, transform=place, ha="right", va="center", fontsize=SMALL)
        figure.subplots_adjust(left=0.29, right=0.885, top=1 - 0.35 / height, bottom=0.75 / height, wspace=0.9)
        footer(
            figure,
            "Blue: networks; green: marker models; red: the network of the study. Filled: differs from the system "
            f"that it is compared with (p < {SIGNIFICANT}, Holm over all tests). Bars: 95 % DeLong.",
        )
        return save_both(figure, stem)


def _by_name(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    return {system["name"]: system for system in evaluation["rivals"]}


def _forest(axes: Axes, entries: Mapping[str, Mapping[str, Any]], shown: Mapping[str, Any]) -> None:
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.patch.set_visible(False)
    axes.set_yticks([])
    for line, (name, entry) in enumerate(entries.items()):
        area = entry["auc"]
        words = "not scored" if area is None else ranged(area["value"], area["delong"])
        axes.text(1.03, line, words, transform=axes.get_yaxis_transform(), ha="left", va="center", fontsize=SMALL - 1)
        if area is None:
            continue
        colour = VERMILION if name == STUDY else COLOURS[shown[name]["kind"]]
        differs = name == STUDY or _differs(entry)
        axes.plot(area["value"], line, "o", color=colour, mfc=colour if differs else "white", markersize=4, zorder=3)
        if area["delong"] is not None:
            axes.plot(area["delong"], (line, line), color=colour, linewidth=1.1, zorder=2)
        if name == STUDY:
            axes.axvline(area["value"], color=colour, linewidth=0.6, linestyle="--", zorder=1)


def _called(system: Mapping[str, Any], systems: Mapping[str, Any]) -> str:
    """Its title, with what it began with where another has the same title."""
    same = [other for other in systems.values() if other["title"] == system["title"]]
    begun = "random" if system.get("initial_weights", "random").startswith("random") else "trained"
    return system["title"] if len(same) == 1 else f"{system['title']}, {begun}"


def _plotted(name: str, system: Mapping[str, Any]) -> bool:
    alone = system["kind"] == "markers" and len(system.get("markers", ())) == 1
    return bool(system["scans"]) and (not alone or name in PLOTTED)


def _differs(entry: Mapping[str, Any]) -> bool:
    apart = entry["difference"]
    return apart is not None and apart["p_adjusted"] is not None and apart["p_adjusted"] < SIGNIFICANT


def _cells(entry: Mapping[str, Any]) -> tuple[str, str]:
    area, apart = entry["auc"], entry["difference"]
    own = entry["reason"] if area is None else ranged(area["value"], area["delong"])
    return own, "–" if apart is None else f"{_signed(apart['value'], apart['delong'])}; {p_text(apart['p_adjusted'])}"


def _signed(value: float, ends: list[float] | None) -> str:
    text = f"{value:+.2f}"
    return text if ends is None else f"{text} [{ends[0]:+.2f}, {ends[1]:+.2f}]"


def _ends(entry: Mapping[str, Any], method: str) -> tuple[Cell, Cell]:
    low, high = entry.get(method) or (None, None)
    return low, high


def _begun(systems: Mapping[str, Any]) -> Iterator[str]:
    """What the networks began with, where that differs."""
    begun = {s["initial_weights"] for s in systems.values() if s["kind"] == "network"}
    if len(begun) > 1:
        yield (
            f"The network of the study began with {systems[STUDY]['initial_weights']}, the other networks with random "
            "weights, and those are compared among themselves."
        )


def _not_scored(systems: Mapping[str, Any]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for system in systems.values():
        if not system["scans"]:
            reasons.setdefault(system["reason"], []).append(system["title"])
    for reason, titles in reasons.items():
        yield f"Not scored: {', '.join(titles)} ({reason})."
