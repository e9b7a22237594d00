"""What in the masks of a CT deserves doubt, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

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
        seen = _Seen.of(ct, labels, number)
        found += list(_organ_doubts(organ, seen) if seen else [f"No {organ} was found; {_absent(organ)}."])
        if agreement.get(organ, 1.0) < AGREEMENT[organ]:
            found.append(
                f"The network's two passes disagree on the {organ} (Dice {agreement[organ]:.3f}, doubted below "
                f"{AGREEMENT[organ]:g}); look at its contour in the overlay, and bring your own mask where it is wrong."
            )
    return tuple(found)


@dataclass(frozen=True)
class _Seen:
    """What is seen of one organ.

    Args:
        median_hu: inside it.
        millilitres: of it.
        areas: its voxels in each section along the body.
        outermost: its voxels at the sides of the picture.
    """

    median_hu: float
    millilitres: float
    areas: list[int]
    outermost: int

    @classmethod
    def of(cls, ct: Volume, labels: Volume, number: int) -> _Seen | None:
        """None where there is none of it."""
        hu = ct.values_in(labels, number)
        if not hu.size:
            return None
        along = int(np.abs(np.asarray(ct.geometry.direction)[:, 2]).argmax())
        # Section by section: a mask of a long CT is as large as the labels.
        areas = [int(np.count_nonzero(plane == number)) for plane in np.moveaxis(labels.array, along, 0)]
        sides = (labels.array.take(end, axis) for axis in range(3) if axis != along for end in (0, -1))
        outermost = sum(int(np.count_nonzero(side == number)) for side in sides)
        median = float(np.median(hu, overwrite_input=True))
        return cls(median, hu.size * ct.geometry.voxel_ml, areas, outermost)

    @property
    def reaches_ends(self) -> bool:
        """Whether it is cut off at an end of the scan along the body."""
        return max(self.areas[0], self.areas[-1]) > CUT_AREA * max(self.areas)

    @property
    def reaches_sides(self) -> bool:
        """Whether it is cut off at a side of the picture."""
        return self.outermost > CUT_SIDE * sum(self.areas)


def _organ_doubts(organ: str, seen: _Seen) -> Iterator[str]:
    if seen.reaches_ends:
        yield f"The {organ} reaches the first or last slice, its volume is of what is shown; give a longer series."
    if seen.reaches_sides:
        yield (
            f"The {organ} reaches the side of the picture, what lies outside the field of view is missing; give a "
            "reconstruction with a larger one."
        )
    low, high = PLAUSIBLE_ML[organ]
    if not low <= seen.millilitres <= high:
        yield (
            f"The {organ} measures {seen.millilitres:.0f} mL, outside {low:.0f} to {high:.0f} mL; "
            "look at its contour in the overlay, and bring your own mask where it is wrong."
        )
    dark, bright = PLAUSIBLE_HU[organ]
    if not dark <= seen.median_hu <= bright:
        yield (
            f"The {organ} has a median of {seen.median_hu:.0f} HU, outside {dark:.0f} to {bright:.0f} HU; "
            "look in the overlay whether the mask lies on something else."
        )


def _absent(organ: str) -> str:
    return "look whether it was removed or missed" if organ == "spleen" else "give a CT of the upper abdomen"
