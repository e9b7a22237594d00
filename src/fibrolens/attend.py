"""The second map of a staged CT, and where a map lies: measured on the network grid, where maps are made."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fibrolens.explain.agreement import doubt
from fibrolens.explain.attention import attention, centroid_mm, depth_profile
from fibrolens.explain.recipe import RECOMMENDED, Recipe
from fibrolens.result import Attention
from fibrolens.staging.predict import Prediction, StagingModel, predict
from fibrolens.transforms import Located
from fibrolens.view import NetworkView, scaled_map

SCALE = "mean1"


def recommended_map(
    model: StagingModel, view: NetworkView, prediction: Prediction, how: Recipe
) -> tuple[Float[np.ndarray, "d h w"] | None, Located | None]:
    """The recommended map of the predicted stage on the network grid and on the CT's; None where `how` makes it."""
    if how.name == RECOMMENDED.name:
        return None, None
    found = predict(
        model,
        view.image.array,
        view.liver_range,
        RECOMMENDED.layers,
        (prediction.predicted,),
        explain=RECOMMENDED.explain,
    )
    array = scaled_map(found, 0, RECOMMENDED.layers, view.body)
    return array, view.located(array)


def attend(
    model: StagingModel,
    view: NetworkView,
    coverage: Float[np.ndarray, " d"],
    target: str,
    mask_source: str,
    how: Recipe,
    array: Float[np.ndarray, "d h w"],
) -> Attention:
    """Where a map on the network grid lies."""
    location_map = view.image.with_array(array)
    measured = (location_map, view.labels, view.body, coverage, view.depth)
    inside = view.body & (coverage > 0)[:, None, None]
    return Attention(
        SCALE,
        how.method,
        how.layer,
        target,
        mask_source,
        attention(*measured),
        depth_profile(*measured),
        centroid_mm(location_map, inside),
        model.reference,
    )


def oddities(shown: Attention) -> tuple[str, ...]:
    """What the paper proposes maps for: reconsider where one looks abnormal."""
    said = doubt(f"{shown.method} {shown.layer}", shown.pattern, shown.target, shown.agreement)
    return () if said is None else (said,)
