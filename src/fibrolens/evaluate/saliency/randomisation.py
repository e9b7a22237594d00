"""Arun's rule: a map must stop looking like itself once the network's weights are randomised.

Cascading randomisation draws the weights anew, layer by layer from the last to the first (Adebayo et al., NeurIPS
2018). A map that hardly changes shows the image, not the network. Arun et al. (Radiol Artif Intell 2021;3:e200267) ask
that the similarity of the original map to that of the wholly randomised network be less than the mean similarity of
maps of different scans, over 50 random pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES, bootstrap_curve
from fibrolens.evaluate.entries import estimated
from fibrolens.evaluate.saliency.means import NO_INTERVAL

#: Pairs of different scans' maps (Arun 2021).
PAIRS = 50
NO_PAIRS = "no pair of maps of different patients to compare with"
NO_SCANS = "no scan was compared with its map after randomisation"


def random_pairs(patient: Int[np.ndarray, " n"], count: int, generator: np.random.Generator) -> Int[np.ndarray, "k 2"]:
    """Different pairs of scans, no two scans of one patient.

    Args:
        patient: number of the patient of each scan.
        count: how many pairs are wanted; all there are where they are fewer.
        generator: source of the draws.

    Returns:
        Places of both scans in `patient`, the first place lower; in random order.
    """
    first, second = np.triu_indices(len(patient), 1)
    other = patient[first] != patient[second]
    pairs = np.stack([first[other], second[other]], axis=1)
    return generator.permutation(pairs)[:count]


def arun_rule(
    steps: Sequence[str],
    similarity: Float[np.ndarray, "n steps"],
    patient: Int[np.ndarray, " n"],
    pairs: Int[np.ndarray, "k 2"],
    pair_similarity: Float[np.ndarray, " k"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """Whether maps pass cascading randomisation, ready for JSON.

    Args:
        steps: names of the cascade's steps, the last with all weights randomised.
        similarity: of each scan's original map to that after each step (SSIM, on one scale, inside the body).
        patient: number of the patient of each scan.
        pairs: places of the scans of each random pair, see `random_pairs`.
        pair_similarity: of the original maps of each pair, by the same measure.
        generator: source of the draws of patients.
        replicates: bootstrap replicates; a pair is drawn as often as both of its patients together, which makes the
            interval of the pairs too wide rather than too narrow.

    Returns:
        ``passed`` (None of no scan or pair), ``random_pairs``, ``steps`` (``name``, ``value``, ``interval``), ``after``
        (the last step), ``margin`` (random pairs less the last step: above 0 meets the rule), ``first_below`` (the
        first step below the random pairs), ``scans``, ``pairs`` and the ``reason`` as a sentence.
    """
    counts = {"scans": len(similarity), "pairs": len(pairs)}
    if not (len(similarity) and len(pairs)):
        return counts | _untested(NO_PAIRS if len(similarity) else NO_SCANS)
    own, level = similarity.mean(axis=0), float(pair_similarity.mean())
    ends = _ends(similarity, patient, pairs, pair_similarity, generator, replicates)
    values = [*own, level, level - own[-1]]
    entries = [
        estimated(float(value), float(low), float(high), NO_INTERVAL)
        for value, (low, high) in zip(values, ends.T, strict=True)
    ]
    below = [name for name, value in zip(steps, own, strict=True) if value < level]
    return counts | {
        "passed": bool(own[-1] < level),
        "random_pairs": entries[-2],
        "steps": [{"name": name} | entry for name, entry in zip(steps, entries, strict=False)],
        "after": entries[-3],
        "margin": entries[-1],
        "first_below": below[0] if below else None,
        "reason": _sentence(float(own[-1]), level, below),
    }


def _untested(missing: str) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("passed", "random_pairs", "after", "margin", "first_below"))
    return nothing | {"steps": [], "reason": f"Not tested: {missing}."}


def _ends(
    similarity: Float[np.ndarray, "n steps"],
    patient: Int[np.ndarray, " n"],
    pairs: Int[np.ndarray, "k 2"],
    pair_similarity: Float[np.ndarray, " k"],
    generator: np.random.Generator,
    replicates: int,
) -> Float[np.ndarray, "2 m"]:
    """Ends of the intervals of every step, of the random pairs, and of their difference, from the same draws."""

    def figures(weights: Float[np.ndarray, "r n"]) -> Float[np.ndarray, "r m"]:
        own = weights @ similarity / weights.sum(axis=1, keepdims=True)
        both = weights[:, pairs[:, 0]] * weights[:, pairs[:, 1]]
        total = both.sum(axis=1)
        # A draw in which no pair has both of its patients says nothing of pairs; it counts with the mean of all.
        unknown = np.full(len(total), pair_similarity.mean())
        level = np.divide(both @ pair_similarity, total, out=unknown, where=total > 0)
        return np.column_stack([own, level, level - own[:, -1]])

    found = bootstrap_curve(figures, np.zeros(len(patient), int), patient, generator, replicates)
    return np.full((2, similarity.shape[1] + 2), np.nan) if found is None else found


def _sentence(after: float, level: float, below: Sequence[str]) -> str:
    compared = (
        f"similarity {after:.2f} to the map of the randomised network, {level:.2f} between maps of different scans"
    )
    if after < level:
        return f"The map depends on the weights: {compared}; first below that at the step {below[0]}."
    return f"The map hardly depends on the weights: {compared}."
