"""`import_source`: a public data set as ``cohort.csv``, with its provenance beside it.

Beside ``cohort.csv`` stand ``cohort.provenance.json`` and, where there is something to say, ``cohort.series.csv`` (the
choice of series), ``cohort.shared.csv`` (cases that other cohorts hold too) and ``cohort_masks/`` (organ masks split
out of the source's label files). All are made aside first; they appear together or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.cohort.sources import shared
from fibrolens.cohort.sources.base import ANY_STAGE, NO_STAGE_NO_MASK, Case, Given, Reading, SideTable, Source
from fibrolens.cohort.sources.placing import place
from fibrolens.cohort.sources.rows import Row, as_lines, columns_of, row_of
from fibrolens.cohort.sources.split import split_labels
from fibrolens.csvfile import write_csv
from fibrolens.errors import InputError, UsageError
from fibrolens.output import SCHEMA_VERSION, file_sha256, write_json
from fibrolens.progress import ReporterFactory, silent

SHARED_REASON = "same case in another cohort"
NO_LIVER = "no liver in the label file"


@dataclass(frozen=True)
class ImportOptions:
    """How a source is imported.

    Args:
        beside: other cohorts, in which the same cases are looked for.
        images: compare the images with those of `beside`, where names and series UIDs do not settle it.
        exclude_shared: rows that `beside` holds too get an ``exclude`` reason.
        masks: split label files into masks.
        overwrite: replace what stands there with other content.
    """

    beside: tuple[Path, ...] = ()
    images: bool = True
    exclude_shared: bool = False
    masks: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class Imported:
    """What an import wrote.

    Args:
        table: the cohort.
        provenance: as it stands beside the table.
        kin: tables in the same folder that hold the same cases and were not named under `beside`.
    """

    table: Path
    provenance: Mapping[str, Any]
    kin: tuple[str, ...] = ()


def import_source(
    source: Source,
    given: Given,
    out: Path,
    options: ImportOptions | None = None,
    progress: ReporterFactory = silent,
) -> Imported:
    """Read a source and write its cohort.

    Args:
        source: which data set.
        given: its folder, its tables, or both.
        out: the cohort table to write, ``NAME.csv``.
        options: how; the defaults of `ImportOptions` unless given.
        progress: makes the reporters of long reading.

    Raises:
        InputError: what is given is not the source's, or `beside` is no cohort; nothing is written.
        UsageError: `out` is no name of a table, or something else stands there.
        OutputError: it cannot be written.
    """
    options = ImportOptions() if options is None else options
    _require_table_name(out, options)
    beside = [one for path in options.beside for one in shared.cohort_candidates(path)]
    reading = source.read(given)
    _require_one_row_each(reading.cases, source)
    with place(out, options.overwrite) as aside:
        rows, notes = _rows(reading.cases, source.about.name, out, aside, options.masks, progress)
        ours = shared.candidates(rows, out.absolute())
        matches, unread = shared.find_shared(ours, beside, options.images, progress) if beside else ([], [])
        _mark(rows, matches, options.exclude_shared)
        side = [*reading.side, *([shared.side_table(matches)] if options.beside else [])]
        provenance = _provenance(source, reading, rows, [*reading.notes, *notes, *unread], options, len(matches))
        _write(aside, out, rows, side, provenance)
    named = {path.name for path in options.beside}
    kin = [name for name in shared.neighbours(out, (source.about.name, *source.about.kin)) if name not in named]
    return Imported(out, provenance, tuple(kin))


def _require_table_name(out: Path, options: ImportOptions) -> None:
    if out.suffix.lower() != ".csv" or out.is_dir():
        raise UsageError(f"--out takes the name of the table to write, such as cohort.csv; it is {out}.")
    if any(path.absolute() == out.absolute() for path in options.beside):
        raise UsageError(f"{out.name} cannot stand under --beside and --out; write the new cohort elsewhere.")


def _require_one_row_each(cases: Sequence[Case], source: Source) -> None:
    twice = [scan for scan, count in Counter(case.scan_id.casefold() for case in cases).items() if count > 1]
    if twice:
        raise InputError(f"The tables of {source.about.title} name {twice[0]} twice; give them as published.")


def _rows(
    cases: Sequence[Case], source: str, out: Path, aside: Path, masks: bool, progress: ReporterFactory
) -> tuple[list[Row], list[str]]:
    """The rows, their masks split out, and what could not be read."""
    rows, notes = [], []
    folder = aside / f"{out.stem}_masks"
    to_split = sum(1 for case in cases if case.labels is not None and not case.exclude)
    if masks and to_split:
        folder.mkdir()
    with progress(to_split, "splitting labels") as report:
        for case in cases:
            row = row_of(case, source, out.parent)
            if case.labels is not None and not row["exclude"]:
                if masks:
                    notes += _add_masks(case, row, folder)
                    report.advance(note=row["scan_id"])
                if "liver_mask" not in row and not row["exclude"] and case.stages == ANY_STAGE:
                    row |= {"exclude": NO_LIVER if masks else NO_STAGE_NO_MASK, "stage": ""}
            rows.append(row)
    return rows, notes


def _add_masks(case: Case, row: Row, folder: Path) -> list[str]:
    """Split the label file of a case and name its masks in the row; returns what went wrong."""
    assert case.labels is not None  # noqa: S101 - the caller has looked
    try:
        written = split_labels(case.labels, folder, row["scan_id"])
    except (InputError, OSError) as error:
        row |= {"exclude": "label file cannot be used", "stage": ""}
        return [f"{row['scan_id']}: {error}"]
    row |= {f"{organ}_mask": f"{folder.name}/{path.name}" for organ, path in written.items()}
    return []


def _mark(rows: Sequence[Row], matches: Sequence[shared.Match], exclude: bool) -> None:
    """Name the same case in the rows that another cohort holds."""
    by_scan = {match.scan_id: match for match in matches}
    for row in rows:
        match = by_scan.get(row["scan_id"])
        if match is not None:
            row["same_case"] = f"{match.other_table}: {match.other_scan_id}"
            if exclude and not row["exclude"]:
                row["exclude"] = SHARED_REASON


def _write(
    aside: Path, out: Path, rows: Sequence[Row], side: Sequence[SideTable], provenance: Mapping[str, Any]
) -> None:
    columns = columns_of(rows)
    for table in side:
        write_csv(aside / f"{out.stem}.{table.name}.csv", table.columns, table.rows)
    write_json(provenance, aside / f"{out.stem}{shared.PROVENANCE}")
    write_csv(aside / out.name, columns, as_lines(rows, columns))


def _provenance(
    source: Source,
    reading: Reading,
    rows: Sequence[Row],
    notes: Sequence[str],
    options: ImportOptions,
    same: int,
) -> dict[str, Any]:
    """Where the cohort is from and what was made of it; no path of this machine, no time."""
    about = source.about
    kept = [row for row in rows if not row["exclude"]]
    return {
        "schema_version": SCHEMA_VERSION,
        "fibrolens": __version__,
        "intended_use": "research use only",
        "source": {
            "name": about.name,
            "title": about.title,
            "licence": about.licence,
            "citation": about.citation,
            "gives": about.gives,
        },
        "mapping": {"version": about.mapping_version, "checked": about.check_note, "assumes": list(about.assumes)},
        "tables": [{"name": t.path.name, "sha256": file_sha256(t.path), "rows": len(t.rows)} for t in reading.tables],
        "cases": len(rows),
        "patients": len({row["patient_id"] for row in rows}),
        "in_the_study": len(kept),
        "excluded": dict(sorted(Counter(row["exclude"] for row in rows if row["exclude"]).items())),
        "stages": dict(sorted(Counter(row["stage"] for row in kept).items())),
        "source_values": _source_values(rows),
        "notes": list(notes),
        "also_in": list(about.also_in),
        "beside": [{"table": path.name, "source": shared.source_of(path)} for path in options.beside],
        "same_cases_beside": same,
    }


def _source_values(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the source says, what it became, and how often; excluded cases are counted too."""
    counts = Counter((row["source_value"], row["stage"]) for row in rows)
    return [{"value": value, "stage": stage, "cases": n} for (value, stage), n in sorted(counts.items())]
