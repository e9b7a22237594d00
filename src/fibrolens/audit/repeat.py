"""Do networks of other folds, seeds and designs look at the same places?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fibrolens.audit.maps import Maps
from fibrolens.audit.regions import region_masks
from fibrolens.audit.subjects import Shown
from fibrolens.evaluate.saliency.first_region import region_means
from fibrolens.evaluate.saliency.means import or_nan
from fibrolens.evaluate.saliency.repeatability import repeatability
from fibrolens.explain.attention import NAMES


def densities(shown: Shown, maps: Maps) -> dict[str, dict[str, float | None]]:
    """Of each recipe the mean of its map in every region."""
    masks = region_masks(shown.scan, maps.inside)
    return {name: dict(region_means(array, masks)) for name, array in maps.arrays.items()}


def repeatability_figures(
    rows: Sequence[Mapping[str, Any]], key: str, name: str, generator: np.random.Generator
) -> dict[str, Any]:
    """Of each region the agreement of its means over networks.

    Args:
        rows: of each scan under `key` a list, with the `densities` by each network.
        key: which networks.
        name: of the recipe.
        generator: source of the draws.
    """
    patient = np.array([row["number"] for row in rows])
    found = {}
    for region in NAMES:
        values = [[or_nan(one[name].get(region)) for one in row[key]] for row in rows]
        found[region] = repeatability(np.array(values, float), patient, generator)
    return found
