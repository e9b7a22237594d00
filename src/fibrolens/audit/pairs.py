"""How alike the maps of different patients are: the level that every other similarity is held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.saliency.similarity import structural_similarity

Coarse = tuple[dict[str, Float[np.ndarray, "a b c"]], Bool[np.ndarray, "a b c"]]


def pair_similarity(
    files: Sequence[Path], pairs: Int[np.ndarray, "k 2"], names: Sequence[str]
) -> dict[str, Float[np.ndarray, " k"]]:
    """Structural similarity of both scans' maps of each pair, where both have body.

    Scans are laid over each other in the plane by the network grid, along the slices by the middle of what the network
    covered.

    Args:
        files: of `measure.coarse_file`, of each scan.
        pairs: places in `files`.
        names: of the recipes.
    """
    found: dict[str, list[float]] = {name: [] for name in names}
    for first, second in pairs.tolist():
        (mine, inside), (theirs, there) = (_load(files[k], names) for k in (first, second))
        here, beside = _laid_over(inside, there)
        both = inside[here] & there[beside]
        for name in names:
            found[name].append(structural_similarity(mine[name][here], theirs[name][beside], both))
    return {name: np.array(values) for name, values in found.items()}


def _load(file: Path, names: Sequence[str]) -> Coarse:
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float64) for name in names}, stored["inside"]


def _laid_over(first: Bool[np.ndarray, "a b c"], second: Bool[np.ndarray, "d b c"]) -> tuple[slice, slice]:
    """The slices of both that lie on each other when the middles of what is inside do."""
    middles = [int(np.flatnonzero(one.any(axis=(1, 2))).mean()) for one in (first, second)]
    before = min(middles)
    after = min(len(one) - middle for one, middle in zip((first, second), middles, strict=True))
    here, there = (slice(middle - before, middle + after) for middle in middles)
    return here, there
