"""Deletion and insertion: does the score go where the map says that the evidence is?

The scan's parts are replaced by neutral tissue in the order of the map, the highest first (deletion), or put back into
a scan of neutral tissue (insertion), and the score of the map's target is read after each step (Petsiuk et al., RISE,
BMVC 2018). In a good order the score falls early and rises early. Replaced scans are unlike any that the network has
seen, so an area says little by itself; what counts is the distance to random orders of the same parts.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.saliency.means import patient_mean

Kind = Literal["deletion", "insertion"]

#: Where the scores of the full and the empty scan differ by less (of a probability), a curve between them is noise.
LEAST_SPAN = 0.05


def curve_area(fraction: Float[np.ndarray, " steps"], score: Float[np.ndarray, " steps"], kind: Kind) -> float | None:
    """Area under a deletion or insertion curve, the score being 0 at the empty scan and 1 at the full one.

    Args:
        fraction: part of the voxels replaced (deletion) or put back (insertion), ascending from 0 to 1.
        score: of the target after each step; may leave the range between both ends.
        kind: ``deletion`` begins with the full scan and is the better the *smaller* its area; ``insertion`` begins with
            the empty one and is the better the *larger* its area.

    Returns:
        The area by trapezoids, 0.5 for a straight line; None where full and empty differ by less than `LEAST_SPAN`.
    """
    full, empty = (score[0], score[-1]) if kind == "deletion" else (score[-1], score[0])
    if abs(full - empty) < LEAST_SPAN:
        return None
    return float(np.trapezoid((score - empty) / (full - empty), fraction))


def against_random(
    own: Float[np.ndarray, " n"],
    random: Float[np.ndarray, "n orders"],
    patient: Int[np.ndarray, " n"],
    kind: Kind,
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """Areas of the map's order against those of random orders of the same scans, ready for JSON.

    Args:
        own: area of each scan's curve (`curve_area`); NaN where there is none.
        random: areas of the scan's curves in random orders; NaN where there is none.
        patient: number of the patient of each scan.
        kind: of the curves; decides on which side the better areas lie.
        generator: source of the draws.
        replicates: bootstrap replicates.

    Returns:
        Means over scans with intervals: ``area``, ``random`` and ``gain``, by how much the map's order is better (above
        0 whatever the `kind`); ``better_than``, the mean share of a scan's random orders that the map's beats, ties
        half (0.5 for a random map); ``beats_random``: whether the interval of the gain lies above 0, None without an
        interval; and ``left_out``, the number of scans without a curve.
    """
    sign = -1.0 if kind == "deletion" else 1.0
    known = ~np.isnan(own) & ~np.isnan(random).any(axis=1)
    mine, others, owner = own[known], random[known], patient[known]
    gain = sign * (mine[:, None] - others)
    columns = {
        "area": mine,
        "random": others.mean(axis=1),
        "gain": gain.mean(axis=1),
        "better_than": ((gain > 0) + 0.5 * (gain == 0)).mean(axis=1),
    }
    found = {name: patient_mean(values, owner, generator, replicates) for name, values in columns.items()}
    ends = found["gain"]["interval"]
    return found | {"beats_random": None if ends is None else bool(ends[0] > 0), "left_out": int((~known).sum())}
