"""Scans that a training of the segmentation never sees, and how well weights do on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fibrolens.cohort.table import CohortRow
from fibrolens.evaluate.overlap import dice
from fibrolens.io import read_volume
from fibrolens.progress import Reporter
from fibrolens.segment.predict import ORGANS, Segmenter
from fibrolens.study.masked import organs_of

#: One in so many patients is held out; with fewer patients nobody is.
HELD_OUT = 5

#: Dice by scan and organ.
Scores = dict[str, dict[str, float]]


def held_out(rows: Sequence[CohortRow], seed: int) -> tuple[CohortRow, ...]:
    """All scans of one in five patients, drawn by the seed."""
    patients = sorted({row.patient_id for row in rows})
    chosen = set(np.random.default_rng(seed).permutation(patients)[: len(patients) // HELD_OUT].tolist())
    return tuple(row for row in rows if row.patient_id in chosen)


def measure(segmenter: Segmenter, rows: Sequence[CohortRow], label_map: str | None, report: Reporter) -> Scores:
    """Dice of each outlined organ on the CT's own grid; none for an organ that is absent and was not found.

    Raises:
        InputError: a CT or a mask cannot be used.
    """
    scores: Scores = {}
    for row in rows:
        ct = read_volume(row.image)
        found = segmenter.segment(ct).labels.array
        organs = organs_of(row, ct, label_map)
        values = {organ: dice(found == ORGANS.index(organ) + 1, mask) for organ, mask in organs.items()}
        scores[row.scan_id] = {organ: value for organ, value in values.items() if value is not None}
        report.advance(note=row.scan_id)
    return scores


def figures(rows: Sequence[CohortRow], before: Scores, after: Scores) -> dict[str, int | float]:
    """What the card says of the scans held out: how many, and the mean Dice of each organ; empty where there are none.

    Args:
        rows: the scans held out.
        before: their Dice with the weights to begin with.
        after: with the tuned ones.
    """
    if not rows:
        return {}
    patients = {row.patient_id for row in rows}
    found: dict[str, int | float] = {"held_out_patients": len(patients), "held_out_scans": len(rows)}
    for organ in ORGANS:
        both = [
            (before[scan][organ], after[scan][organ])
            for scan in before
            if organ in before[scan].keys() & after[scan].keys()
        ]
        if both:
            first, last = np.mean(both, axis=0)
            found[f"{organ}_dice_before"], found[f"{organ}_dice_after"] = round(float(first), 4), round(float(last), 4)
    return found


def sentence(found: Mapping[str, int | float]) -> str:
    """The `figures` of a card in words."""
    if not found:
        return f"no patient was held out, which takes {HELD_OUT}; nothing says how well the weights do on others"
    dices = [
        f"{organ} {found[f'{organ}_dice_before']:.3f} before and {found[f'{organ}_dice_after']:.3f} after"
        for organ in ORGANS
        if f"{organ}_dice_after" in found
    ]
    scans, patients = int(found["held_out_scans"]), int(found["held_out_patients"])
    return f"mean Dice on {_number(scans, 'CT')} of {_number(patients, 'patient')} held out: {', '.join(dices)}"


def counted(rows: Sequence[CohortRow]) -> str:
    """``12 CTs of 11 patients``."""
    return f"{_number(len(rows), 'CT')} of {_number(len({row.patient_id for row in rows}), 'patient')}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
