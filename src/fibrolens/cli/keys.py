"""`--key`: the secret by which names and UIDs are replaced where a patient is taken out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fibrolens.errors import UsageError

if TYPE_CHECKING:
    from fibrolens.deidentify.key import Key


def add_key(verb: argparse._ActionsContainer, of: str = "", gain: str = "") -> None:
    """Add the option.

    Args:
        verb: that takes it.
        of: the option that it belongs to, where it does.
        gain: what else the same file is good for.
    """
    verb.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help=f"{of}secret of the new UIDs and names, made where it is absent: the same file keeps the same patient the "
        f"same in several exports{gain}; keep it to yourself (default: a new one that is thrown away)",
    )


def given_key(path: Path | None, out: Path) -> Key | None:
    """The key of a file; None where none is given.

    Args:
        path: of the key, made where it is absent.
        out: folder that is written.

    Raises:
        UsageError: it lies in the folder, or is none.
        OutputError: a new one cannot be written.
    """
    from fibrolens.deidentify.key import Key

    if path is None:
        return None
    if path.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"The key {path} lies in {out} and would leave with it; keep it elsewhere.")
    made = not path.exists()
    key = Key.of_file(path)
    if made:
        sys.stdout.write(f"{path}: a new key; who has it can repeat the replacements, so keep it to yourself\n")
    return key
