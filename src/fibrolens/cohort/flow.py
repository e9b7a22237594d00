"""How many scans and patients pass each criterion: the numbers of a study's flowchart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from fibrolens.cohort.table import CohortRow
from fibrolens.plan import STAGES

ArmName = Literal["histology", "controls"]
ARMS: tuple[ArmName, ArmName] = ("histology", "controls")


@dataclass(frozen=True)
class Count:
    """Scans and their patients; a patient may have several scans, and so stand in several counts."""

    scans: int
    patients: int

    @classmethod
    def of(cls, rows: Iterable[CohortRow]) -> Count:
        """How many scans of how many patients."""
        patients = [row.patient_id for row in rows]
        return cls(len(patients), len(set(patients)))

    def __str__(self) -> str:
        return f"{counted(self.scans, 'scan')} of {counted(self.patients, 'patient')}"


@dataclass(frozen=True)
class Reason:
    """Why scans were excluded: the criterion, what it said, and how many."""

    criterion: str
    text: str
    count: Count


@dataclass(frozen=True)
class Arm:
    """The scans with histology, or the controls.

    Args:
        name: which of the two.
        found: those in the table.
        excluded: those that a criterion excludes, each by the first that does.
        reasons: in the order of the criteria, the most frequent first.
        included: those in the study.
    """

    name: ArmName
    found: Count
    excluded: Count
    reasons: tuple[Reason, ...]
    included: Count


@dataclass(frozen=True)
class Unsettled:
    """A criterion that the table does not settle for every scan.

    Args:
        criterion: its name.
        text: what it asks, in words.
        checked: whether the table has the columns that it needs; without them nobody was excluded by it.
        unknown: scans that are in the study although their cell is empty.
    """

    criterion: str
    text: str
    checked: bool
    unknown: Count


@dataclass(frozen=True)
class StageCount:
    """Scans in the study of one stage, or of one set such as ``F2|F3``."""

    stage: str
    count: Count


@dataclass(frozen=True)
class Flow:
    """The flowchart's numbers, from the rows of the table to the study; plain values, no scan is named.

    Args:
        found: the whole table.
        arms: scans with histology, and controls.
        included: the study.
        stages: F0 to F4, then the sets that occur.
        unsettled: criteria that were not checked, or not for every scan.
    """

    found: Count
    arms: tuple[Arm, Arm]
    included: Count
    stages: tuple[StageCount, ...]
    unsettled: tuple[Unsettled, ...]

    def to_dict(self) -> dict[str, Any]:
        """Content of ``flow.json``."""
        return {"intended_use": "research use only", **asdict(self)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Flow:
        """The flow behind `to_dict`.

        Raises:
            KeyError, TypeError: something else.
        """
        histology, controls = (_arm(arm) for arm in content["arms"])
        return cls(
            Count(**content["found"]),
            (histology, controls),
            Count(**content["included"]),
            tuple(StageCount(entry["stage"], Count(**entry["count"])) for entry in content["stages"]),
            tuple(Unsettled(**{**entry, "unknown": Count(**entry["unknown"])}) for entry in content["unsettled"]),
        )

    def table(self) -> list[dict[str, str | int]]:
        """Rows of ``flow.csv``: group, step, criterion, reason, scans, patients."""
        rows = [_line("all", "found", self.found)]
        for arm in self.arms:
            rows.append(_line(arm.name, "found", arm.found))
            rows += [_line(arm.name, "excluded", r.count, r.criterion, r.text) for r in arm.reasons]
            rows.append(_line(arm.name, "included", arm.included))
        rows.append(_line("all", "included", self.included))
        rows += [_line(entry.stage, "included", entry.count) for entry in self.stages]
        for entry in self.unsettled:
            step = "unknown, kept" if entry.checked else "not checked"
            rows.append(_line("all", step, entry.unknown, entry.criterion, entry.text))
        return rows


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 scan``, ``1,250 scans``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def arm_of(row: CohortRow) -> ArmName:
    """Where in the flowchart a scan stands."""
    return "controls" if row.is_control else "histology"


def count_stages(rows: Sequence[CohortRow]) -> tuple[StageCount, ...]:
    """Counts of F0 to F4, then of the sets that occur."""
    sets = sorted({row.stage_name for row in rows} - set(STAGES))
    return tuple(
        StageCount(name, Count.of([row for row in rows if row.stage_name == name])) for name in (*STAGES, *sets)
    )


def _arm(content: Mapping[str, Any]) -> Arm:
    counts = {name: Count(**content[name]) for name in ("found", "excluded", "included")}
    reasons = tuple(Reason(r["criterion"], r["text"], Count(**r["count"])) for r in content["reasons"])
    return Arm(content["name"], reasons=reasons, **counts)


def _line(group: str, step: str, count: Count, criterion: str = "", reason: str = "") -> dict[str, str | int]:
    return {"group": group, "step": step, "criterion": criterion, "reason": reason, **asdict(count)}
