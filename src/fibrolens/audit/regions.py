"""The regions of a scan that a map is measured in, and evidence as large as a map can show it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Shaped
from scipy.ndimage import maximum_filter

from fibrolens.explain.recipe import Recipe
from fibrolens.plan import NetworkPlan, Plan
from fibrolens.regions import regions
from fibrolens.staging.network import cell_of
from fibrolens.staging.predict import Prediction
from fibrolens.staging.seen import Seen, needs_labels, see
from fibrolens.study.prepare import PreparedScan

Mask = Bool[np.ndarray, "d h w"]


def seen_by(scan: PreparedScan, plan: Plan) -> Seen:
    """What the network of a plan sees of a scan."""
    return see(scan.case, scan.labels.array if needs_labels(plan) else None, plan)


def covered_body(scan: PreparedScan, prediction: Prediction) -> Mask:
    """The body on the slices that a window covered; an organ's voxels count as body."""
    covered = (prediction.coverage > 0)[:, None, None]
    return np.asarray((scan.body | (scan.labels.array > 0)) & covered)


def region_masks(scan: PreparedScan, inside: Mask) -> dict[str, Mask]:
    """Liver, its surface and core, spleen, and elsewhere, on the voxels of `inside`; absent organs are left out."""
    found = regions(scan.labels, scan.body, depth=scan.depth)
    return {name: mask & inside for name, mask in found.items()}


def widened(evidence: Shaped[np.ndarray, "d h w"], plan: NetworkPlan, recipe: Recipe) -> Mask:
    """Evidence dilated by one voxel of the coarsest map of a recipe: finer than that no map can be."""
    cells = [cell_of(plan, layer) for layer in recipe.layers]
    reach = [2 * max(sides) + 1 for sides in zip(*cells, strict=True)]
    return np.asarray(maximum_filter(evidence > 0, reach))
