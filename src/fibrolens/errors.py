"""The exceptions that fibrolens raises for its users.

::

    FibrolensError            exit status 1 unless a subclass says otherwise
    ├── UsageError            2  options or arguments that contradict each other
    ├── InputError            3  the input cannot be used
    │   ├── SeriesError          DICOM files that do not form one CT volume
    │   ├── GeometryError        grids that are missing, broken or do not match
    │   ├── PhaseError           a contrast phase other than portal venous
    │   ├── CoverageError        the liver is not, or not wholly, in the scan
    │   └── CohortError          rows of a cohort table
    ├── ModelError            4  weights or plan cannot be used
    │   └── ExplanationError     a location map cannot be computed
    └── OutputError           5  the output could not be written

A message is one or two sentences: what is wrong with which file, and what to do. It may repeat what stands in a file,
so that it is made fit for a terminal on its way out.
"""

import reprlib
import traceback
from pathlib import Path
from typing import ClassVar

#: Characters in a line of a message; the last of them say what to do, and stay.
LONGEST_LINE, LAST = 1000, 300


class FibrolensError(Exception):
    """Root of every error that is meant for the user."""

    exit_status: ClassVar[int] = 1

    def __str__(self) -> str:
        return "\n".join(shown(line) for line in super().__str__().split("\n"))


class UsageError(FibrolensError):
    """Options or arguments that cannot be followed."""

    exit_status = 2


class InputError(FibrolensError):
    """The input cannot be used."""

    exit_status = 3


class SeriesError(InputError):
    """DICOM files that do not form one CT volume."""


class GeometryError(InputError):
    """A grid is missing, broken, or differs from the one it must match."""


class PhaseError(InputError):
    """The contrast phase is not portal venous."""


class CoverageError(InputError):
    """The scan does not show the whole liver."""


class CohortError(InputError):
    """A cohort table has rows that cannot be used."""


class ModelError(FibrolensError):
    """Weights or plan cannot be used."""

    exit_status = 4


class ExplanationError(ModelError):
    """A location map cannot be computed from this network."""


class OutputError(FibrolensError):
    """The output could not be written."""

    exit_status = 5


def brief(value: object) -> str:
    """What was given, for a message; of what is long or deep, a part."""
    return _BRIEF.repr(value)


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 100
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = 8


def shown(line: str) -> str:
    """A line without what would drive a terminal, and without the middle where it is long."""
    if len(line) > LONGEST_LINE:
        line = f"{line[: LONGEST_LINE - LAST]} [...] {line[-LAST:]}"
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def place_of(error: BaseException) -> str:
    """Kind and place of a defect. Its words are left out, for a library's may quote a patient's header."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
