"""Changes that a map should hardly notice: noise, and a shift of the patient."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from fibrolens.audit.cells import Cells
from fibrolens.plan import GridPlan

#: Standard deviation of the added noise, of the window's width; 10 HU of the paper's window.
NOISE_HU = 10.0

Image = Shaped[np.ndarray, "d h w"]


def noisy(image: Image, grid: GridPlan, generator: np.random.Generator) -> Float[np.ndarray, "d h w"]:
    """Grey levels 0 to 255 with noise of `NOISE_HU`; of an MR with noise as strong by its window."""
    low, high = grid.window_hu
    return image + generator.normal(0.0, NOISE_HU / (high - low) * 255.0, image.shape)


def step_of(cells: Cells) -> tuple[int, int, int]:
    """By how many voxels a scan is moved: one cell along rows and columns."""
    return 0, cells.edges[1], cells.edges[2]


def moved(image: Image, step: tuple[int, int, int]) -> Image:
    """`image` moved towards higher indices; what comes in is 0."""
    out = np.zeros_like(image)
    to = tuple(slice(by, None) for by in step)
    out[to] = image[tuple(slice(0, size - by) for size, by in zip(image.shape, step, strict=True))]
    return out
