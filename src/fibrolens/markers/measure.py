"""All markers of one CT, in the order of the catalogue: each a number, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool

from fibrolens.markers import catalogue, mr
from fibrolens.markers.attenuation import attenuation
from fibrolens.markers.lobes import CAUDATE_SHARE, approximate_lobe_ratio
from fibrolens.markers.marker import Definition, Marker
from fibrolens.markers.nodularity import SurfaceNodularity, surface_nodularity
from fibrolens.markers.portal import portal_vein_width
from fibrolens.markers.sampling import Box, box_of, part
from fibrolens.markers.serum import Laboratory, Score, apri, fib4
from fibrolens.markers.spleen import spleen_size
from fibrolens.markers.texture import HEADLINE, LiverTexture, liver_texture
from fibrolens.markers.volumes import lobe_ratio
from fibrolens.quality import CUT_AREA_FRACTION, MEASURABLE_ML, OrganHU, Phase
from fibrolens.sparse import inside
from fibrolens.transforms import Orient
from fibrolens.volume import Volume

#: Slices of each organ that texture is measured in, about; more cost seconds and hardly move it.
TEXTURE_SLICES = 12
#: Around the organs this much of the CT is looked at, for the fat beyond their edges.
MARGIN_MM = 25.0
APPROXIMATE = (
    "approximate: segments II and III are what lies left of the umbilical fissure in the liver mask, and the caudate "
    f"is taken as {CAUDATE_SHARE:.0%} of I to III"
)
OF_CT_ALONE = "it is read from Hounsfield units, and the scan is an MR"
NO_LABORATORY = "laboratory values were not given"


@dataclass(frozen=True)
class MaskNames:
    """What made the mask of each organ."""

    liver: str
    spleen: str
    aorta: str
    segments: str | None = None
    portal_vein: str | None = None

    @property
    def both(self) -> str:
        """Liver and spleen."""
        return self.liver if self.liver == self.spleen else f"liver: {self.liver}; spleen: {self.spleen}"


@dataclass(frozen=True, eq=False)
class MarkedScan:
    """A CT with everything that markers are measured in.

    Args:
        ct: Hounsfield units.
        labels: 1 liver, 2 spleen, on the CT's grid.
        names: what made the masks.
        organ_hu: medians inside the organs.
        phase: contrast phase.
        segments: Couinaud label map, 1 to 8, on the CT's grid, where there is one.
        portal_vein: not 0 inside the portal vein outside the liver, where somebody has drawn it.
        laboratory: blood values, where they are known.
        modality: of an MR, which has no Hounsfield units, sizes and shapes are measured, and its signals compared.
    """

    ct: Volume
    labels: Volume
    names: MaskNames
    organ_hu: OrganHU
    phase: Phase
    segments: Volume | None = None
    portal_vein: Volume | None = None
    laboratory: Laboratory | None = None
    modality: Literal["CT", "MR"] = "CT"

    @cached_property
    def turned(self) -> tuple[Volume, Volume, Volume]:
        """CT, liver and spleen with slices along the body, around the organs: parts of the CT's own voxels."""
        turn = Orient.fit(self.ct.geometry)
        ct, labels = turn.forward(self.ct), turn.forward(self.labels)
        a, b, c = (int(np.ceil(MARGIN_MM / s)) for s in labels.geometry.spacing)
        around = box_of(labels.array, (a, b, c))
        if around is not None:
            ct, labels = part(ct, around), part(labels, around)
        return ct, ct.with_array(inside(labels.array, 1)), ct.with_array(inside(labels.array, 2))


def measure(scan: MarkedScan) -> tuple[Marker, ...]:
    """Every marker of the catalogue, measured in `scan`; on MR also `mr.LIVER_SPLEEN_SIGNAL`.

    Raises:
        GeometryError: masks and CT lie on different grids.
    """
    scan.ct.require_grid(scan.labels)
    if scan.modality == "MR":
        return _without_hu(scan)
    ct, liver, spleen = scan.turned
    # The two slow ones share the cores: both spend their time in filters that let go of the interpreter.
    with ThreadPoolExecutor(2) as pool:
        texture = pool.submit(liver_texture, ct, liver, reference=spleen, max_slices=TEXTURE_SLICES)
        nodularity = pool.submit(surface_nodularity, ct, liver)
        sizes = tuple(_sizes(scan))
        shape = (*sizes, _lobe_ratio(scan))
        rest = (_difference(scan), _portal_vein(scan), *_medians(scan), *_blood(scan.laboratory))
        return (*shape, *_nodularity(nodularity.result(), scan), *_texture(texture.result(), scan), *rest)


