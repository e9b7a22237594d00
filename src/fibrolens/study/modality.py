"""CT or MR: what a study's scans are, and whether its plan, its masks and its weights go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fibrolens.cohort.columns import CT, HEPATOBILIARY, MR
from fibrolens.cohort.criteria import Criteria
from fibrolens.cohort.problems import Problem, refuse
from fibrolens.cohort.table import CohortRow, scan_table
from fibrolens.errors import CohortError, UsageError
from fibrolens.plan import Intensity, Plan

#: The plan's intensity of each modality.
INTENSITY: Mapping[str, Intensity] = {CT: "hu", MR: "mr"}


def modality_of(row: CohortRow) -> str:
    """``CT`` or ``MR``; a row that names none is CT."""
    return row.values.get("modality", "") or CT


def is_mr(row: CohortRow) -> bool:
    """Whether a row's scan is an MR."""
    return modality_of(row) == MR


def modality_for(cohort_csv: Path) -> str:
    """``MR`` where every scan of a cohort is one, but for rows with an exclude reason; else ``CT``.

    Raises:
        CohortError: the file is no table.
    """
    rows = [row for row in scan_table(cohort_csv).rows if not row.values.get("exclude")]
    return MR if rows and all(is_mr(row) for row in rows) else CT


def default_criteria(modality: str) -> Criteria:
    """The paper's criteria; of MR, the hepatobiliary phase stands in the place of the portal venous one."""
    return Criteria() if modality == CT else Criteria(modalities=(MR,), phases=(HEPATOBILIARY,))


def fitted_plan(plan: Plan, modality: str) -> Plan:
    """A plan whose weights are yet random, for scans of a modality."""
    return replace(plan, grid=replace(plan.grid, intensity=INTENSITY[modality]))


def require_weights(plan: Plan, modality: str, name: str) -> None:
    """Refuse weights of another modality.

    Args:
        plan: of the weights.
        modality: of the cohort.
        name: how the user called the weights.

    Raises:
        UsageError: they were trained on scans of another modality.
    """
    if plan.grid.intensity != INTENSITY[modality]:
        other = CT if modality == MR else MR
        raise UsageError(
            f"The weights {name} were trained on {other} and the cohort is {modality}; begin with --from scratch, or "
            f"with a model folder that was trained on {modality}."
        )


def require_modality(rows: Sequence[CohortRow], plan: Plan, cohort_csv: Path) -> None:
    """Refuse what no network can be trained on together, or with this plan.

    Args:
        rows: in the study.
        plan: of its networks.
        cohort_csv: the cohort, for the messages.

    Raises:
        CohortError: CT and MR are mixed, the plan is of the other modality, or an MR has no mask of an organ.
    """
    found = sorted({modality_of(row) for row in rows})
    if len(found) > 1:
        raise CohortError(
            f"{cohort_csv.name} mixes CT and MR, whose values have nothing in common; make a cohort of each, or leave "
            "one out by the criteria (modalities)."
        )
    for modality in found:
        if plan.grid.intensity != INTENSITY[modality]:
            raise CohortError(
                f"The scans of {cohort_csv.name} are {modality}, and the plan's grid has the intensity "
                f"{plan.grid.intensity}; it must be {INTENSITY[modality]}."
            )
    refuse(cohort_csv, [problem for row in rows if is_mr(row) for problem in _missing_masks(row)])


def _missing_masks(row: CohortRow) -> list[Problem]:
    masks = {"liver_mask": row.liver_mask, "spleen_mask": row.spleen_mask}
    empty = " and ".join(name for name, path in masks.items() if path is None)
    told = "the networks for organs know CT only, so an MR needs both masks"
    return [Problem(row.line, f"{empty} empty; {told}")] if empty else []
