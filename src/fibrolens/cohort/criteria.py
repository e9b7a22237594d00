"""Who is in the study, with a reason for every scan that is left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from fibrolens.cohort.flow import ARMS, Arm, Count, Flow, Reason, Unsettled, arm_of, count_stages
from fibrolens.cohort.rules import CRITERIA, Criteria, Criterion, Missing, Unmet
from fibrolens.cohort.table import CohortRow
from fibrolens.errors import CohortError, InputError
from fibrolens.jsonfile import read_json
from fibrolens.plan import from_plain

__all__ = ["Criteria", "Exclusion", "Missing", "Selection", "read_criteria", "select"]


@dataclass(frozen=True)
class Exclusion:
    """A scan that is left out: the first criterion that it does not meet, and why; `detail` is what its row says."""

    row: CohortRow
    criterion: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Selection:
    """The rows of a cohort, in or out, and their counts."""

    included: tuple[CohortRow, ...]
    excluded: tuple[Exclusion, ...]
    flow: Flow


def read_criteria(path: Path) -> Criteria:
    """Criteria from a JSON object; keys that it does not hold keep the paper's values.

    Raises:
        InputError: the file is no such object, or holds a key or value that there is not.
    """
    try:
        return from_plain(Criteria, read_json(path), path.name)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Check the path.") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path.name} is no JSON ({error}); correct it.") from None
    except (TypeError, ValueError) as error:
        keys = ", ".join(entry.name for entry in fields(Criteria))
        under = ", ".join(entry.name for entry in fields(Missing))
        raise InputError(f"{error}. The keys are {keys}; under missing: {under}.") from None


def select(rows: Sequence[CohortRow], criteria: Criteria) -> Selection:
    """Apply the criteria in their order: first the reasons of the table itself, then the paper's.

    Args:
        rows: a cohort.
        criteria: who is in the study.

    Raises:
        CohortError: a cell is no number or date; `check_cohort` tells all of these at once.
    """
    columns = set(rows[0].values) if rows else set()
    asked = [criterion for criterion in CRITERIA if criterion.asks(criteria)]
    checked = [c for c in asked if all(columns & set(names) for names in c.columns)]
    included, excluded = [], []
    unknown: dict[str, list[CohortRow]] = {criterion.name: [] for criterion in checked}
    for row in rows:
        exclusion, unsettled = _judge(row, criteria, checked)
        if exclusion is not None:
            excluded.append(exclusion)
            continue
        included.append(row)
        for name in unsettled:
            unknown[name].append(row)
    arms = {arm_of(row) for row in rows}
    open_questions = [
        Unsettled(c.name, c.asks(criteria), c in checked, Count.of(unknown.get(c.name, ())))
        for c in asked
        if arms & set(c.arms) and (c not in checked or unknown[c.name])
    ]
    return Selection(tuple(included), tuple(excluded), _flow(rows, included, excluded, open_questions))


def _judge(row: CohortRow, criteria: Criteria, checked: Sequence[Criterion]) -> tuple[Exclusion | None, list[str]]:
    """The first criterion that a row does not meet, and the criteria that it leaves open."""
    unsettled = []
    for criterion in checked:
        if arm_of(row) not in criterion.arms:
            continue
        try:
            verdict = criterion.judge(row, criteria)
        except ValueError as error:
            raise CohortError(f"Line {row.line}: {error}; run fibrolens cohort check.") from None
        if verdict == "unknown":
            if getattr(criteria.missing, criterion.name) == "include":
                unsettled.append(criterion.name)
                continue
            verdict = Unmet(criterion.unknown)
        if isinstance(verdict, Unmet):
            return Exclusion(row, criterion.name, verdict.reason, verdict.detail), []
    return None, unsettled


def _flow(
    rows: Sequence[CohortRow],
    included: Sequence[CohortRow],
    excluded: Sequence[Exclusion],
    unsettled: Sequence[Unsettled],
) -> Flow:
    arms = [
        Arm(
            name,
            found=Count.of(row for row in rows if arm_of(row) == name),
            excluded=Count.of(out.row for out in excluded if arm_of(out.row) == name),
            reasons=_reasons([out for out in excluded if arm_of(out.row) == name]),
            included=Count.of(row for row in included if arm_of(row) == name),
        )
        for name in ARMS
    ]
    return Flow(Count.of(rows), (arms[0], arms[1]), Count.of(included), count_stages(included), tuple(unsettled))


def _reasons(excluded: Sequence[Exclusion]) -> tuple[Reason, ...]:
    """Reasons with their counts, in the order of the criteria, the most frequent first."""
    order = [criterion.name for criterion in CRITERIA]
    groups = Counter((out.criterion, out.reason) for out in excluded)
    ranked = sorted(groups, key=lambda group: (order.index(group[0]), -groups[group], group[1]))
    return tuple(
        Reason(name, text, Count.of(out.row for out in excluded if (out.criterion, out.reason) == (name, text)))
        for name, text in ranked
    )