def _without_hu(scan: MarkedScan) -> tuple[Marker, ...]:
    """All markers in their order, with the reason where one needs a CT; then that of MR alone."""
    looks, medians = ([Marker(of, None, OF_CT_ALONE) for of in group] for group in (mr.SURFACE_AND_TEXTURE, mr.MEDIANS))
    shape = (*_sizes(scan), _lobe_ratio(scan))
    return (*shape, *looks, _portal_vein(scan), *medians, *_blood(scan.laboratory), _signal_ratio(scan))


def _signal_ratio(scan: MarkedScan) -> Marker:
    found = attenuation(*scan.turned)
    if not found.liver_hu or not found.spleen_hu:
        why_not = "too little of the liver or of the spleen lies 5 mm below the surface"
        return Marker(mr.LIVER_SPLEEN_SIGNAL, None, why_not, scan.names.both)
    return _marker(mr.LIVER_SPLEEN_SIGNAL, found.liver_hu / found.spleen_hu, None, scan.names.both)


@dataclass(frozen=True)
class _Organ:
    """One organ's mask as far as sizes are concerned."""

    name: str
    mask: Volume
    box: Box | None

    @classmethod
    def of(cls, name: str, mask: Volume) -> _Organ:
        return cls(name, mask, box_of(mask.array))

    @cached_property
    def volume_ml(self) -> float:
        inside = 0 if self.box is None else np.count_nonzero(self.mask.array[self.box])
        return float(inside * self.mask.geometry.voxel_ml)

    @cached_property
    def why_not(self) -> str | None:
        """Why its size cannot be measured; None where it can."""
        if self.box is None:
            return f"no {self.name} was found"
        if self.volume_ml < MEASURABLE_ML:
            return f"the {self.name} mask holds less than {MEASURABLE_ML:g} mL"
        if _is_cut(self.mask.array, self.box):
            return f"the {self.name} is cut off at the edge of the scan; what is seen of it has {self.volume_ml:.0f} mL"
        return None


def _is_cut(mask: Bool[np.ndarray, "d h w"], box: Box) -> bool:
    """Whether an organ meets the edge of the grid with more than a last thin section."""
    for axis, span in enumerate(box):
        ends = [index for index in (0, mask.shape[axis] - 1) if span.start == index or span.stop == index + 1]
        if ends:
            area = np.count_nonzero(mask[box], axis=tuple(a for a in range(3) if a != axis))
            if max(area[0] if end == 0 else area[-1] for end in ends) > CUT_AREA_FRACTION * area.max():
                return True
    return False


def _marker(
    definition: Definition, value: float | None, why_not: str | None, mask_source: str | None, note: str | None = None
) -> Marker:
    """A marker whose value falls where there is a reason against it."""
    if why_not is not None:
        return Marker(definition, None, why_not, mask_source)
    return Marker(definition, None if value is None else float(value), None, mask_source, note)


def _sizes(scan: MarkedScan) -> Iterator[Marker]:
    _, liver_mask, spleen_mask = scan.turned
    liver, spleen = _Organ.of("liver", liver_mask), _Organ.of("spleen", spleen_mask)
    yield _marker(catalogue.LIVER_VOLUME, liver.volume_ml, liver.why_not, scan.names.liver)
    yield _marker(catalogue.SPLEEN_VOLUME, spleen.volume_ml, spleen.why_not, scan.names.spleen)
    why_not = liver.why_not or spleen.why_not
    ratio = None if why_not else liver.volume_ml / spleen.volume_ml
    yield _marker(catalogue.LIVER_SPLEEN_RATIO, ratio, why_not, scan.names.both)
    size = None if spleen.why_not else spleen_size(spleen_mask)
    index = None if size is None else size.index_cm3
    yield _marker(catalogue.SPLENIC_INDEX, index, spleen.why_not, scan.names.spleen)


