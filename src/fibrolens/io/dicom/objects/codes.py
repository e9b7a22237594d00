"""Codes of the objects: standard ones where DICOM's own context groups have them, a private scheme for the rest.

The standard codes are those of PS3.16; docs/dicom.md lists them and every private one.
"""

from __future__ import annotations

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept
from pydicom.sr.coding import Code

#: Our own coding scheme (PS3.16 section 8.2: private designators begin with 99).
SCHEME = "99FIBROLENS"

LIVER, SPLEEN = Code("10200004", "SCT", "Liver"), Code("78961009", "SCT", "Spleen")
ABDOMEN, AORTA, PORTAL_VEIN = (
    Code("818981001", "SCT", "Abdomen"),
    Code("15825003", "SCT", "Aorta"),
    Code("32764006", "SCT", "Portal vein"),
)
ORGAN = Code("91772007", "SCT", "Organ")
ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
FIBROSIS = Code("112674009", "SCT", "Fibrosis")
CT_IMAGING = Code("25045-6", "LN", "CT unspecified body region")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
CLASS_ACTIVATION = Code("130402", "DCM", "Class activation")
VOLUME = Code("118565006", "SCT", "Volume")
DIAMETER = Code("81827009", "SCT", "Diameter")
ATTENUATION = Code("112031", "DCM", "Attenuation Coefficient")
MEAN, MEDIAN = Code("373098007", "SCT", "Mean"), Code("373099004", "SCT", "Median")
HISTOGRAM_ENTROPY = Code("TLU2", "IBSI", "Intensity Histogram Entropy")
RANGE_LOW = Code("385524004", "SCT", "Normal Range Lower Limit")
RANGE_HIGH = Code("371933006", "SCT", "Normal Range Upper Limit")
COMMENT = Code("121106", "DCM", "Comment")
YES, NO = Code("373066001", "SCT", "Yes"), Code("373067005", "SCT", "No")

NO_UNITS = Code("1", "UCUM", "no units")
#: UCUM codes of the markers' units; one that is a number times a unit stays one in UCUM.
UNITS = {
    "": NO_UNITS,
    "mL": Code("mL", "UCUM", "mL"),
    "cm³": Code("cm3", "UCUM", "cm3"),
    "mm": Code("mm", "UCUM", "mm"),
    "0.1 mm": Code("10*-1.mm", "UCUM", "0.1 mm"),
    "HU": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "bit": Code("bit", "UCUM", "bit"),
}

#: Codes of our own scheme: value and meaning.
OWN = {
    "stage": "METAVIR-like fibrosis stage, predicted",
    "stage_f0": "F0, no fibrosis",
    "stage_f1": "F1, portal fibrosis without septa",
    "stage_f2": "F2, portal fibrosis with few septa",
    "stage_f3": "F3, septal fibrosis without cirrhosis",
    "stage_f4": "F4, cirrhosis",
    "p_f0": "Probability of stage F0",
    "p_f1": "Probability of stage F1",
    "p_f2": "Probability of stage F2",
    "p_f3": "Probability of stage F3",
    "p_f4": "Probability of stage F4",
    "at_least_f1": "Probability of stage F1 or more",
    "at_least_f2": "Probability of stage F2 or more",
    "at_least_f3": "Probability of stage F3 or more",
    "at_least_f4": "Probability of stage F4",
    "expected": "Expected stage number",
    "set_stage": "Stage in the conformal set",
    "set_claim": "Share of scans whose conformal set holds the true stage, claimed",
    "set_valid": "Claim of the conformal set is valid for this scan",
    "map_mean": "Mean location map value in the region",
    "map_share": "Share of the location map in the region",
    "map_pattern": "Focus pattern of the location map",
    "pattern_surface": "Surface of the liver",
    "pattern_core": "Core of the liver",
    "pattern_mixed": "Neither of the paper's patterns",
    "pattern_off": "Outside liver and spleen",
    "pattern_unknown": "Not known",
    "surface": "0 to 10 mm below the capsule",
    "core": "More than 10 mm below the capsule",
    "elsewhere": "Outside liver and spleen",
    "liver_to_spleen": "Liver to spleen volume",
    "splenic_index": "Splenic index",
    "lsvr": "Liver segmental volume ratio",
    "lsn": "Liver surface nodularity",
    "nodularity": "Liver surface nodularity without noise",
    "texture_sd": "Heterogeneity of the parenchyma",
    "texture_mpp": "Mean of positive voxels, filtered parenchyma",
    "texture_skewness": "Skewness of the filtered parenchyma",
    "texture_kurtosis": "Excess kurtosis of the filtered parenchyma",
    "liver_less_spln": "Liver minus spleen attenuation",
    "fib4": "FIB-4",
    "apri": "APRI",
}


def own(value: str) -> CodedConcept:
    """A code of our own scheme.

    Raises:
        KeyError: the scheme has no such value.
    """
    return CodedConcept(value, SCHEME, OWN[value])


def scheme() -> CodingSchemeIdentificationItem:
    """What says whose scheme it is (PS3.3 C.12.1.1.5)."""
    return CodingSchemeIdentificationItem(
        designator=SCHEME, name="fibrolens concepts", version="1", responsible_organization="fibrolens"
    )
