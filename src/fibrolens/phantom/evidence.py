"""Where each sign of the disease shows: the known truth against which explanations are graded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.ndimage import find_objects, maximum_filter

from fibrolens.markers.volumes import LEFT_SEGMENTS, RIGHT_SEGMENTS
from fibrolens.phantom.appearance import Picture
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.mr import UPTAKE_SIGN
from fibrolens.phantom.severity import SIGNS
from fibrolens.volume import Geometry, Volume

#: How far the inner half of the surface's shell may lie from its outer half.
SHELL_MM = 5.0
#: The capsule counts where the liver meets fat, fluid or lung: elsewhere its waves do not show.
FREE = (Organ.FAT, Organ.FLUID, Organ.LUNG)
ORGANS = {
    "spleen": Organ.SPLEEN, "enhancement": Organ.LIVER, "portal_vein": Organ.PORTAL_VEIN, "ascites": Organ.FLUID,
    "varices": Organ.VARICES,
    "table": Organ.TABLE,
    UPTAKE_SIGN: Organ.LIVER,
}  # fmt: skip


#: The signs, and the table, which a shortcut may tie to the stage.
NAMES = (*SIGNS, "table")
#: On MR the table does not show, and the uptake stands in the place of the CT's enhancement.
MR_NAMES = tuple(UPTAKE_SIGN if name == "enhancement" else name for name in SIGNS)


class Evidence(Mapping[str, Volume]):
    """One uint8 mask per name of `names`, made when asked for: all at once would outweigh the CT.

    1 where the sign shows, whether the patient has much or little of it; ``lobes`` is 1 in segments I to III, which
    grow, and 2 in IV to VIII, which shrink. How much of a sign a patient has stands in ``truth.csv``; what it changes
    in each voxel is the difference to the patient's twin.

    Args:
        picture: the painted scene.
        geometry: its grid.
        names: what can show, `NAMES` or `MR_NAMES`.
    """

    def __init__(self, picture: Picture, geometry: Geometry, names: tuple[str, ...] = NAMES) -> None:
        self._names = names
        self._labels, self._segments = picture.labels, picture.segments
        self._parenchyma, self._capsule = picture.parenchyma, picture.capsule
        self._geometry = geometry

    def __getitem__(self, name: str) -> Volume:
        if name not in self._names:
            raise KeyError(name)
        return Volume(self._mask(name).astype(np.uint8), self._geometry, f"evidence of {name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _mask(self, name: str) -> np.ndarray:
        if name == "texture":
            return self._parenchyma
        if name == "surface":
            return self._surface()
        if name == "lobes":
            return np.isin(self._segments, LEFT_SEGMENTS) + np.uint8(2) * np.isin(self._segments, RIGHT_SEGMENTS)
        return np.asarray(self._labels == ORGANS[name])

    def _surface(self) -> np.ndarray:
        """The capsule's shell where its outer half is fat, fluid or lung, with the inner half behind it."""
        mask = np.zeros(self._labels.shape, bool)
        found = find_objects(self._capsule.astype(np.uint8))
        if found:
            box = found[0]
            outside = self._capsule[box] & np.isin(self._labels[box], FREE)
            reach = [2 * round(SHELL_MM / s) + 1 for s in self._geometry.spacing]
            mask[box] = (
                self._capsule[box] & maximum_filter(outside, reach) & np.isin(self._labels[box], (Organ.LIVER, *FREE))
            )
        return mask
