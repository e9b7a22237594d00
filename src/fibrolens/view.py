"""What the network sees of a CT, and what its map is measured with: the same for one scan and for a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Shaped

from fibrolens.body import body_in
from fibrolens.explain.scale import combine_layers
from fibrolens.plan import GridPlan
from fibrolens.regions import LIVER, capsule_depth_at
from fibrolens.staging.data import liver_range
from fibrolens.staging.predict import Prediction
from fibrolens.transforms import Located, Orient, ToNetworkGrid
from fibrolens.volume import Volume


@dataclass(frozen=True, eq=False)
class NetworkView:
    """A CT and its organs on the network grid.

    Args:
        grid: the way there and back.
        image: windowed to [0, 1].
        labels: 1 liver, 2 spleen.
        body: the patient without the table.
        depth: of each liver voxel below its capsule, in millimetres, measured on the CT's own grid; 0 elsewhere.
        liver_range: first and last slice (inclusive) that show liver.
    """

    grid: ToNetworkGrid
    image: Volume
    labels: Volume
    body: Bool[np.ndarray, "d h w"]
    depth: Float[np.ndarray, "d h w"]
    liver_range: tuple[int, int]

    @classmethod
    def of(cls, ct: Volume, labels: Volume, plan: GridPlan, native_slices: bool = False) -> NetworkView:
        """Bring a CT in Hounsfield units (or an MR) and its labels to the network grid, or to the scan's own slices.

        Raises:
            CoverageError: there is no liver.
        """
        if native_slices:
            own = Orient.fit(ct.geometry).target.spacing[0]
            plan = replace(plan, spacing_mm=(own, *plan.spacing_mm[1:]))
        grid = ToNetworkGrid.fit(ct, plan)
        hu = grid.forward_hu(ct)
        seen = grid.forward_labels(labels)
        liver = liver_range(seen.array == LIVER, ct.source)
        return cls(
            grid, grid.window.forward(hu), seen, body_in(hu, plan.intensity), capsule_depth_at(labels, seen), liver
        )

    def located(self, array: Float[np.ndarray, "d h w"]) -> Located:
        """A map on the network grid as it lies on the CT's own."""
        return self.grid.located(self.image.with_array(array))


def scaled_map(
    prediction: Prediction, target: int, layers: Sequence[str], body: Bool[np.ndarray, "d h w"]
) -> Float[np.ndarray, "d h w"]:
    """The location map of one target on the network grid, scale ``mean1``; 0 outside the covered slices.

    Args:
        prediction: with the maps of `layers`.
        target: index among its targets.
        layers: whose maps are averaged, each at its own mean.
        body: where the mean is taken.
    """
    inside = body & (prediction.coverage > 0)[:, None, None]
    maps: list[Shaped[np.ndarray, "d h w"]] = [prediction.maps[layer][target] for layer in layers]
    return combine_layers(maps, inside).array
