"""Tables of what a study found beside the stages: attention, focus patterns, markers, and who was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fibrolens.cohort.flow import Flow
from fibrolens.csvfile import Cell
from fibrolens.evaluate.attention import summarise
from fibrolens.explain.recipe import RECOMMENDED
from fibrolens.markers.catalogue import CATALOGUE
from fibrolens.plan import STAGES
from fibrolens.report.attention import GROUPINGS, PATTERNS, REGION_NAMES
from fibrolens.report.tables import Table, p_text, ranged
from fibrolens.result import REGIONS

#: Columns of ``quality.csv`` and what they tell.
QUALITY = {
    "phase": "Contrast phase",
    "liver_coverage": "Liver coverage",
    "in_domain": "Resembles the training data",
}
#: What ``mask_kind`` says of the organ masks.
MASK_KINDS = {"given": "given", "both": "given and by a network", "network": "by a network"}


#: How the kinds of map of a study are called.
KIND_NAMES = {
    "conv3": "Grad-CAM at conv3",
    "conv4": "Grad-CAM at conv4",
    "mean": "mean of Grad-CAM at conv3 and conv4",
    RECOMMENDED.name: "integrated gradients, contrast of stages, at conv2 (recommended)",
}


def attention(evaluation: Mapping[str, Any]) -> Table:
    """Median and quartiles of the mean attention of every layer, region, grouping and stage."""
    rows = tuple(
        (layer, region, grouping, stage, found["n"], found["median"], found["q1"], found["q3"])
        for layer, region, grouping, content in _groups(evaluation)
        for stage, found in content["stages"].items()
    )
    columns = ("layer", "region", "by", "stage", "scans", "median", "q1", "q3")
    return Table("attention", "Mean attention, scale mean1", columns, rows)


def attention_tests(evaluation: Mapping[str, Any]) -> Table:
    """F0 against F4 of every layer, region and grouping."""
    keys = ("p_value", "p_adjusted", "u", "effect")
    rows: list[tuple[Cell, ...]] = []
    for layer, region, grouping, content in _groups(evaluation):
        test = content["F0_against_F4"]
        low, high = test.get("effect_interval") or (None, None)
        patients = test.get("patients") or (None, None)
        rows.append((layer, region, grouping, *patients, *(test.get(key) for key in keys), low, high))
    columns = ("layer", "region", "by", "patients_F0", "patients_F4", *keys, "effect_low", "effect_high")
    return Table("attention_tests", "F0 against F4 (Mann-Whitney)", columns, tuple(rows))


def attention_printed(evaluation: Mapping[str, Any], kind: str) -> Table:
    """Attention of one kind of map as it is printed: regions and groupings down, stages across."""
    regions = evaluation["attention"]["layers"][kind]["regions"]
    bands = evaluation["attention"].get("null_bands", {}).get(kind, {})
    null = {region: f"{low:.1f} to {high:.1f}" for region, (low, high) in bands.items()}
    rows: list[tuple[Cell, ...]] = []
    for region in REGIONS:
        for grouping in GROUPINGS:
            content = regions[region][grouping]
            medians = (_median(content["stages"][stage]) for stage in STAGES)
            rows.append((REGION_NAMES[region], grouping, *medians, _test(content["F0_against_F4"]), null.get(region)))
    columns = ("Region", "By", *STAGES, "F0 against F4", "Null band")
    note = (
        "Median (quartiles; scans). Test: Mann-Whitney between patients; then how often an F4 patient's value is the "
        "larger one (0.5: no difference), with its 95 % interval. Null band: 95 % of such means by networks of random "
        "weights; a single scan's figure inside it is no finding."
    )
    title = f"Mean attention by region and stage, {KIND_NAMES.get(kind, kind)} (mean1; 1 = even share)"
    return Table("attention", title, columns, tuple(rows), note)


def map_quality(evaluation: Mapping[str, Any]) -> Table:
    """Whether maps without the paper's pattern of their stage go with wrong stages, of every kind of map."""
    rows: list[tuple[Cell, ...]] = []
    for kind, found in evaluation["map_quality_control"].items():
        difference = found["difference"]
        gap = None if difference["value"] is None else _points(difference)
        shares = (_share(found[name]) if found[name]["of"] else None for name in ("agrees", "disagrees"))
        rows.append((KIND_NAMES.get(kind, kind), *shares, gap, found["not_judged"]))
    columns = ("Map", "Wrong, pattern as expected", "Wrong, another pattern", "Difference (points)", "Not judged")
    note = (
        "% staged wrongly [95 % interval] (scans) among maps that show the paper's pattern of the predicted stage (F0: "
        "surface; F4: centres) and among the others: would reconsidering odd maps find errors?"
    )
    return Table("map_quality_control", "Odd maps and wrong stages", columns, tuple(rows), note)


