"""The gate before staging: is this a portal-venous CT that shows the whole liver?

What cannot be staged is a reason (refused unless forced); what only deserves doubt is a warning. The contrast phase is
read from the blood (aorta) against the spleen, and never from the liver alone: a steatotic liver of 67 HU in portal
venous phase is as dark as an unenhanced one (Pickhardt; field means 104.5 and 67.1 HU).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Shaped

from fibrolens.errors import CoverageError, InputError, PhaseError
from fibrolens.volume import Volume

Coverage = Literal["complete", "incomplete", "none"]
Phase = Literal["native", "arterial", "portal", "delayed", "unknown"]

#: Blood without contrast is 30 to 60 HU; portal venous aorta 120 to 190 HU.
NATIVE_AORTA_HU = 80.0
#: Without contrast liver and spleen are 40 to 70 HU; an enhanced spleen is above 90 HU.
NATIVE_SPLEEN_HU = 75.0
#: In the arterial phase the aorta outshines the spleen; in the portal venous phase by 10 to 70 HU only.
ARTERIAL_AORTA_MINUS_SPLEEN_HU = 100.0
ARTERIAL_AORTA_HU = 240.0
#: Minutes after the injection blood and spleen have become alike and pale.
DELAYED_AORTA_HU = 110.0
DELAYED_AORTA_MINUS_SPLEEN_HU = 10.0
#: A liver that ends inside the scan tapers off; one that is cut shows this share of its largest area at the edge.
CUT_AREA_FRACTION = 0.2
#: Smallest volume taken for a whole adult liver.
WHOLE_LIVER_ML = 500.0
#: An organ median from fewer voxels than this is not a measurement.
MEASURABLE_ML = 1.0


@dataclass(frozen=True)
class OrganHU:
    """Median Hounsfield units inside each organ; None where the organ is absent or too small to measure."""

    liver: float | None
    spleen: float | None
    aorta: float | None


@dataclass(frozen=True)
class Quality:
    """What the gate found.

    Args:
        phase: contrast phase read from the organs.
        liver_coverage: ``complete``, ``incomplete`` or ``none``.
        organ_hu: the medians that the phase was read from.
        errors: why the scan cannot be staged; empty if it can.
    """

    phase: Phase
    liver_coverage: Coverage
    organ_hu: OrganHU
    errors: tuple[InputError, ...]

    @property
    def acceptable(self) -> bool:
        """Whether the scan may be staged without being forced."""
        return not self.errors

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the errors."""
        return tuple(str(error) for error in self.errors)


def require_ct(volume: Volume) -> None:
    """Refuse at once what is no CT volume of the abdomen, before any network sees it.

    Raises:
        InputError: another modality, a range of values that no CT has, or too few slices to be a volume.
    """
    modality = volume.get("modality")
    if modality not in (None, "CT"):
        raise InputError(f"{volume.source} is {modality}, not CT; fibrolens stages portal-venous CT only.")
    if volume.geometry.shape[0] < 2:
        raise InputError(f"{volume.source} holds a single slice; give the whole series of the upper abdomen.")
    low, high = float(volume.array.min()), float(volume.array.max())
    if low > -200.0 or high < 100.0:
        raise InputError(
            f"The values of {volume.source} run from {low:.0f} to {high:.0f}, which are not Hounsfield units of a CT "
            "(air about -1000, bone above 300); give the CT in HU, not a windowed or normalised copy."
        )


def assess(volume: Volume, labels: Volume, aorta: Volume) -> Quality:
    """Phase and coverage of a CT from its organs.

    Args:
        volume: the CT in HU.
        labels: 1 liver, 2 spleen, on the CT's grid.
        aorta: nonzero in the aorta, on the CT's grid.

    Raises:
        GeometryError: labels or aorta lie on another grid.
    """
    volume.require_grid(labels)
    volume.require_grid(aorta)
    hu = OrganHU(
        liver=_median_hu(volume, labels, 1),
        spleen=_median_hu(volume, labels, 2),
        aorta=_median_hu(volume, aorta),
    )
    coverage = _coverage(volume, [int(np.count_nonzero(plane == 1)) for plane in _along_body(volume, labels.array)])
    phase = contrast_phase(hu)
    errors: list[InputError] = []
    if coverage == "none":
        errors.append(CoverageError(f"No liver was found in {volume.source}; give a CT of the upper abdomen."))
    elif phase != "portal":
        errors.append(PhaseError(_phase_sentence(volume.source, phase, hu)))
    if coverage == "incomplete":
        errors.append(
            CoverageError(
                f"{volume.source} does not show the whole liver (it is cut off at the end of the scan or far too "
                "small); give a series that covers it, or use --force."
            )
        )
    return Quality(phase, coverage, hu, tuple(errors))


def contrast_phase(hu: OrganHU) -> Phase:
    """Contrast phase from organ medians; ``unknown`` where neither aorta nor spleen could be measured."""
    if hu.aorta is None:
        if hu.spleen is None:
            return "unknown"
        return "native" if hu.spleen < NATIVE_SPLEEN_HU else "portal"
    if hu.aorta < NATIVE_AORTA_HU:
        return "native"
    spleen = hu.spleen
    if hu.aorta > ARTERIAL_AORTA_HU or (spleen is not None and hu.aorta - spleen > ARTERIAL_AORTA_MINUS_SPLEEN_HU):
        return "arterial"
    pale = spleen is None or hu.aorta - spleen < DELAYED_AORTA_MINUS_SPLEEN_HU
    return "delayed" if hu.aorta < DELAYED_AORTA_HU and pale else "portal"


def liver_coverage(volume: Volume, liver: Bool[np.ndarray, "d h w"]) -> Coverage:
    """Whether the liver ends inside the scan at both ends of the axis that runs along the body."""
    return _coverage(volume, [int(np.count_nonzero(plane)) for plane in _along_body(volume, liver)])


def _coverage(volume: Volume, area: Sequence[int]) -> Coverage:
    """By the liver's voxels in each section along the body."""
    millilitres = sum(area) * volume.geometry.voxel_ml
    if millilitres < MEASURABLE_ML:
        return "none"
    cut = max(area[0], area[-1]) > CUT_AREA_FRACTION * max(area)
    return "incomplete" if cut or millilitres < WHOLE_LIVER_ML else "complete"


def _along_body(volume: Volume, array: Shaped[np.ndarray, "d h w"]) -> Shaped[np.ndarray, "n a b"]:
    """The array, sections along the patient's long axis first."""
    craniocaudal = int(np.abs(np.asarray(volume.geometry.direction)[:, 2]).argmax())
    return np.moveaxis(array, craniocaudal, 0)


def _median_hu(volume: Volume, labels: Volume, number: int | None = None) -> float | None:
    """Inside one label, or inside any."""
    values = volume.values_in(labels, number)
    if values.size * volume.geometry.voxel_ml < MEASURABLE_ML:
        return None
    return float(np.median(values, overwrite_input=True))


def _phase_sentence(source: str, phase: Phase, hu: OrganHU) -> str:
    if phase == "unknown":
        return (
            f"The contrast phase of {source} cannot be read, for neither aorta nor spleen was found; "
            "use --force if it is portal venous."
        )
    measured = ", ".join(f"{name} {value:.0f} HU" for name, value in vars(hu).items() if value is not None)
    return f"{source} looks like {phase} phase ({measured}); give the portal-venous series, or use --force."
