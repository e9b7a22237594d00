"""What in the masks of a CT deserves doubt, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool

from fibrolens.volume import Volume

ORGANS = {1: "liver", 2: "spleen"}
#: Smallest and largest volume in millilitres that is taken without doubt. What is common in disease is no error of a
#: mask, so the largest lie beyond three standard deviations of F4 (liver 1631 ± 691 mL, spleen 791 ± 450 mL; Pickhardt
#: 2017). The smallest: a liver that `quality` calls incomplete, a spleen well under 61 mL, three deviations below F0's.
PLAUSIBLE_ML = {"liver": (500.0, 4000.0), "spleen": (40.0, 2500.0)}
#: Median Hounsfield units that no such organ has, in any phase: severe steatosis is about 0, haemochromatosis 110.
PLAUSIBLE_HU = {"liver": (-40.0, 220.0), "spleen": (20.0, 250.0)}
#: Dice of the network's two passes below which a mask is doubted. On 18 plain simulated CTs and 4 real ones it was at
#: least 0.995 (liver) and 0.982 (spleen). Both passes err alike, so even a wrong mask costs little of it: in five CTs
#: almost without contrast the liver had 0.946 to 0.968 at a true Dice of 0.71 to 0.82, and one spleen 0.925 at 0.16.
#: On 24 more, degraded at random, it tells four of six livers below a Dice of 0.9, five of seven spleens below 0.8.
AGREEMENT = {"liver": 0.98, "spleen": 0.95}
#: A share of the organ's largest section that lies in the outermost slice, or of its voxels in the outermost columns.
CUT_AREA, CUT_SIDE = 0.05, 0.002


def doubts(ct: Volume, labels: Volume, agreement: Mapping[str, float]) -> tuple[str, ...]:
    """Sentences on organs that are absent, cut off, implausible in size or density, or not seen twice alike.

    Args:
        ct: Hounsfield units.
        labels: 1 liver, 2 spleen, on its grid.
        agreement: Dice of the network's two passes by organ; empty for masks that it did not make.

    Raises:
        GeometryError: the labels lie on another grid.
    """
    ct.require_grid(labels)
    found = []
    for number, organ in ORGANS.items():
        mask = labels.array == number
        found += list(_organ_doubts(organ, mask, ct) if mask.any() else [f"No {organ} was found; {_absent(organ)}."])
        if agreement.get(organ, 1.0) < AGREEMENT[organ]:
            found.append(
                f"The network's two passes disagree on the {organ} (Dice {agreement[organ]:.3f}, doubted below "
                f"{AGREEMENT[organ]:g}); look at its contour in the overlay, and bring your own mask where it is wrong."
            )
    return tuple(found)


def _organ_doubts(organ: str, mask: Bool[np.ndarray, "d h w"], ct: Volume) -> Iterator[str]:
    ends, sides = _cut(mask, ct)
    if ends:
        yield f"The {organ} reaches the first or last slice, its volume is of what is shown; give a longer series."
    if sides:
        yield (
            f"The {organ} reaches the side of the picture, what lies outside the field of view is missing; give a "
            "reconstruction with a larger one."
        )
    millilitres, (low, high) = mask.sum() * ct.geometry.voxel_ml, PLAUSIBLE_ML[organ]
    if not low <= millilitres <= high:
        yield (
            f"The {organ} measures {millilitres:.0f} mL, outside {low:.0f} to {high:.0f} mL; "
            "look at its contour in the overlay, and bring your own mask where it is wrong."
        )
    median, (dark, bright) = float(np.median(ct.array[mask])), PLAUSIBLE_HU[organ]
    if not dark <= median <= bright:
        yield (
            f"The {organ} has a median of {median:.0f} HU, outside {dark:.0f} to {bright:.0f} HU; "
            "look in the overlay whether the mask lies on something else."
        )


def _cut(mask: Bool[np.ndarray, "d h w"], ct: Volume) -> tuple[bool, bool]:
    """Whether the organ is cut off at an end of the scan along the body, and at a side of the picture."""
    along = int(np.abs(np.asarray(ct.geometry.direction)[:, 2]).argmax())
    area = mask.sum(axis=tuple(a for a in range(3) if a != along))
    across = [axis for axis in range(3) if axis != along]
    edge = sum(int(mask.take(index, axis).sum()) for axis in across for index in (0, -1))
    return bool(max(area[0], area[-1]) > CUT_AREA * area.max()), bool(edge > CUT_SIDE * mask.sum())


def _absent(organ: str) -> str:
    return "look whether it was removed or missed" if organ == "spleen" else "give a CT of the upper abdomen"
