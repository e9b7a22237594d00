"""What staging one CT yields: numbers for ``result.json``, volumes for the NIfTI files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from fibrolens.evaluate.saliency.null_band import NullBand, inside
from fibrolens.explain.agreement import Agreement, agreement
from fibrolens.explain.attention import DepthLayer, RegionAttention
from fibrolens.explain.patterns import RULE, pattern
from fibrolens.explain.reference import AttentionReference
from fibrolens.markers.marker import Marker
from fibrolens.plan import STAGES
from fibrolens.quality import Quality
from fibrolens.segment.sources import OrganSources
from fibrolens.transforms import Located
from fibrolens.volume import Volume

SCHEMA_VERSION = 1
INTENDED_USE = "Research use only. Not a medical device; not for diagnosis or treatment."
REGIONS = ("liver", "liver_surface", "liver_core", "spleen", "elsewhere")


@dataclass(frozen=True)
class ModelRecord:
    """Which weights made a result, and on what they were trained."""

    name: str
    sha256: str
    trained_on: str
    intended_use: str = INTENDED_USE


@dataclass(frozen=True)
class ConformalSet:
    """Stages that hold the true one as often as claimed, in scans like those that they were calibrated on.

    Args:
        stages: their names, ascending and without a gap.
        claim: share of such scans whose set holds the true stage.
        calibrated_on: those scans in words.
        reason: why the claim is not valid for this scan; None where nothing speaks against it.
    """

    stages: tuple[str, ...]
    claim: float
    calibrated_on: str
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The `stage.conformal_set` object of ``result.json``."""
        return {**vars(self), "stages": list(self.stages), "valid": self.reason is None}


@dataclass(frozen=True)
class StageEstimate:
    """Probabilities of the METAVIR-like stages F0 to F4, summing to 1, and the stage set where there is one."""

    probabilities: tuple[float, float, float, float, float]
    conformal_set: ConformalSet | None = None

    @property
    def predicted(self) -> str:
        """The most probable stage."""
        return STAGES[max(range(len(STAGES)), key=self.probabilities.__getitem__)]

    @property
    def expected(self) -> float:
        """Mean stage number, 0 to 4."""
        return sum(k * p for k, p in enumerate(self.probabilities))

    @property
    def at_least(self) -> dict[str, float]:
        """P(F >= k) for F1 to F4."""
        return {STAGES[k]: min(1.0, sum(self.probabilities[k:])) for k in range(1, len(STAGES))}

    def to_dict(self) -> dict[str, Any]:
        """The `stage` object of ``result.json``; the conformal set is null where the weights have no calibration."""
        return {
            "probabilities": dict(zip(STAGES, self.probabilities, strict=True)),
            "predicted": self.predicted,
            "expected": self.expected,
            "at_least": self.at_least,
            "conformal_set": None if self.conformal_set is None else self.conformal_set.to_dict(),
        }


@dataclass(frozen=True)
class Attention:
    """Where a location map lies.

    Args:
        scale, method, layer, target: what map it is.
        mask_source: what made the organ masks.
        regions: mean weight and share per region; profile: per layer below the liver's capsule.
        centroid_mm: centre of gravity, LPS; None of a map that is zero.
        reference: null bands and pattern frequencies of the weights; None where they come without.
    """

    scale: str
    method: str
    layer: str
    target: str
    mask_source: str
    regions: Mapping[str, RegionAttention | None]
    profile: tuple[DepthLayer, ...] = ()
    centroid_mm: tuple[float, float, float] | None = None
    reference: AttentionReference | None = None

    @property
    def band(self) -> NullBand | None:
        """Where the regions' means lie in maps of networks that have learnt nothing."""
        return None if self.reference is None else self.reference.band(self.method, self.layer)

    @property
    def agreement(self) -> Agreement:
        """How the map's pattern fits the stage that it explains."""
        known = self.reference
        frequency = None if known is None else known.frequency(self.method, self.layer, self.target, self.pattern)
        return agreement(self.pattern, self.target, frequency)

    @property
    def pattern(self) -> str:
        """Which of the paper's focus patterns the map shows; see `fibrolens.explain.patterns`."""
        return pattern({name: None if region is None else region.mean for name, region in self.regions.items()})

    def to_dict(self) -> dict[str, Any]:
        """The `attention` object of ``result.json``; an absent organ is null. Voxels are those of the network grid."""
        per_region = {
            name: None if (region := self.regions.get(name)) is None else vars(region) | self._null(name, region)
            for name in REGIONS
        }
        nothing = RegionAttention(None, None, 0)
        profile = [
            {"from_mm": layer.from_mm, "to_mm": layer.to_mm, **vars(layer.inside or nothing)} for layer in self.profile
        ]
        return {
            "scale": self.scale,
            "method": self.method,
            "layer": self.layer,
            "target": self.target,
            "mask_source": self.mask_source,
            **per_region,
            "depth_profile": profile,
            "centroid_mm": None if self.centroid_mm is None else list(self.centroid_mm),
            "pattern": self.pattern,
            "agreement": self.agreement.to_dict(),
        }

    def _null(self, name: str, region: RegionAttention) -> dict[str, Any]:
        """The null band of a region, and whether its mean lies inside: then it is no finding."""
        band = None if self.band is None else self.band.band(name)
        if band is None:
            return {"null": None, "inside_null": None}
        (low, high), mean = band.limits, region.mean
        null = {"low": max(low, 0.0), "median": band.median, "high": high}
        return {"null": null, "inside_null": None if mean is None else inside(mean, band)}


