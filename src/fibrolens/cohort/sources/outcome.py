"""What an import found, in a few lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fibrolens.cohort.sources.base import NO_IMAGE
from fibrolens.cohort.sources.importing import Imported


def outcome(imported: Imported) -> str:
    """Cases, what became of what the source says, reasons of exclusion, notes, and cases that stand elsewhere too."""
    lines = [*_lines(imported.table.name, imported.provenance)]
    if imported.kin:
        lines.append(f"{', '.join(imported.kin)} beside it holds the same cases; --beside says which rows")
    return "\n  ".join(lines) + f"\n{imported.table}\n"


def _lines(name: str, told: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{name}: {_count(told['cases'], 'case')} of {_count(told['patients'], 'patient')} from "
        f"{told['source']['title']}, "
        f"{told['in_the_study']} to be used. Research use only."
    )
    yield f"licence: {told['source']['licence']}"
    yield f"mapping: {told['mapping']['checked']}"
    for entry in told["source_values"]:
        if entry["value"]:
            yield f"{entry['value']}: {entry['stage'] or 'no stage'}, {entry['cases']}"
    for reason, count in told["excluded"].items():
        yield f"excluded, {reason}: {count}"
    if not told["in_the_study"] and NO_IMAGE in told["excluded"]:
        yield "without images this shows the mapping alone: download them (--how) and give their folder with --from"
    yield from (f"note: {note}" for note in told["notes"])
    yield from (f"also elsewhere: {sentence}" for sentence in told["also_in"])
    if told["beside"]:
        tables = ", ".join(entry["table"] for entry in told["beside"])
        yield f"same case in {tables}: {told['same_cases_beside']}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