def _lobe_ratio(scan: MarkedScan) -> Marker:
    """Exact from the parts of the liver where they are known, else approximate from its mask."""
    if scan.segments is not None:
        scan.ct.require_grid(scan.segments)
        exact = lobe_ratio(scan.segments)
        why_not = "the parts of the liver hold no segment IV to VIII" if exact is None else None
        return _marker(catalogue.LOBE_RATIO, exact, why_not, scan.names.segments, "exact: from the parts of the liver")
    _, liver, _ = scan.turned
    cut = _Organ.of("liver", liver).why_not
    found = None if cut else approximate_lobe_ratio(liver)
    why_not = cut if found is None else found.reason
    return _marker(catalogue.LOBE_RATIO, None if found is None else found.ratio, why_not, scan.names.liver, APPROXIMATE)


def _nodularity(found: SurfaceNodularity, scan: MarkedScan) -> Iterator[Marker]:
    note = f"{found.arcs} arcs of liver edge in {found.slices} slices"
    yield _marker(catalogue.NODULARITY, found.lsn, found.reason, scan.names.liver, note)
    yield _marker(catalogue.NODULARITY_MM, found.amplitude_mm, found.reason, scan.names.liver, note)


def _texture(found: LiverTexture, scan: MarkedScan) -> Iterator[Marker]:
    names = scan.names.both if found.noise_hu is not None else scan.names.liver
    note = None if found.noise_hu is not None else "noise is in it: the spleen is too small to measure noise in"
    yield _marker(catalogue.TEXTURE_SD, found.heterogeneity_hu, found.reason, names, note)
    scale = found.scales.get(HEADLINE)
    for definition, field in (
        (catalogue.TEXTURE_MPP, "mpp"),
        (catalogue.TEXTURE_ENTROPY, "entropy"),
        (catalogue.TEXTURE_SKEWNESS, "skewness"),
        (catalogue.TEXTURE_KURTOSIS, "kurtosis"),
    ):
        value = None if scale is None else getattr(scale, field)
        yield _marker(definition, value, found.reason, scan.names.liver, "noise is in it")


def _difference(scan: MarkedScan) -> Marker:
    """Liver minus spleen; its range holds in the portal venous phase alone."""
    definition, note = catalogue.LIVER_MINUS_SPLEEN, f"{scan.phase} phase"
    if scan.phase != "portal":
        definition = replace(definition, reference=None)
        note += "; the published range is of the portal venous phase and does not apply"
    if scan.phase in ("arterial", "unknown"):
        uneven = "the spleen takes up contrast unevenly in the arterial phase"
        why = uneven if scan.phase == "arterial" else "the contrast phase is not known"
        return Marker(definition, None, why, scan.names.both)
    found = attenuation(*scan.turned)
    organs = {"liver": found.liver_hu, "spleen": found.spleen_hu}
    missing = [name for name, value in organs.items() if value is None]
    why_not = f"too little of the {' and the '.join(missing)} lies 5 mm below the surface" if missing else None
    return _marker(definition, found.difference_hu, why_not, scan.names.both, note)


def _portal_vein(scan: MarkedScan) -> Marker:
    if scan.portal_vein is None:
        return Marker(catalogue.PORTAL_VEIN, None, "no mask of the portal vein was given")
    scan.ct.require_grid(scan.portal_vein)
    found = portal_vein_width(scan.portal_vein)
    return _marker(catalogue.PORTAL_VEIN, found.diameter_mm, found.reason, scan.names.portal_vein)


def _medians(scan: MarkedScan) -> Iterator[Marker]:
    for definition, organ in (
        (catalogue.LIVER_HU, "liver"),
        (catalogue.SPLEEN_HU, "spleen"),
        (catalogue.AORTA_HU, "aorta"),
    ):
        value = getattr(scan.organ_hu, organ)
        why_not = f"no {organ} was found, or less than {MEASURABLE_ML:g} mL of it" if value is None else None
        yield _marker(definition, value, why_not, getattr(scan.names, organ))


def _blood(laboratory: Laboratory | None) -> Iterator[Marker]:
    for definition, score in ((catalogue.FIB4, fib4), (catalogue.APRI, apri)):
        found = Score(None, NO_LABORATORY) if laboratory is None else score(laboratory)
        yield _marker(definition, found.value, found.reason, None)
