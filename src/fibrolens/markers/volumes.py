"""Volumes of organs, and the ratio of the liver's segments that cirrhosis shifts."""

from __future__ import annotations

import numpy as np

from fibrolens.volume import Volume

#: Couinaud segments that grow in cirrhosis, and those that shrink.
LEFT_SEGMENTS, RIGHT_SEGMENTS = (1, 2, 3), (4, 5, 6, 7, 8)


def organ_volume_ml(mask: Volume) -> float:
    """Millilitres inside a mask, each voxel that is not 0 counted whole."""
    return int(np.count_nonzero(mask.array)) * mask.geometry.voxel_ml


def lobe_ratio(segments: Volume) -> float | None:
    """Liver segmental volume ratio (LSVR): volume of segments I to III over that of IV to VIII.

    After Furusato Hunt et al.: 0.27 +- 0.07 without and 0.55 +- 0.29 with cirrhosis.

    Args:
        segments: Couinaud label map, 1 to 8; every other value is ignored.

    Returns:
        The ratio; None where segments IV to VIII are not in the map.
    """
    left, right = (int(np.isin(segments.array, group).sum()) for group in (LEFT_SEGMENTS, RIGHT_SEGMENTS))
    return left / right if right else None
