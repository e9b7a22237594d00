"""Answers about the patients, their CTs and the reference, from the cohort's table and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from fibrolens.cohort.columns import CONTROL, HISTOLOGY
from fibrolens.report.checklists.base import Answer
from fibrolens.report.checklists.facts import Facts

METHODS = "report.html, Methods: "
#: Columns of ``acquisition.csv`` and what they are.
GRIDS = {
    "kvp": "Tube voltage, kVp",
    "thickness_mm": "Slice thickness, mm",
    "slice_mm": "Distance of slices, mm",
    "spacing_mm": "Pixel, mm",
}


def design(facts: Facts) -> Answer:
    """Whether the data came before the question."""
    text = "Scans and stages were at hand, as one table, before any network was trained."
    return Answer(text, f"{METHODS}Study population", "whether the collection was planned for this study")


def sources(facts: Facts) -> Answer:
    """Where scans come from."""
    sites = facts.told("site")
    text = f"{facts.size}." + (f" Sites as named in the table (scans): {sites}." if sites else "")
    return Answer(
        text, f"{METHODS}Study population; cohort.csv", "the institutions or public sets, their licences, and why these"
    )


def dates(facts: Facts) -> Answer:
    """When the scans were made."""
    known = sorted(facts.known("ct_date"))
    if not known:
        return Answer(open="the first and the last day of the CTs; the table has no ct_date")
    missing = len(facts.records) - facts.known("ct_date").total()
    told = f"CTs from {known[0]} to {known[-1]}" + (f"; of {missing} scans no day is given." if missing else ".")
    return Answer(told, "cohort.csv, ct_date")


def eligibility(facts: Facts) -> Answer:
    """Who is in the study."""
    if facts.files.criteria is None:
        return Answer(open="the criteria; plan.json has none")
    return Answer(
        facts.paragraphs["Study population"],
        f"{METHODS}Study population; plan.json, criteria{facts.figure('fig1_flow')}",
    )


def recruited(facts: Facts) -> Answer:
    """Setting, dates and places."""
    found = [answer for answer in (sources(facts), dates(facts)) if answer.text]
    text = " ".join(answer.text for answer in found)
    return Answer(text, "cohort.csv", "the setting, and how patients were found there")


def flow(facts: Facts) -> Answer:
    """Counts through the study."""
    if facts.files.flow is None:
        return Answer(
            f"{facts.size} were studied.", "report.html", "who was left out and why; the folder has no flow.json"
        )
    reasons = [
        f"{reason.text} ({reason.count.scans})" for arm in facts.files.flow.arms for reason in arm.reasons
    ]  # fmt: skip
    found, included = facts.files.flow.found, facts.files.flow.included
    text = f"{found} were found and {included} studied; excluded: {'; '.join(reasons) or 'none'}."
    return Answer(text, f"flow.json{facts.figure('fig1_flow')}")


def missing(facts: Facts) -> Answer:
    """What was not known, and what was done then."""
    text = "An empty cell excludes a scan only where plan.json says so (criteria, missing). No value was imputed."
    if facts.files.flow is not None:
        kept = [f"{e.text} ({e.unknown.scans} scans)" for e in facts.files.flow.unsettled if e.checked]
        unchecked = [e.text for e in facts.files.flow.unsettled if not e.checked]
        text += f" Kept although not known: {'; '.join(kept)}." if kept else ""
        text += f" Not checked for want of a column: {'; '.join(unchecked)}." if unchecked else ""
    return Answer(text, f"{METHODS}Study population; Table 1, rows Not given")


def acquisition(facts: Facts) -> Answer:
    """How the CTs were made, as far as they show it."""
    quality = facts.files.quality
    if quality is None:
        return Answer(open="scanners, protocol, contrast agent and phase")
    phases = Counter(row["phase"] or "unknown" for row in quality)
    told = ", ".join(f"{phase} {count}" for phase, count in phases.most_common())
    lines = [f"Contrast phase as read from the scans: {told}.", *_makers(facts), *_grids(facts)]
    where = "quality.csv, acquisition.csv" if facts.made else "quality.csv"
    return Answer(" ".join(lines), where, "what of scanners and tube is not given here, contrast agent, dose and delay")


def _makers(facts: Facts) -> Iterator[str]:
    """Vendors of the scanners."""
    found = Counter(row["vendor"] or "not given" for row in facts.made)
    if set(found) - {"not given"}:
        yield f"Vendors (scans): {', '.join(f'{name} {count}' for name, count in found.most_common())}."


def _grids(facts: Facts) -> Iterator[str]:
    """Median and range of what of tube and grid is known."""
    for column, words in GRIDS.items():
        values = sorted(float(row[column]) for row in facts.made if row.get(column))
        if values:
            low, middle, high = values[0], median(values), values[-1]
            known = f", known of {len(values)} scans" if len(values) < len(facts.made) else ""
            yield f"{words}: median {middle:.3g} ({low:.3g} to {high:.3g}){known}."


def reference(facts: Facts) -> Answer:
    """What the true stage is."""
    found = facts.known("reference")
    text = "METAVIR-like stage F0 to F4 of the table"
    if found:
        counts = f"{found[HISTOLOGY]} scans by histology, {found[CONTROL]} imaging-negative controls taken as F0"
        text += f"; {counts}."
    else:
        text += "; it does not say by what method."
    if specimens := facts.told("specimen"):
        text += f" Specimens: {specimens}."
    sets = {name: count for name, count in facts.evaluation["stages"].items() if "|" in name}
    if sets:
        told = ", ".join(f"{name.replace('|', ' or ')} ({count})" for name, count in sets.items())
        text += f" Left open between stages: {told}."
    return Answer(
        text, f"{METHODS}Study population; Table 1", "who read the histology, by which staging system, and how"
    )


def interval(facts: Facts) -> Answer:
    """Time between CT and histology."""
    rows = (
        []
        if facts.files.table1 is None
        else [row for row in facts.files.table1.rows if "CT to histology" in str(row[0])]
    )
    if not rows:
        return Answer(open="the days between CT and histology, and treatment in between; the table lacks dates")
    criteria = facts.files.criteria
    limit = (
        f" Less than {criteria.interval_months} months were asked for." if criteria and criteria.interval_months else ""
    )
    return Answer(f"CT to histology, days, median (quartiles): {rows[0][2]}.{limit}", "Table 1", "treatment in between")


def annotators(facts: Facts) -> Answer:
    """Where stages and masks come from."""
    kinds = Counter(row.get("mask_kind") or "not recorded" for row in facts.files.quality or ())
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    text = "Stages are those of the cohort's table." + (
        f" Organ masks (given, by a network, or both): {told}." if told else ""
    )
    return Answer(
        text, "quality.csv, mask_kind", "who read the specimens and drew given masks, with which training and tools"
    )


def demographics(facts: Facts) -> Answer:
    """Who the patients are."""
    if facts.files.table1 is None:
        return Answer(open="age, sex and causes per stage; the folder has no tables/table1.csv")
    return Answer(
        f"Table 1 gives {facts.size} in all and per stage.", "Table 1", "the same per fold, where it is asked for"
    )


def severity(facts: Facts) -> Answer:
    """How many of each stage."""
    told = ", ".join(f"{stage.replace('|', ' or ')} {count}" for stage, count in facts.evaluation["stages"].items())
    return Answer(f"Scans per stage: {told}.", "Table 1; evaluation.json, stages")


def controls(facts: Facts) -> Answer:
    """Who has no fibrosis, and how that is known."""
    count = facts.evaluation["controls"]
    if not count:
        return Answer(
            "No scan is an imaging-negative control.",
            "evaluation.json, controls",
            "other liver disease of those below a threshold",
        )
    text = f"{count} of {facts.evaluation['cases']} scans are imaging-negative controls."
    if facts.evaluation.get("without_controls") is not None:
        text += " All figures are given without them too."
    return Answer(text, "Table 2, without controls", "other liver disease of those below a threshold")


def treatments(facts: Facts) -> Answer:
    """What was done to the liver before the CT."""
    told = facts.told("chemotherapy")
    if not told:
        return Answer(open="treatment before the CT; the table has no chemotherapy")
    return Answer(f"Chemotherapy before the CT (scans): {told}.", "Table 1", "other treatment")
