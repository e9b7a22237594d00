"""The tables of several hospitals' packets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.report.tables import THRESHOLDS, Table, ranged

TOGETHER = "all scans together"


def headline(pooled: Mapping[str, Any]) -> Table:
    """The figures that stand first."""
    columns = (
        *("Told apart", "Mean AUC of hospitals [95 % CI]", "A further hospital", "tau2", "I2"),
        *("All scans together", "Hospitals", "Scans with / without"),
    )
    rows = tuple((title, *_brief(pooled["thresholds"][name])) for name, title in THRESHOLDS.items())
    note = "tau2 is on the logit scale. ±: what the bins of the histograms can hide; it is no confidence interval."
    return Table("headline", "Result in brief", columns, rows, note)


def _brief(entry: Mapping[str, Any]) -> tuple[Cell, ...]:
    whole = entry["pooled"]
    if whole is None:
        return (entry["reason"], *[None] * 6)
    mean, known = entry["random_effects"], entry["random_effects"].get("tau2") is not None
    ahead = mean.get("prediction")
    return (
        ranged(mean["auc"], mean.get("interval")),
        None if ahead is None else f"{ahead[0]:.2f} to {ahead[1]:.2f}",
        mean["tau2"] if known else None,
        f"{100 * mean['i2']:.0f} %" if known else None,
        f"{whole['auc']:.3f} (± {whole['error_bound']:.4f})",
        len(entry["sites"]),
        f"{whole['positives']} / {whole['negatives']}",
    )


def hospitals(pooled: Mapping[str, Any]) -> Table:
    """Who is in it."""
    sets = sorted({name for site in pooled["sites"] for name in site["stage_sets"]})
    rows = tuple(
        (
            *(site["name"], site["scans"], site["patients"]),
            *(_counted(site, name) for name in sets),
            *(site["least"], site["sha256"][:12]),
        )
        for site in pooled["sites"]
    )
    columns = ("hospital", "scans", "patients", *sets, "least", "packet")
    note = "least: the hospital gives no distribution of fewer patients; few: a stage with fewer."
    return Table("hospitals", "Hospitals", columns, rows, note)


def performance(pooled: Mapping[str, Any]) -> Table:
    """Every AUC."""
    rows = tuple((name, *row) for name in THRESHOLDS for row in _areas(pooled["thresholds"][name]))
    columns = ("threshold", "hospital", "auc", "low", "high", "with", "without", "weight")
    note = "A further hospital: the range in which its AUC is expected, with 95 %."
    return Table("performance", "AUC of every hospital", columns, rows, note)


def _areas(entry: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for row in entry["sites"]:
        yield row["name"], row["auc"], *_ends(row["delong"]), row["positives"], row["negatives"], row["weight"]
    if (whole := entry["pooled"]) is not None:
        mean, counts = entry["random_effects"], (whole["positives"], whole["negatives"])
        yield "mean of hospitals", mean["auc"], *_ends(mean.get("interval")), *counts, None
        yield "a further hospital", None, *_ends(mean.get("prediction")), None, None, None
        yield TOGETHER, whole["auc"], None, None, *counts, None


def at_half(pooled: Mapping[str, Any]) -> Table:
    """Sensitivity and specificity at 0.5."""
    rows = tuple(
        (name, row["name"], measure, found["value"], *found["interval"], found["count"], found["of"])
        for name in THRESHOLDS
        for row in _rows(pooled["thresholds"][name])
        for measure in ("sensitivity", "specificity")
        for found in (row[f"{measure}_at_half"],)
    )
    columns = ("threshold", "hospital", "measure", "value", "low", "high", "count", "of")
    return Table("at_half", "Calls at P ≥ 0.5", columns, rows)


def _rows(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from entry["sites"]
    if entry["pooled"] is not None:
        yield {"name": TOGETHER, **entry["pooled"], "calibration": entry["calibration"]}


def calibration(pooled: Mapping[str, Any]) -> Table:
    """Slope, intercept, and the shares that were expected and observed."""
    keys = ("expected_share", "observed_share", "slope", "intercept")
    rows = tuple(
        (name, row["name"], *(row["calibration"][key] for key in keys))
        for name in THRESHOLDS
        for row in _rows(pooled["thresholds"][name])
    )
    columns = ("threshold", "hospital", "expected", "observed", "slope", "intercept")
    note = "Scores that mean what they say have slope 1, intercept 0 and equal shares."
    return Table("calibration", "Calibration", columns, rows, note)


def markers(pooled: Mapping[str, Any]) -> Table:
    """Mean and standard deviation of every marker by stage set, of all hospitals together."""
    rows = tuple(
        (name, stages, found["scans"], found["mean"], found["sd"], found["sites"])
        for name, sets in pooled["markers"].items()
        for stages, found in sets.items()
    )
    columns = ("marker", "stage", "scans", "mean", "sd", "hospitals")
    note = "Units are those of docs/markers.md, age in years. Stage sets of few patients of a hospital are left out."
    return Table("markers", "Markers by stage", columns, rows, note)


def _ends(ends: Any) -> tuple[float | None, float | None]:
    return (None, None) if ends is None else (ends[0], ends[1])


def _counted(site: Mapping[str, Any], name: str) -> Cell:
    count = site["stage_sets"].get(name, 0)
    return "few" if count is None else int(count)
