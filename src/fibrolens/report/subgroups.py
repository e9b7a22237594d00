"""The figures of every group of patients of a study, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.report.tables import Table, p_text, ranged

#: In the order of the tables; other groupings follow.
ORDER = ("Sex", "Age", "Aetiology", "Site", "Vendor", "Slice thickness", "Steatosis")
#: Thresholds with their titles.
THRESHOLDS = {"F>=2": "F2", "F>=3": "F3", "F4": "F4"}
MEASURES = ("auc", "sensitivity", "specificity")
CALLS = ("Sensitivity, %", "Specificity, %", "Sets hold, %")


def exact(evaluation: Mapping[str, Any]) -> Table:
    """Every figure of every group, a row each."""
    rows: list[tuple[Cell, ...]] = []
    for title, group in _groups(evaluation):
        start = (title, group["name"], group["scans"])
        rows.append((*start, None, "coverage", *_figure(group["coverage"]), None, None))
        for name in THRESHOLDS:
            found = group["thresholds"][name]
            apart = found["difference"]
            rows += [
                *((*start, name, measure, *_figure(found[measure]), None, None) for measure in MEASURES),
                (*start, name, "auc minus rest", *_figure(apart), apart["p_value"], apart.get("p_adjusted")),
            ]
    measures = ("threshold", "measure", "value", "low", "high", "count", "of", "p_value", "p_adjusted")
    return Table("subgroups", "Groups of patients", ("grouping", "group", "scans", *measures), tuple(rows))


def printed(evaluation: Mapping[str, Any]) -> Table:
    """Groups and thresholds down; counts, AUC and its difference from the rest, calls and coverage across."""
    rows: list[tuple[Cell, ...]] = []
    for title, group in _groups(evaluation):
        for number, (name, threshold) in enumerate(THRESHOLDS.items()):
            found = group["thresholds"][name]
            area, share = found["auc"], group["coverage"]
            rows.append(
                (
                    f"{title}: {group['name']} ({group['scans']})",
                    threshold,
                    f"{area['positives']} / {area['negatives']}{' (thin)' if area['thin'] else ''}",
                    ranged(area["value"], area["interval"]),
                    _apart(found["difference"]),
                    _percent(found["sensitivity"]),
                    _percent(found["specificity"]),
                    "" if number else _percent(share),
                )
            )
    columns = ("Group (scans)", "At least", "With / without", "AUC", "AUC minus rest", *CALLS)
    return Table("subgroups", "Does it do as well in every group of patients?", columns, tuple(rows), _note(evaluation))


def _groups(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    groupings = evaluation["subgroups"]["groupings"]
    for title in (*ORDER, *sorted(groupings.keys() - set(ORDER))):
        for group in groupings.get(title, {"groups": ()})["groups"]:
            yield title, group


def _figure(found: Mapping[str, Any]) -> tuple[Cell, ...]:
    """Value, both ends, and counts where there are such."""
    low, high = found["interval"] or (None, None)
    if "positives" in found:
        counts: tuple[Cell, Cell] = (found["positives"], found["positives"] + found["negatives"])
    else:
        counts = (found.get("count"), found.get("of"))
    return found["value"], low, high, *counts


def _apart(difference: Mapping[str, Any]) -> str:
    if difference["value"] is None:
        return "–"
    low, high = difference["interval"]
    # No line is to be broken within the p-value.
    told = p_text(difference["p_adjusted"]).replace(" ", "\u00a0")
    return f"{difference['value']:+.2f} [{low:+.2f}, {high:+.2f}], {told}".replace("-", "−")


def _percent(found: Mapping[str, Any]) -> str:
    return ranged(found["value"], found["interval"], 100.0, 0)


def _note(evaluation: Mapping[str, Any]) -> str:
    """What the figures are, and which groupings are not there."""
    groupings, claim = evaluation["subgroups"]["groupings"], evaluation["conformal"]["claim"]
    lines = [
        "AUC minus that of all other scans whose group is known; p adjusted by Holm over all these tests. No test "
        "where a side has fewer than 10 scans (thin); of two groups one test. An AUC also depends on which stages a "
        "group has. Sensitivity and specificity at the fold's cut. Sets hold: how often the conformal sets that claim "
        f"{100 * claim:g} % hold the true stage."
    ]
    left = [f"{title} ({grouping['reason']})" for title, grouping in groupings.items() if "reason" in grouping]
    if left:
        lines.append(f"No groups by {'; '.join(sorted(left))}.")
    known = {title: grouping["unknown"] for title, grouping in groupings.items() if "reason" not in grouping}
    unknown = [f"{title} {count}" for title, count in sorted(known.items()) if count]
    if unknown:
        lines.append(f"Scans whose group is not known: {', '.join(unknown)}.")
    return "\n".join(lines)
