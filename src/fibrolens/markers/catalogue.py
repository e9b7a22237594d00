"""Every marker that fibrolens knows, with unit, formula, source and published range; docs/markers.md is its table."""

from __future__ import annotations

from fibrolens.markers.marker import Definition, Reference

PICKHARDT_2017 = "Pickhardt et al. 2017 (n = 624)"
LUBNER_2017 = "Lubner et al., Abdom Radiol 2017, doi 10.1007/s00261-017-1096-5"
MEDIAN = "median inside the mask"

LIVER_VOLUME = Definition(
    "liver_volume_ml",
    "Liver volume",
    "mL",
    "voxels of the mask x volume of a voxel",
    "volumetry",
    Reference(1034.0, 2314.0, f"F0: 1674 ± 320 mL, mean ± 2 SD; {PICKHARDT_2017}"),
)
SPLEEN_VOLUME = Definition(
    "spleen_volume_ml",
    "Spleen volume",
    "mL",
    "voxels of the mask x volume of a voxel",
    "volumetry",
    Reference(107.2, 314.5, "healthy, mean 214.6 mL; above is splenomegaly; Prassopoulos et al. 1997"),
)
LIVER_SPLEEN_RATIO = Definition(
    "liver_spleen_ratio",
    "Liver to spleen volume",
    "",
    "liver volume / spleen volume",
    "Son et al. 2020 (n = 558)",
    decimals=1,
)
SPLENIC_INDEX = Definition(
    "splenic_index_cm3",
    "Splenic index",
    "cm³",
    "length along the body x largest diameter in an axial slice x thickness of the widest circle inside the larger "
    "axial slices",
    "Prassopoulos et al., Eur Radiol 1997;7:246-248; thickness by fibrolens",
    Reference(120.0, 480.0, "healthy; Prassopoulos et al. 1997"),
)
LOBE_RATIO = Definition(
    "lsvr",
    "Liver segmental volume ratio",
    "",
    "volume of segments I to III / volume of segments IV to VIII",
    "Furusato Hunt et al. (n = 312)",
    Reference(None, 0.35, "0.27 ± 0.07 without and 0.55 ± 0.29 with cirrhosis, cut 0.35; Furusato Hunt et al."),
    decimals=2,
)
NODULARITY = Definition(
    "lsn",
    "Liver surface nodularity",
    "0.1 mm",
    "mean distance between the liver's edge, found in the CT below the size of a pixel, and a polynomial along it, "
    "where the surface is convex and faces fat",
    "after Smith et al., Radiology 2016;280:771-781; stretches found by fibrolens",
    Reference(1.38, 3.14, "F0 and F1: 2.26 ± 0.44, mean ± 2 SD; F4: 3.19 ± 0.89; another program, arcs picked by hand"),
    decimals=2,
)
NODULARITY_MM = Definition(
    "nodularity_mm",
    "Liver surface nodularity without noise",
    "mm",
    "root of (LSN / 10)² less the square of what noise alone would read: root of 2 / pi x SD of the noise beside the "
    "edge / fall of the HU per mm at the edge",
    "fibrolens",
    decimals=2,
)
TEXTURE_SD = Definition(
    "texture_sd_hu",
    "Heterogeneity of the parenchyma",
    "HU",
    "SD after a Laplacian of Gaussian for structures of 4 mm, 5 mm below the surface and without vessels and lesions, "
    "less the noise found in the spleen",
    f"after {LUBNER_2017}; noise correction by fibrolens",
    decimals=1,
)
TEXTURE_MPP = Definition(
    "texture_mpp_hu", "Texture, mean of positive voxels", "HU", "mean of what is positive after the same filter",
    LUBNER_2017, decimals=1,
)  # fmt: skip
TEXTURE_ENTROPY = Definition(
    "texture_entropy", "Texture, entropy", "bit", "entropy in bins of 5 HU after the same filter",
    f"IBSI TLU2; {LUBNER_2017}", decimals=2,
)  # fmt: skip
TEXTURE_SKEWNESS = Definition(
    "texture_skewness", "Texture, skewness", "", "third standardised moment after the same filter",
    f"IBSI KE2A; {LUBNER_2017}", decimals=2,
)  # fmt: skip
TEXTURE_KURTOSIS = Definition(
    "texture_kurtosis", "Texture, excess kurtosis", "", "fourth standardised moment less 3 after the same filter",
    f"IBSI IPH6; {LUBNER_2017}", decimals=2,
)  # fmt: skip
LIVER_MINUS_SPLEEN = Definition(
    "liver_minus_spleen_hu",
    "Liver minus spleen",
    "HU",
    "difference of the means of the middle half of the values, 5 mm below the surface of either organ",
    "fibrolens",
    Reference(-40.4, 25.2, "portal venous, without steatosis: -7.6 ± 16.4 HU, mean ± 2 SD (n = 2777)"),
)
PORTAL_VEIN = Definition(
    "portal_vein_mm",
    "Portal vein diameter",
    "mm",
    "diameter of the largest ball inside the mask of the portal vein",
    "fibrolens",
    Reference(11.7, 19.3, "healthy donors: 15.5 ± 1.9 mm, mean ± 2 SD; Stamm et al. (n = 191)"),
    decimals=1,
)
LIVER_HU = Definition("liver_hu", "Liver, median", "HU", MEDIAN, "fibrolens")
SPLEEN_HU = Definition("spleen_hu", "Spleen, median", "HU", MEDIAN, "fibrolens")
AORTA_HU = Definition("aorta_hu", "Aorta, median", "HU", MEDIAN, "fibrolens")
FIB4 = Definition(
    "fib4",
    "FIB-4",
    "",
    "age [years] x AST [U/L] / (platelets [10^9/L] x square root of ALT [U/L])",
    "Sterling et al., Hepatology 2006;43:1317-1325",
    Reference(1.30, 2.67, "below: advanced fibrosis unlikely, above: likely (NAFLD; 1.45 and 3.25 in HCV and HIV)"),
    decimals=2,
)
APRI = Definition(
    "apri",
    "APRI",
    "",
    "100 x (AST / its upper limit of normal) / platelets [10^9/L]",
    "Wai et al., Hepatology 2003;38:518-526",
    Reference(0.5, 1.5, "below: F2 or more unlikely, above: likely; 1.0 and 2.0 for F4"),
    decimals=2,
)

#: In the order of a report.
CATALOGUE = (
    LIVER_VOLUME,
    SPLEEN_VOLUME,
    LIVER_SPLEEN_RATIO,
    SPLENIC_INDEX,
    LOBE_RATIO,
    NODULARITY,
    NODULARITY_MM,
    TEXTURE_SD,
    TEXTURE_MPP,
    TEXTURE_ENTROPY,
    TEXTURE_SKEWNESS,
    TEXTURE_KURTOSIS,
    LIVER_MINUS_SPLEEN,
    PORTAL_VEIN,
    LIVER_HU,
    SPLEEN_HU,
    AORTA_HU,
    FIB4,
    APRI,
)
