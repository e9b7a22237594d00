"""What became of one input: a valid result, one of our errors with a message that can be shown, or a finding."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fibrolens
from fibrolens import errors

OURS = tuple(
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.FibrolensError)
)
VALID, FINDING = "valid", "finding"
#: What may become of an input. All but the last are allowed.
OUTCOMES = (VALID, *OURS, FINDING)
#: Characters in a line of a message.
LONGEST_LINE = 1200
SOURCE = Path(fibrolens.__file__).parent


@dataclass(frozen=True)
class Verdict:
    """Args: outcome: one of `OUTCOMES`; key: of a finding, its kind and place; told: its traceback or message."""

    outcome: str
    key: str = ""
    told: str = ""


def judged(read: Callable[[bytes], None], content: bytes) -> Verdict:
    """The verdict over one input."""
    try:
        read(content)
    except errors.FibrolensError as error:
        fault = _unshowable(str(error))
        if fault:
            return Verdict(FINDING, f"message {fault} at {_place(error)}", str(error)[:3000])
        return Verdict(type(error).__name__)
    except Exception as error:  # noqa: BLE001 - whatever else comes out is what is looked for
        return Verdict(FINDING, f"{type(error).__name__} at {_place(error)}", traceback.format_exc()[-6000:])
    return Verdict(VALID)


def tidied(verdict: Verdict, left: set[str]) -> Verdict:
    """The verdict, or a finding where files were left."""
    return verdict if not left else Verdict(FINDING, "files are left", ", ".join(sorted(left)[:20]))


def _unshowable(message: str) -> str:
    """Why a message cannot be shown on a terminal; empty where it can."""
    lines = message.split("\n")
    if not all(line.isprintable() for line in lines):
        return "unprintable"
    return "too long" if max(map(len, lines)) > LONGEST_LINE else ""


def _place(error: BaseException) -> str:
    """The last line of ours, and the last of all, that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(SOURCE)]
    told = [f"{Path(f.filename).name}:{f.name}" for f in (ours[-1:] + frames[-1:])]
    return " > ".join(dict.fromkeys(told))
