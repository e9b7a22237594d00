"""Which code, place and statistic each marker of ``result.json`` has in a structured report (PS3.16 TID 300)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from highdicom.sr import (
    CodedConcept,
    FindingSite,
    Measurement,
    MeasurementProperties,
    NormalRangeProperties,
    NumContentItem,
    RelationshipTypeValues,
)
from pydicom.sr.coding import Code

from fibrolens.io.dicom.objects import codes
from fibrolens.io.dicom.objects.maker import LONG_TEXT, plain


@dataclass(frozen=True)
class MarkerCode:
    """A marker in a report.

    Args:
        concept: what is measured.
        site: where.
        segment: the organ whose segment it is measured in; None where it is none or more than one.
        statistic: of the values in the region, where it is one.
    """

    concept: Code | CodedConcept
    site: Code
    segment: str | None = None
    statistic: Code | None = None


MARKERS = {
    "liver_volume_ml": MarkerCode(codes.VOLUME, codes.LIVER, "liver"),
    "spleen_volume_ml": MarkerCode(codes.VOLUME, codes.SPLEEN, "spleen"),
    "liver_spleen_ratio": MarkerCode(codes.own("liver_to_spleen"), codes.LIVER),
    "splenic_index_cm3": MarkerCode(codes.own("splenic_index"), codes.SPLEEN, "spleen"),
    "lsvr": MarkerCode(codes.own("lsvr"), codes.LIVER, "liver"),
    "lsn": MarkerCode(codes.own("lsn"), codes.LIVER, "liver"),
    "nodularity_mm": MarkerCode(codes.own("nodularity"), codes.LIVER, "liver"),
    "texture_sd_hu": MarkerCode(codes.own("texture_sd"), codes.LIVER, "liver"),
    "texture_mpp_hu": MarkerCode(codes.own("texture_mpp"), codes.LIVER, "liver"),
    "texture_entropy": MarkerCode(codes.HISTOGRAM_ENTROPY, codes.LIVER, "liver"),
    "texture_skewness": MarkerCode(codes.own("texture_skewness"), codes.LIVER, "liver"),
    "texture_kurtosis": MarkerCode(codes.own("texture_kurtosis"), codes.LIVER, "liver"),
    "liver_minus_spleen_hu": MarkerCode(codes.own("liver_less_spln"), codes.LIVER),
    "portal_vein_mm": MarkerCode(codes.DIAMETER, codes.PORTAL_VEIN),
    "liver_hu": MarkerCode(codes.ATTENUATION, codes.LIVER, "liver", codes.MEDIAN),
    "spleen_hu": MarkerCode(codes.ATTENUATION, codes.SPLEEN, "spleen", codes.MEDIAN),
    "aorta_hu": MarkerCode(codes.ATTENUATION, codes.AORTA, None, codes.MEDIAN),
    "fib4": MarkerCode(codes.own("fib4"), codes.LIVER),
    "apri": MarkerCode(codes.own("apri"), codes.LIVER),
}


def number(name: Code | CodedConcept, value: float, site: FindingSite | None = None) -> Measurement:
    """A measurement without unit, of a whole or at a place."""
    return Measurement(
        name=name, value=float(value), unit=codes.NO_UNITS, finding_sites=None if site is None else [site]
    )


def marker(content: Mapping[str, Any]) -> Measurement:
    """A marker that has a value, with unit, place and published range.

    Args:
        content: its item of `marker_details` in ``result.json``.

    Raises:
        KeyError: the catalogue of markers has one that has no code here.
    """
    code = MARKERS[content["name"]]
    unit = codes.UNITS[content["unit"]]
    reference = content["reference"]
    return Measurement(
        name=code.concept,
        value=float(content["value"]),
        unit=unit,
        derivation=code.statistic,
        finding_sites=[FindingSite(code.site)],
        properties=None if reference is None else _range(reference, unit),
    )


def _range(reference: Mapping[str, Any], unit: Code) -> MeasurementProperties:
    """The published range of a marker (PS3.16 TID 312)."""
    ends = ((codes.RANGE_LOW, reference["low"]), (codes.RANGE_HIGH, reference["high"]))
    values = [
        NumContentItem(name, float(value), unit, relationship_type=RelationshipTypeValues.HAS_PROPERTIES)
        for name, value in ends
        if value is not None and math.isfinite(value)
    ]
    meaning = plain(str(reference["meaning"]), LONG_TEXT)
    return MeasurementProperties(normal_range_properties=NormalRangeProperties(values, description=meaning))
