"""Where each sign of the disease shows: the known truth against which explanations are graded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fibrolens.phantom.appearance import Picture
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.severity import SIGNS
from fibrolens.volume import Geometry, Volume

#: Segments that grow, and that shrink, as fibrosis advances.
GROWING, SHRINKING = (1, 2, 3), (4, 5, 6, 7, 8)
#: The capsule counts where the liver meets fat, fluid or lung: elsewhere its waves do not show.
SURFACE = (Organ.LIVER, Organ.FAT, Organ.FLUID, Organ.LUNG)
ORGANS = {
    "spleen": Organ.SPLEEN, "portal_vein": Organ.PORTAL_VEIN, "ascites": Organ.FLUID, "varices": Organ.VARICES,
    "table": Organ.TABLE,
}  # fmt: skip


#: The signs, and the table, which a shortcut may tie to the stage.
NAMES = (*SIGNS, "table")


class Evidence(Mapping[str, Volume]):
    """One uint8 mask per name of `NAMES`, made when asked for: all at once would outweigh the CT.

    1 where the sign shows, whether the patient has much or little of it; ``lobes`` is 1 in segments I to III, which
    grow, and 2 in IV to VIII, which shrink. How much of a sign a patient has stands in ``truth.csv``; what it changes
    in each voxel is the difference to the patient's twin.

    Args:
        picture: the painted scene.
        geometry: its grid.
    """

    def __init__(self, picture: Picture, geometry: Geometry) -> None:
        self._labels, self._segments = picture.labels, picture.segments
        self._parenchyma, self._capsule = picture.parenchyma, picture.capsule
        self._geometry = geometry

    def __getitem__(self, name: str) -> Volume:
        if name not in NAMES:
            raise KeyError(name)
        return Volume(self._mask(name).astype(np.uint8), self._geometry, f"evidence of {name}")

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def _mask(self, name: str) -> np.ndarray:
        if name in ("texture", "enhancement"):
            return self._parenchyma
        if name == "surface":
            return self._capsule & np.isin(self._labels, SURFACE)
        if name == "lobes":
            return np.isin(self._segments, GROWING) + np.uint8(2) * np.isin(self._segments, SHRINKING)
        return np.asarray(self._labels == ORGANS[name])
