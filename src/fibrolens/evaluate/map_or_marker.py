"""Map or marker: how much of the network's score is the size of the spleen, and how much each other thing measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.entries import ends
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.shares import FOLDS, REPEATS, Share, Shares, normal_scores, shares

#: Group -> the columns that it is measured by. Ratios of two groups (liver to spleen) and blood scores that hold the
#: age stand in neither: their parts do.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "spleen size": ("spleen_volume_ml", "splenic_index_cm3"),
    "liver size and shape": ("liver_volume_ml", "lsvr"),
    "surface": ("lsn", "nodularity_mm"),
    "texture": ("texture_sd_hu", "texture_mpp_hu", "texture_entropy", "texture_skewness", "texture_kurtosis"),
    "enhancement": ("liver_hu", "spleen_hu", "aorta_hu"),
    "portal vein": ("portal_vein_mm",),
    "blood values": ("platelets", "ast", "alt"),
    "age and sex": ("age", "sex"),
}
#: A column that is known of fewer scans than this share is left out.
LEAST_KNOWN = 0.5
#: Scans per column that a regression needs here.
SCANS_PER_COLUMN = 3
METHODS = {
    "map_or_marker": "expected stage out of fold (sum of k x P(Fk)), as normal scores of its rank, regressed on the "
    "normal scores of what was measured; R2 adjusted for the number of columns, shared out by the mean gain over all "
    "orders of the groups (Lindeman, Merenda and Gold; Shapley), exact; an unknown value counts as the middle one",
    "map_or_marker_interval": "95 % percentile interval, {replicates} draws of patients; unit: patient; out_of_fold: "
    f"{FOLDS} folds of patients, {REPEATS} times",
}


def map_or_marker(
    cases: Sequence[Predicted],
    measured: Mapping[str, Mapping[str, str]],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """Shapley shares of the measured groups in the network's score, and in the true stage.

    Args:
        cases: out-of-fold predictions.
        measured: of each scan id, its markers and the cohort's values by the names of `GROUPS`; empty where unknown.
            Scans that are not in it are left out and counted.
        generator: source of the draws.
        replicates: number of draws.

    Returns:
        ``groups`` (per group its ``columns``, how many scans each is known of, and for ``network`` and ``stage`` share
        with interval, ``alone`` and ``unique``), ``network`` and ``stage`` (R² of all groups, ``out_of_fold``),
        ``unused`` columns with the reason, ``scans``, ``patients``, ``left_out`` and ``methods``; beside a ``reason``
        no figure.
    """
    known = [case for case in cases if case.scan_id in measured]
    patient = np.unique([case.patient_id for case in known], return_inverse=True)[1]
    columns, unused = _columns([measured[case.scan_id] for case in known])
    content = {
        "scans": len(known),
        "patients": len(set(patient.tolist())),
        "left_out": len(cases) - len(known),
        "unused": unused,
        "methods": {name: text.format(replicates=replicates) for name, text in METHODS.items()},
    }
    width = sum(map(len, columns.values()))
    if reason := _too_little(len(known), width, known):
        return content | {"groups": {}, "network": None, "stage": None, "reason": reason}
    tables = {group: np.column_stack([normal_scores(c) for c in own.values()]) for group, own in columns.items()}
    expected = np.array([np.dot(np.arange(5), case.probabilities) for case in known])
    stage = np.array([np.mean(case.stages) for case in known])
    found = {
        name: shares(normal_scores(values), tables, patient, generator, replicates)
        for name, values in (("network", expected), ("stage", stage))
    }
    groups = {
        group: {
            "columns": {name: int((~np.isnan(values)).sum()) for name, values in own.items()},
            **{name: _entry(result.groups[group]) for name, result in found.items()},
        }
        for group, own in columns.items()
    }
    return content | {"groups": groups, **{name: _whole(result) for name, result in found.items()}}


def _columns(
    rows: Sequence[Mapping[str, str]],
) -> tuple[dict[str, dict[str, Float[np.ndarray, " n"]]], dict[str, str]]:
    """The columns of each group that can be used, and why others cannot."""
    used: dict[str, dict[str, Float[np.ndarray, " n"]]] = {}
    unused = {}
    for group, names in GROUPS.items():
        for name in names:
            values = np.array([_number(row.get(name, "")) for row in rows], dtype=float)
            known = values[~np.isnan(values)]
            if len(known) < LEAST_KNOWN * len(rows) or not len(known):
                unused[name] = f"known of {len(known)} of {len(rows)} scans"
            elif np.ptp(known) == 0:
                unused[name] = "the same in all scans"
            else:
                used.setdefault(group, {})[name] = values
    return used, unused


def _too_little(scans: int, width: int, cases: Sequence[Predicted]) -> str | None:
    if not width:
        return "nothing was measured"
    if scans < SCANS_PER_COLUMN * width + 2:
        return f"{width} columns need at least {SCANS_PER_COLUMN * width + 2} scans; there are {scans}"
    if len({case.stages for case in cases}) < 2 or len({case.probabilities for case in cases}) < 2:
        return "all scans have the same stage or score"
    return None


def _entry(share: Share) -> dict[str, Any]:
    return {
        "share": share.share.estimate,
        "interval": ends(share.share),
        "alone": share.alone,
        "unique": share.unique,
    }


def _whole(found: Shares) -> dict[str, Any]:
    return {"r2": found.whole.estimate, "interval": ends(found.whole), "out_of_fold": found.out_of_fold}


def _number(text: str) -> float:
    """The number of a cell; men are 1 and women 0."""
    if text in ("M", "F"):
        return float(text == "M")
    return float(text) if text else float("nan")
