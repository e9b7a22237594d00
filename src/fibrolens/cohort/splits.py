"""Five folds: stratified by stage and site, all scans of a patient in one fold."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fibrolens.aside import write_whole
from fibrolens.cohort.table import CohortRow
from fibrolens.errors import CohortError
from fibrolens.jsonfile import read_json

FOLDS = 5


def make_splits(rows: Sequence[CohortRow], seed: int, folds: int = FOLDS) -> tuple[tuple[str, ...], ...]:
    """Scan ids of each test fold.

    Each fold gets its share of every stage (a set such as F2|F3 is one more), and within a stage of every site, as far
    as a cohort is large enough for it (see `strata`); where a fold would stay empty, patients alone are shared out.

    Args:
        rows: the cohort.
        seed: decides the shuffling.
        folds: number of folds.

    Raises:
        CohortError: fewer patients than folds.
    """
    patients = len({row.patient_id for row in rows})
    if patients < folds:
        raise CohortError(f"{folds} folds need at least {folds} patients; the cohort has {patients}.")
    splits = _share_out(rows, strata(rows, folds), seed, folds)
    if not all(splits):
        # Rare, where few patients have most of the scans. The fold with the fewest scans is next, so none stays empty.
        splits = _share_out(rows, ["all"] * len(rows), seed, folds)
    check_splits(rows, splits)
    return splits


def strata(rows: Sequence[CohortRow], folds: int = FOLDS) -> list[str]:
    """What the folds share out evenly: the stage of each row, with its site where that can be shared out too.

    Sites with fewer scans of a stage than there are folds stand together; where these are too few as well, or where the
    cohort has a single site, the stage stands alone. Where every stage is too few, neighbouring ones stand together.
    """
    names = _by_site(rows, folds)
    if max(Counter(names).values()) >= folds:
        return names
    return _neighbours(rows, folds)


def check_splits(rows: Sequence[CohortRow], splits: Sequence[Sequence[str]]) -> None:
    """Refuse folds that leak or that are not a partition of the cohort.

    Raises:
        CohortError: a patient in two folds, an empty fold, or a scan in no fold, two folds or not in the cohort.
    """
    placed = [scan for fold in splits for scan in fold]
    if sorted(placed) != sorted(row.scan_id for row in rows):
        raise CohortError("The folds are not a partition of the cohort: each scan must stand in exactly one fold.")
    if not all(splits):
        raise CohortError("A fold has no scans; use fewer folds or more patients.")
    fold_of = {scan: k for k, fold in enumerate(splits) for scan in fold}
    folds_of: dict[str, set[int]] = {}
    for row in rows:
        folds_of.setdefault(row.patient_id, set()).add(fold_of[row.scan_id])
    leaking = sorted(patient for patient, folds in folds_of.items() if len(folds) > 1)
    if leaking:
        raise CohortError(
            f"The folds leak: patient {leaking[0]} has scans in several folds; keep a patient in one fold."
        )


def write_splits(splits: Sequence[Sequence[str]], path: Path) -> None:
    """Write ``splits.json``: the scan ids that each fold tests."""
    content = {"folds": [{"fold": k, "test": list(fold)} for k, fold in enumerate(splits)]}
    write_whole(path, json.dumps(content, indent=2) + "\n")


def read_splits(rows: Sequence[CohortRow], path: Path) -> tuple[tuple[str, ...], ...]:
    """Read ``splits.json`` and check it against the cohort.

    Raises:
        CohortError: the file is broken, or the folds leak or do not fit the cohort.
    """
    try:
        folds = read_json(path)["folds"]
        splits = tuple(tuple(str(scan) for scan in fold["test"]) for fold in folds)
    except (OSError, ValueError, KeyError, TypeError):
        raise CohortError(f"{path} is not a list of folds; remove it to draw the folds again.") from None
    check_splits(rows, splits)
    return splits


def _share_out(rows: Sequence[CohortRow], names: Sequence[str], seed: int, folds: int) -> tuple[tuple[str, ...], ...]:
    """Scan ids of each fold, which gets its share of every stratum of `names`; a fold may stay empty."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415  (slow; a table is read without it)

    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A stage with fewer cases than folds is common here (8 of 252 are F1 in the paper) and counted in the report.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = splitter.split(np.zeros(len(rows)), names, [row.patient_id for row in rows])
        return tuple(tuple(rows[i].scan_id for i in test) for _, test in parts)


def _by_site(rows: Sequence[CohortRow], folds: int) -> list[str]:
    """The stage of each row, with its site where at least as many scans share both as there are folds."""
    sites = [row.values.get("site", "") for row in rows]
    if len(set(sites)) == 1:
        return [row.stage_name for row in rows]
    pairs = [(row.stage_name, site) for row, site in zip(rows, sites, strict=True)]
    counts = Counter(pairs)
    frequent: list[tuple[str, str | None]] = [pair if counts[pair] >= folds else (pair[0], None) for pair in pairs]
    left = Counter(frequent)
    return [_stratum(stage, site, left, folds) for stage, site in frequent]


def _stratum(stage: str, site: str | None, counts: Counter[tuple[str, str | None]], folds: int) -> str:
    """A stage with its site; the rare sites' scans, where they are few, go with the stage's most frequent site."""
    if site is None and counts[stage, None] < folds:
        sites = [other for name, other in counts if name == stage and other is not None]
        site = max(sites, key=lambda other: (counts[stage, other], other), default=None)
    return stage if site is None else f"{stage} at {site}"


def _neighbours(rows: Sequence[CohortRow], folds: int) -> list[str]:
    """The stage of each row, with as many of the next ones as it takes to have a scan for every fold."""
    counts = Counter(row.stage_name for row in rows)
    # A set stands between its stages.
    place = {row.stage_name: (sum(row.stages) / len(row.stages), row.stages) for row in rows}
    groups: list[list[str]] = [[]]
    for name in sorted(counts, key=lambda name: place[name]):
        if sum(counts[member] for member in groups[-1]) >= folds:
            groups.append([])
        groups[-1].append(name)
    if len(groups) > 1 and sum(counts[member] for member in groups[-1]) < folds:
        rest = groups.pop()
        groups[-1] += rest
    group_of = {name: ", ".join(group) for group in groups for name in group}
    return [group_of[row.stage_name] for row in rows]
