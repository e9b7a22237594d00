"""The known-truth score: simulated patients whose disease shows in one place alone; does the map name that place?

An arm's networks are trained on patients with one sign of fibrosis. Of its correctly staged F4 the map's densest region
should be the one with the sign, and the map should be denser in the planted evidence than in the rest of the body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.entries import fold_spread, proportion
from fibrolens.evaluate.saliency.means import patient_mean

#: Where the sign of each arm of the simulator lies.
TRUE_REGIONS: Mapping[str, str] = {
    "surface": "liver_surface",
    "spleen": "spleen",
    "texture": "liver_core",
    "lobes": "liver",
}
#: Share of an arm's maps whose true region ranks first, and patients that it takes to say so; both set by the project.
TARGET = 0.9
FEWEST_PATIENTS = 50


@dataclass(frozen=True, eq=False)
class Arm:
    """The correctly staged F4 of one arm, over all its networks.

    Args:
        name: of the arm.
        first: 1 where the true region ranks first (`first_region.ranks_first`), else 0; NaN where it is not known.
        denser: 1 where the map is denser in the evidence than in the rest of the body, else 0; NaN as `first`.
        seed: of the network that made each map.
        patient: number of the patient of each map; those of different simulated cohorts are different patients.
        chance: how often a map without knowledge puts the region first (`first_region.chance_first`).
    """

    name: str
    first: Float[np.ndarray, " n"]
    denser: Float[np.ndarray, " n"]
    seed: Int[np.ndarray, " n"]
    patient: Int[np.ndarray, " n"]
    chance: float


def known_truth(arms: Sequence[Arm], generator: np.random.Generator, replicates: int = REPLICATES) -> dict[str, Any]:
    """The score of one method over the arms, ready for JSON.

    Args:
        arms: those that were run.
        generator: source of the draws.
        replicates: bootstrap replicates.

    Returns:
        ``arms`` (see `arm_score`), ``missing`` (arms of `TRUE_REGIONS` that were not run), ``lowest`` (the arm with
        the lowest rate and its ``value``), ``reached``: whether the true region ranks first in at least `TARGET` of
        every arm, False as soon as one misses it, None while one is missing or too small; ``above_chance`` likewise.
    """
    found = {arm.name: arm_score(arm, generator, replicates) for arm in arms}
    missing = [name for name in TRUE_REGIONS if name not in found]
    rates = {name: arm["top1"]["value"] for name, arm in found.items() if arm["top1"]["value"] is not None}
    worst = min(rates, key=lambda name: rates[name], default=None)
    return {
        "arms": found,
        "missing": missing,
        "lowest": None if worst is None else {"arm": worst, "value": rates[worst]},
        "target": TARGET,
        "reached": _all([arm["reached"] for arm in found.values()], missing),
        "above_chance": _all([arm["above_chance"] for arm in found.values()], missing),
    }


def arm_score(arm: Arm, generator: np.random.Generator, replicates: int = REPLICATES) -> dict[str, Any]:
    """The score of one arm, ready for JSON.

    Args:
        arm: its maps.
        generator: source of the draws.
        replicates: bootstrap replicates.

    Returns:
        ``top1`` (see `proportion`: Wilson, a patient's maps by several networks counting as if they always agreed) with
        its ``bootstrap`` over patients and ``chance``; ``evidence_denser`` (see `proportion`); ``per_seed`` and their
        ``seeds`` (mean, SD, lowest); ``patients``; ``reached``: the rate is at least `TARGET`, None with fewer than
        `FEWEST_PATIENTS`; ``above_chance``: the lower end of Wilson's interval lies above chance.
    """
    known = ~np.isnan(arm.first)
    first, seed, patient = arm.first[known] == 1, arm.seed[known], arm.patient[known]
    top1 = proportion(first, patient)
    seen = ~np.isnan(arm.denser)
    per_seed = [
        {"seed": int(one), "value": float(first[seed == one].mean()), "of": int((seed == one).sum())}
        for one in np.unique(seed)
    ]
    rates = [row["value"] for row in per_seed]
    spread = fold_spread(rates)
    patients = len(np.unique(patient))
    enough = patients >= FEWEST_PATIENTS
    return {
        "top1": top1
        | {"bootstrap": patient_mean(first.astype(float), patient, generator, replicates)["interval"]}
        | {"chance": arm.chance},
        "evidence_denser": proportion(arm.denser[seen] == 1, arm.patient[seen]),
        "per_seed": per_seed,
        "seeds": {"mean": spread["mean"], "sd": spread["sd"], "lowest": min(rates, default=None), "seeds": len(rates)},
        "patients": patients,
        "unknown": int((~known).sum()),
        "reached": top1["value"] >= TARGET if enough else None,
        "above_chance": top1["interval"][0] > arm.chance if enough else None,
    }


def _all(reached: Sequence[bool | None], missing: Sequence[str]) -> bool | None:
    if any(one is False for one in reached):
        return False
    return None if missing or not reached or None in reached else True
