"""Tables as others publish them: CSV with any common separator, TSV, gzip, or a workbook; all cells as text."""

from __future__ import annotations

import csv
import fnmatch
import gzip
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibrolens.errors import InputError

SEPARATORS = ",;\t"
WORKBOOKS = (".xlsx", ".xlsm")
#: Files of this start are macOS's shadows of others, never data.
SHADOW = "._"
#: Folders of a download are searched this deep for tables; deeper there are images.
DEPTH = 3


@dataclass(frozen=True)
class Role:
    """A table that a source can read, told by its columns.

    Args:
        key: how the source calls it.
        title: how a person calls it.
        columns: that it must have; a tuple within is a choice of names for one column.
        patterns: names under which it is published, to be found in the folder of a download.
        required: whether the source cannot be read without it.
    """

    key: str
    title: str
    columns: tuple[tuple[str, ...], ...]
    patterns: tuple[str, ...]
    required: bool = True

    def missing(self, header: Sequence[str]) -> list[str]:
        """Columns that a header lacks, choices written with ``or``."""
        return [" or ".join(names) for names in self.columns if not set(names) & set(header)]


@dataclass(frozen=True)
class TableFile:
    """A table in memory.

    Args:
        path: where it was.
        columns: its header.
        rows: cells by column, without spaces around them; a row of blanks is left out.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]

    def column(self, *names: str) -> str:
        """The first of the names that the table has; `Role` has checked that there is one."""
        return next(name for name in names if name in self.columns)


def read_table(path: Path) -> TableFile:
    """Read a table of any of the formats; the header is the first line.

    Raises:
        InputError: the file is absent, or is no table.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file; give a table.")
    lines = _workbook(path) if path.suffix.lower() in WORKBOOKS else _separated(path)
    header = tuple(name.strip() for name in lines[0]) if lines else ()
    if len([name for name in header if name]) < 2:
        raise InputError(f"{path.name} has no header of several columns; give a table as CSV, TSV or XLSX.")
    rows = [dict(zip(header, [*line, *[""] * len(header)], strict=False)) for line in lines[1:] if any(line)]
    if not rows:
        raise InputError(f"{path.name} has no rows below its header; download it again.")
    return TableFile(path, header, tuple(rows))


def find_tables(tables: Sequence[Path], folder: Path | None, roles: Sequence[Role]) -> dict[str, TableFile]:
    """The tables of a source by role: each file that is given, and those of published name in the folder.

    Args:
        tables: files that a person names; each must fit a role.
        folder: of a download; searched for roles that none of `tables` fills.
        roles: what the source can read.

    Raises:
        InputError: a file fits no role, two fit one, or a required table is not there.
    """
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder} is no folder; give the one of the download with --from.")
    found: dict[str, TableFile] = {}
    for path in tables:
        table = read_table(path)
        role = _role_of(table, roles)
        if role.key in found:
            first = found[role.key].path.name
            raise InputError(f"{first} and {path.name} are both a {role.title}; give one of them.")
        found[role.key] = table
    for role in roles:
        if role.key not in found and folder is not None:
            fitting = [t for p in _named(folder, role.patterns) if not role.missing((t := read_table(p)).columns)]
            if fitting:
                found[role.key] = fitting[0]
        if role.required and role.key not in found:
            where = f" nor is one in {folder}" if folder is not None else ""
            raise InputError(
                f"No {role.title} is given{where}; give it with --table FILE (columns "
                f"{', '.join(role.missing(()))}; published as {role.patterns[0]})."
            )
    return found


def _role_of(table: TableFile, roles: Sequence[Role]) -> Role:
    """The role of a table that a person names; of several that it fits, the one that asks for most columns."""
    lacking = [(role.missing(table.columns), role) for role in roles]
    fitting = [role for missing, role in lacking if not missing]
    if fitting:
        return max(fitting, key=lambda role: len(role.columns))
    if not lacking:
        raise InputError(f"This source reads no table; leave out --table {table.path.name}.")
    missing, role = min(lacking, key=lambda pair: len(pair[0]))
    raise InputError(
        f"{table.path.name} has no column {', '.join(missing)}; a {role.title} has it, so this is another file "
        "or another version of it."
    )


def _named(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Files of one of the names, the shallowest first."""
    found: list[Path] = []
    level = [folder]
    for _ in range(DEPTH):
        entries = sorted(entry for place in level for entry in place.iterdir() if not entry.name.startswith(SHADOW))
        found += [
            entry
            for entry in entries
            if entry.is_file() and any(fnmatch.fnmatch(entry.name.lower(), pattern.lower()) for pattern in patterns)
        ]
        level = [entry for entry in entries if entry.is_dir()]
    return found


def _separated(path: Path) -> list[list[str]]:
    """Lines of a text table; the separator is the one that the header has most of."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(SEPARATORS, key=first.count)
        return [
            [cell.strip() for cell in line] for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ]
    except (OSError, UnicodeDecodeError, EOFError, zlib.error, csv.Error) as error:
        raise InputError(f"{path.name} cannot be read as a table ({error}); give CSV, TSV or XLSX.") from None


def _workbook(path: Path) -> list[list[str]]:
    """Lines of a workbook's first sheet."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra, needed for workbooks alone
        from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415
    except ImportError:
        raise InputError(
            f"{path.name} is a workbook, which needs openpyxl: pip install 'fibrolens[sources]', or save its first "
            "sheet as CSV."
        ) from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        lines = [[_cell(value) for value in line] for line in book.worksheets[0].iter_rows(values_only=True)]
        book.close()
    except (InvalidFileException, zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a workbook ({error}); download it again.") from None
    return lines


def _cell(value: object) -> str:
    """A workbook's cell as text; whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
