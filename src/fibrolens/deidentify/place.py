"""Folders of results without patients hold no others: beside each other, rows and figures would tell who is who."""

from __future__ import annotations

from pathlib import Path

from fibrolens.begun import writing
from fibrolens.deidentify.key import Key
from fibrolens.errors import UsageError
from fibrolens.jsonfile import read_json
from fibrolens.output import write_json
from fibrolens.summary import SUMMARY

#: Says that a folder is such a one, and by which key, without telling the key.
MARK = "deidentified.json"


def claim(out: Path, key: Key | None) -> None:
    """Mark a folder of results before anything is written into it.

    Args:
        out: the folder, which may be absent.
        key: by which patients are taken out; None where they are not.

    Raises:
        UsageError: it holds results of the other kind, or of another key.
        OutputError: it cannot be written.
    """
    mark, wanted = out / MARK, None if key is None else key.digest("folder")
    found = _read(mark)
    if found == wanted:
        return
    if found is not None or (out / SUMMARY).exists():
        raise UsageError(_sentence(out, found, wanted))
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json({"key": wanted}, mark)


def _read(mark: Path) -> str | None:
    """The key's mark; None where there is none."""
    try:
        content = read_json(mark)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{mark} cannot be read ({error}); choose another --out.") from None
    return str(content.get("key")) if isinstance(content, dict) else ""


def _sentence(out: Path, found: str | None, wanted: str | None) -> str:
    if wanted is None:
        return f"{out} holds results without patients, which one with its patient gives away; choose another --out."
    if found is None:
        return f"{out} holds results that lead to their patients; choose another --out for results without."
    return f"{out} holds results by another key; give the --key that they were made with, or another --out."
