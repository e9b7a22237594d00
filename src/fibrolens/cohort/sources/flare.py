"""FLARE22: 50 labelled CTs, which are those of the pancreas task of the Medical Segmentation Decathlon."""

from __future__ import annotations

from fibrolens.cohort.columns import PORTAL
from fibrolens.cohort.sources.base import About
from fibrolens.cohort.sources.files import Layout
from fibrolens.cohort.sources.labelled import SERVES, LabelledSet

ABOUT = About(
    name="flare",
    title="FLARE22, labelled part",
    licence="not stated; see the challenge's terms",
    citation="Ma J et al., Lancet Digit Health 2024;6:e815-e826 (FLARE22)",
    gives="no stages; CT, 50 with labels of 13 organs",
    needs="folder FLARE22Train (images, labels)",
    how=(
        "FLARE22Train.zip from the FLARE22 challenge (grand-challenge.org); unpack it and give its folder with --from.",
    ),
    assumes=(
        *SERVES,
        "The labelled CTs are from the pancreas task of the Medical Segmentation Decathlon, whose scans are "
        "portal venous.",
    ),
    also_in=("The labelled CTs are from MSD Task07_Pancreas, under other numbers.",),
)
SOURCE = LabelledSet(
    ABOUT,
    Layout.of(
        r"images?(?:Tr)?/FLARE22_Tr_(?P<case>\d{4})_0000",
        r"labels?(?:Tr)?/FLARE22_Tr_(?P<case>\d{4})",
        "images/FLARE22_Tr_0001_0000.nii.gz",
    ),
    "flare",
    "flare22",
    PORTAL,
).source()