@dataclass(frozen=True, eq=False)
class StagingResult:
    """One staged CT.

    Args:
        ct: the CT as read, on its own grid.
        labels: 1 liver, 2 spleen, on the CT's grid.
        masks: what made them: the user's files or the network; every figure of an organ depends on it.
        maps: location map per stage name, scale ``mean1``, on the CT's grid, computed where it is looked at; holds at
            least the predicted stage.
        quality: what the gate found; `forced` says that its errors were overridden.
        in_domain: whether the network's features resemble its training data; None where that cannot be told.
        attention: where the map of the predicted stage lies; recommended: where that of the recommended method lies,
            and recommended_map that map, where `attention` is of another kind.
        measured: the markers, each a value or the reason why there is none.
        path: where the input is; told_path: what the result calls it where it must not say so.
        timings: seconds per step.
    """

    ct: Volume
    labels: Volume
    masks: OrganSources
    maps: Mapping[str, Located]
    quality: Quality
    forced: bool
    in_domain: bool | None
    model: ModelRecord
    stage: StageEstimate
    attention: Attention
    measured: tuple[Marker, ...]
    warnings: tuple[str, ...]
    scan_id: str
    path: str
    recommended: Attention | None = None
    recommended_map: Located | None = None
    told_path: str | None = None
    timings: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def predicted_map(self) -> Located:
        """Location map of the predicted stage."""
        return self.maps[self.stage.predicted]

    @property
    def map(self) -> Volume:
        """Location map of the predicted stage, scale ``mean1``, float32 on the CT's grid."""
        return self.predicted_map.volume

    @property
    def markers(self) -> dict[str, float | None]:
        """Marker name to value, in the order of a report; None where it could not be measured."""
        return {marker.name: marker.value for marker in self.measured}

    def to_dict(self) -> dict[str, Any]:
        """The content of ``result.json``; a function of inputs, options and seed alone."""
        return {
            "schema_version": SCHEMA_VERSION,
            "scan_id": self.scan_id,
            "input": describe_input(self.ct, self.told_path or self.path),
            "quality": self._quality(),
            "model": vars(self.model).copy(),
            "stage": self.stage.to_dict(),
            "masks": self.masks.to_dict(),
            "attention": self.attention.to_dict(),
            "attention_recommended": (self.recommended or self.attention).to_dict(),
            "pattern": {"name": self.attention.pattern, "rule": RULE},
            "markers": dict(self.markers),
            "marker_details": [marker.to_dict() for marker in self.measured],
            "dicom": None,
            "warnings": list(self.warnings),
        }

    def _quality(self) -> dict[str, Any]:
        return {
            "phase": self.quality.phase,
            "liver_coverage": self.quality.liver_coverage,
            "in_domain": self.in_domain,
            "acceptable": self.quality.acceptable,
            "forced": self.forced,
            "reasons": list(self.quality.reasons),
            "organ_hu_median": vars(self.quality.organ_hu).copy(),
        }


def describe_input(ct: Volume, path: str) -> dict[str, Any]:
    """The `input` object of ``result.json``: which CT, on which grid, from the path as the user gave it."""
    geometry = ct.geometry
    return {
        "path": path,
        "series_uid": ct.get("series_uid"),
        "shape": list(geometry.shape[::-1]),
        "spacing_mm": [float(s) for s in geometry.spacing[::-1]],
        "orientation": geometry.orientation,
        "sha256": ct.get("sha256"),
        "selection": None if (selection := ct.get("selection")) is None else selection.to_dict(),
    }


def selection_warnings(ct: Volume) -> tuple[str, ...]:
    """What deserves doubt in the choice of this CT among the series of its study."""
    selection = ct.get("selection")
    return () if selection is None else tuple(selection.warnings)
