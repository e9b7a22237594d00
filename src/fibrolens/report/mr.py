"""An MR in a study's figures, and what is said of its intensities."""

from __future__ import annotations

import numpy as np

from fibrolens.body import body_in
from fibrolens.plan import GridPlan
from fibrolens.report.drawing import WINDOW_HU
from fibrolens.transforms import Window
from fibrolens.volume import Volume

AIR_HU = -1000.0


def shown_as_ct(mr: Volume, window: Window) -> Volume:
    """An MR in the numbers of a CT, for figures that draw CTs: what the network sees as 0 and 1 ends the CT's window.

    Args:
        mr: in its own units.
        window: of the network, see `ToNetworkGrid.window`.

    Returns:
        float32; air outside the body.
    """
    low, high = WINDOW_HU
    grey = np.float32(low) + window.forward(mr).array * np.float32(high - low)
    return mr.with_array(np.where(body_in(mr, "mr"), grey, np.float32(AIR_HU)))


def scaled(grid: GridPlan) -> str:
    """How the values of a scan become those of a network, for captions; of an MR by percentiles inside the body."""
    if grid.intensity == "mr":
        low, high = grid.mr_percentiles
        return f"{low:g} to {high:g} % to [0, 1]"
    low, high = grid.window_hu
    return f"[{low:.0f}, {high:.0f}] HU to [0, 1]"
