"""AMOS22: abdominal CT and MR with labels of 15 organs; what is MR is known by its number."""

from __future__ import annotations

from fibrolens.cohort.sources.base import About
from fibrolens.cohort.sources.files import Layout
from fibrolens.cohort.sources.labelled import SERVES, LabelledSet

#: Numbers from here on are MR.
FIRST_MR = 500


def _not_ct(number: str) -> str:
    """Why a number is not to be used."""
    return "MR, not CT" if int(number) >= FIRST_MR else ""


ABOUT = About(
    name="amos",
    title="AMOS22 (multi-modality abdominal multi-organ segmentation)",
    licence="CC BY 4.0 (its dataset.json says CC BY-SA 4.0)",
    citation="Ji Y et al., AMOS, NeurIPS Datasets and Benchmarks 2022, arXiv 2206.08023",
    gives="no stages; CT, 300 with labels of 15 organs",
    needs="folder amos22 (imagesTr, labelsTr, imagesVa, labelsVa)",
    how=("amos22.zip from the AMOS22 record at Zenodo; unpack it and give the folder with --from.",),
    assumes=(
        *SERVES,
        "Numbers below 500 are CT; the others are MR and excluded.",
        "The contrast phase varies and is left empty.",
    ),
    also_in=("AbdomenAtlas and CADS hold the CTs of AMOS22.",),
)
SOURCE = LabelledSet(
    ABOUT,
    Layout.of(
        r"images(?:Tr|Va|Ts)/amos_(?P<case>\d{4})", r"labels(?:Tr|Va)/amos_(?P<case>\d{4})", "imagesTr/amos_0001.nii.gz"
    ),
    "amos",
    "amos",
    exclude=_not_ct,
).source()
