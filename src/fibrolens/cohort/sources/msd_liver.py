"""Medical Segmentation Decathlon, task 3: the same CTs as LiTS."""

from __future__ import annotations

from fibrolens.cohort.sources.base import About
from fibrolens.cohort.sources.files import Layout
from fibrolens.cohort.sources.labelled import SERVES, LabelledSet
from fibrolens.cohort.sources.lits import lits_case

ABOUT = About(
    name="msd_liver",
    title="MSD Task03_Liver",
    licence="CC BY-SA 4.0",
    citation="Antonelli M et al., Nat Commun 2022;13:4128, doi 10.1038/s41467-022-30695-9",
    gives="no stages; CT, 131 with labels of liver and tumour",
    needs="folder Task03_Liver (imagesTr, labelsTr)",
    how=(
        "Task03_Liver.tar from the Medical Segmentation Decathlon; unpack it and give the folder with --from.",
        "Files whose name begins with ._ are shadows that macOS left in the archive; they are passed over.",
    ),
    assumes=(
        *SERVES,
        "Training cases have the numbers of LiTS: liver_N is volume-N, and both get the patient lits_N.",
        "The contrast phase varies and is left empty.",
    ),
    also_in=("LiTS holds the same CTs.", "AbdomenAtlas and CADS hold the CTs of LiTS, which are those of this set."),
    kin=("lits",),
)
SOURCE = LabelledSet(
    ABOUT,
    Layout.of(r"images(?:Tr|Ts)/liver_(?P<case>\d+)", r"labelsTr/liver_(?P<case>\d+)", "imagesTr/liver_N.nii.gz"),
    "msd",
    "msd_liver",
    patient=lits_case,
).source()
