"""The measures of the whole scale as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.plan import STAGES
from fibrolens.report.calibration import VERSIONS
from fibrolens.report.tables import Table, ranged

#: Key of each mix of stages in ``evaluation.json`` and title.
MIXES = {"cohort": "this cohort's mix", "even": "every stage alike", "given": "given mix"}
#: Key of each other measure and title.
MEASURES = {
    "kappa": "Weighted kappa (quadratic)",
    "mean_error": "Mean error, in stages",
    "rps": "Ranked probability score (0 is best)",
}


def exact(ordinal: Mapping[str, Any]) -> Table:
    """Every measure with its interval, and the AUC of every pair of stages, for the CSV file."""
    rows: list[tuple[Cell, ...]] = []
    for version in VERSIONS:
        part = ordinal[version]
        found = {f"obuchowski_{mix}": part["obuchowski"][mix] for mix in MIXES if mix in part["obuchowski"]}
        for name, entry in (found | {key: part[key] for key in MEASURES}).items():
            rows.append((version, name, entry["value"], *(entry["interval"] or (None, None)), part["cases"]))
        rows.append((version, "rps_of_mix", part["rps_of_mix"], None, None, part["cases"]))
        for pair in part["obuchowski"]["pairs"]:
            scans = sum(pair["scans"].values())
            rows.append((version, f"auc_{'_'.join(pair['stages'])}", pair["auc"], None, None, scans))
    columns = ("probabilities", "measure", "value", "low", "high", "scans")
    return Table("ordinal", "Ordinal measures", columns, tuple(rows))


def printed(ordinal: Mapping[str, Any]) -> Table:
    """A row per measure, before and after temperature scaling side by side."""
    parts = [ordinal[version] for version in VERSIONS]
    mixes = [mix for mix in MIXES if mix in parts[0]["obuchowski"]]
    rows: list[tuple[Cell, ...]] = [
        (f"Obuchowski's measure, {MIXES[mix]}", *(_told(part["obuchowski"][mix]) for part in parts)) for mix in mixes
    ]
    rows += [(title, *(_told(part[key]) for part in parts)) for key, title in MEASURES.items()]
    rows.append(
        ("The same of the cohort's mix as the forecast", *(ranged(p["rps_of_mix"], None, digits=3) for p in parts))
    )
    note = (
        f"{parts[0]['cases']} scans of a single stage, 95 % intervals by patients. Obuchowski's measure: the share of "
        "pairs of scans of different stages that are in the right order, a wrong order counting by the distance of the "
        "stages (F0 against F4 fully, neighbours a quarter); scans are ordered by their expected stage."
    )
    if "given" in mixes:
        mix = parts[0]["obuchowski"]["given"]["mix"]
        note += f" Given mix: {', '.join(f'{stage} {share:g}' for stage, share in zip(STAGES, mix, strict=True))}."
    columns = ("Measure", *(words[0].upper() + words[1:] for words in VERSIONS.values()))
    return Table("ordinal", "Ordinal measures", columns, tuple(rows), note)


def _told(entry: Mapping[str, Any]) -> str:
    value, ends = entry["value"], entry["interval"]
    return f"– ({entry['reason']})" if value is None else ranged(value, ends, digits=3)
