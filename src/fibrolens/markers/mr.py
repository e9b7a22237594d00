"""What markers are on MR: those that need a CT, and one of its own."""

from __future__ import annotations

from fibrolens.markers import catalogue
from fibrolens.markers.marker import Definition

#: What is read from Hounsfield units: texture and surface, attenuations, medians, in the order of the catalogue.
SURFACE_AND_TEXTURE = (
    catalogue.NODULARITY,
    catalogue.NODULARITY_MM,
    catalogue.TEXTURE_SD,
    catalogue.TEXTURE_MPP,
    catalogue.TEXTURE_ENTROPY,
    catalogue.TEXTURE_SKEWNESS,
    catalogue.TEXTURE_KURTOSIS,
    catalogue.LIVER_MINUS_SPLEEN,
)
MEDIANS = (catalogue.LIVER_HU, catalogue.SPLEEN_HU, catalogue.AORTA_HU)
#: Measured on MR alone, behind the markers of the catalogue.
LIVER_SPLEEN_SIGNAL = Definition(
    "liver_spleen_signal",
    "Liver to spleen signal",
    "",
    "ratio of the means of the middle half of the signals, 5 mm below the surface of either organ",
    "fibrolens; as a ratio free of the scanner's units, not of its coils",
    decimals=2,
)