def _points(difference: Mapping[str, Any]) -> str:
    low, high = difference["interval"]
    return f"{100 * difference['value']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def patterns(evaluation: Mapping[str, Any]) -> Table:
    """How often each focus pattern occurs, of every layer, grouping and stage."""
    rows: list[tuple[Cell, ...]] = []
    for layer, groupings in evaluation["patterns"]["layers"].items():
        for grouping in GROUPINGS:
            for stage, shares in groupings[grouping].items():
                for name, found in shares.items():
                    low, high = found["interval"] or (None, None)
                    rows.append((layer, grouping, stage, name, found["count"], found["of"], found["value"], low, high))
    columns = ("layer", "by", "stage", "pattern", "count", "of", "share", "low", "high")
    return Table("patterns", "Focus patterns", columns, tuple(rows))


def patterns_printed(evaluation: Mapping[str, Any], layer: str) -> Table:
    """Pattern frequencies of one layer as they are printed: groupings and stages down, patterns across."""
    found = evaluation["patterns"]
    rows = tuple(
        (grouping, stage, *(_share(found["layers"][layer][grouping][stage][name]) for name in PATTERNS))
        for grouping in GROUPINGS
        for stage in STAGES
    )
    columns = ("By", "Stage", *(title.capitalize() for title, _, _ in PATTERNS.values()))
    note = f"% [95 % Wilson interval] (maps/scans). {found['rule']}"
    return Table("patterns", f"Focus patterns by stage, {KIND_NAMES.get(layer, layer)}", columns, rows, note)


def markers(rows: Sequence[Mapping[str, str]]) -> tuple[Table, Table]:
    """Median and quartiles of every marker by stage: for a CSV file, and as they are printed.

    Args:
        rows: of ``markers.csv``.
    """
    exact: list[tuple[Cell, ...]] = []
    printed: list[tuple[Cell, ...]] = []
    for marker in CATALOGUE:
        title = f"{marker.title}{f' ({marker.unit})' if marker.unit else ''}"
        cells: list[str] = []
        for stage in ("all", *STAGES):
            own = [row.get(marker.name) or "" for row in rows if stage in ("all", row["stage"])]
            found = summarise([float(text) for text in own if text])
            quartiles = (found["median"], found["q1"], found["q3"])
            exact.append((marker.name, marker.unit, stage, found["n"], len(own) - found["n"], *quartiles))
            cells.append(_median(found, marker.decimals))
        printed.append((title, *cells))
    columns = ("marker", "unit", "stage", "scans", "not_measurable", "median", "q1", "q3")
    title = "Markers by true stage"
    return Table("markers", title, columns, tuple(exact)), Table(
        "markers",
        title,
        ("Marker", "All", *STAGES),
        tuple(printed),
        "Median (quartiles; scans where it is measurable).",
    )


def exclusions(flow: Flow) -> Table:
    """Who was found, left out and why, and kept: the numbers of the flowchart."""
    rows = flow.table()
    titles = ("Group", "Step", "Criterion", "Reason", "Scans", "Patients")
    cells = tuple(tuple(row.values()) for row in rows)
    note = "A scan that several criteria exclude stands under the first. A patient may have several scans."
    return Table("exclusions", "Who is in the study", titles, cells, note)


def quality(rows: Sequence[Mapping[str, str]]) -> Table:
    """How many scans have each finding of the quality check.

    Args:
        rows: of ``quality.csv``.
    """
    cells: list[tuple[Cell, ...]] = []
    for column, title in QUALITY.items():
        found = Counter(row[column] or "not known" for row in rows)
        cells += [(title, value, count) for value, count in sorted(found.items())]
    # The table of an older study does not say who made the masks.
    made = Counter(row.get("mask_kind") for row in rows)
    cells += [("Organ masks", title, made[kind]) for kind, title in MASK_KINDS.items() if made[kind]]
    return Table("quality", "Quality of the scans", ("Finding", "Value", "Scans"), tuple(cells))


def _groups(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    return [
        (layer, region, grouping, content["regions"][region][grouping])
        for layer, content in evaluation["attention"]["layers"].items()
        for region in REGIONS
        for grouping in GROUPINGS
    ]


def _median(found: Mapping[str, Any], digits: int = 2) -> str:
    if not found["n"]:
        return "– (0)"
    middle, low, high = (f"{found[key]:.{digits}f}" for key in ("median", "q1", "q3"))
    return f"{middle} ({low}–{high}; {found['n']})"


def _test(test: Mapping[str, Any]) -> str:
    if test["p_value"] is None:
        return "no test"
    return f"{p_text(test['p_value'])}; {ranged(test['effect'], test.get('effect_interval'))}"


def _share(found: Mapping[str, Any]) -> str:
    return (
        "–"
        if not found["of"]
        else f"{ranged(found['value'], found['interval'], 100.0, 0)} ({found['count']}/{found['of']})"
    )
