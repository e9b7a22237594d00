"""Where maps point: liver and spleen, and the places of the signs where a simulated cohort knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from fibrolens.audit.maps import Maps
from fibrolens.audit.subjects import Bench, Shown
from fibrolens.cohort.table import CohortRow
from fibrolens.evaluate.saliency.localisation import pointing_game, relevance_mass, relevance_rank
from fibrolens.evaluate.saliency.means import patient_mean
from fibrolens.io import read_volume
from fibrolens.io.nifti import read_nifti
from fibrolens.regions import LIVER, SPLEEN
from fibrolens.transforms import ToNetworkGrid

Mask = Bool[np.ndarray, "d h w"]

#: How far from a region the maximum may lie: a coarse map knows no better.
TOLERANCE_MM = 6.0
#: Signs of a simulated cohort that have a place.
SIGNS = ("surface", "spleen", "texture", "lobes")
FIGURES = ("hit", "chance", "mass", "rank", "share")


def organs(shown: Shown) -> dict[str, Mask]:
    """Liver, spleen, and both together."""
    labels = shown.scan.labels.array
    return {"liver": labels == LIVER, "spleen": labels == SPLEEN, "liver and spleen": labels > 0}


def evidence(bench: Bench, row: CohortRow) -> dict[str, Mask]:
    """Where the signs show in a simulated scan, on the network grid; none of a real one."""
    if bench.evidence is None:
        return {}
    files = {sign: bench.evidence / f"{row.scan_id}_{sign}.nii.gz" for sign in SIGNS}
    known = {sign: file for sign, file in files.items() if file.is_file()}
    if not known:
        return {}
    ct = read_volume(row.image)
    grid = ToNetworkGrid.fit(ct, bench.plan.grid)
    return {
        f"evidence of {sign}": grid.forward_labels(ct.with_array((read_nifti(file)[0] > 0).astype(np.uint8))).array > 0
        for sign, file in known.items()
    }


def pointed(maps: Maps, masks: Mapping[str, Mask], spacing: tuple[float, float, float]) -> dict[str, Any]:
    """Of each recipe and mask ``hit``, ``chance``, ``mass``, ``rank``, and ``share``: the mask's part of the body."""
    found: dict[str, Any] = {}
    for name, array in maps.arrays.items():
        found[name] = {}
        for region, mask in masks.items():
            game = pointing_game(array, mask & maps.inside, maps.inside, spacing, TOLERANCE_MM)
            if game is not None:
                found[name][region] = {
                    "hit": game.hit,
                    "chance": game.chance,
                    "mass": relevance_mass(array, mask, maps.inside),
                    "rank": relevance_rank(array, mask, maps.inside),
                    "share": float((mask & maps.inside).sum() / maps.inside.sum()),
                }
    return found


def localisation_figures(
    rows: Sequence[Mapping[str, Any]], name: str, generator: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """Means over scans of each mask's `FIGURES`; ``chance`` and ``share`` are what a map without knowledge gets."""
    found = {}
    for region in dict.fromkeys(region for row in rows for region in row["localisation"][name]):
        own = [
            (row["localisation"][name][region], row["number"]) for row in rows if region in row["localisation"][name]
        ]
        patient = np.array([number for _, number in own])
        found[region] = {
            figure: patient_mean(
                np.array([np.nan if one[figure] is None else one[figure] for one, _ in own]), patient, generator
            )
            for figure in FIGURES
        }
    return found
