"""LiTS, the Liver Tumor Segmentation benchmark: the same CTs as task 3 of the Medical Segmentation Decathlon."""

from __future__ import annotations

from fibrolens.cohort.sources.base import About
from fibrolens.cohort.sources.files import Layout
from fibrolens.cohort.sources.labelled import SERVES, LabelledSet


def lits_case(number: str) -> str:
    """The name of a case that LiTS and the Decathlon share; the Decathlon counts its test cases on, LiTS apart."""
    return f"lits_{int(number)}"


ABOUT = About(
    name="lits",
    title="LiTS (Liver Tumor Segmentation Benchmark)",
    licence="CC BY-NC-ND 4.0 by one listing; see the challenge's terms",
    citation="Bilic P et al., Med Image Anal 2023;84:102680, doi 10.1016/j.media.2022.102680",
    gives="no stages; CT, 131 with labels of liver and tumour",
    needs="files volume-N.nii and segmentation-N.nii, in any folders",
    how=(
        "Training batches 1 and 2 from the LiTS challenge (CodaLab); unpack them into one folder and give it "
        "with --from.",
    ),
    assumes=(
        *SERVES,
        "Numbers are those of the Decathlon: volume-N is liver_N, and both get the patient lits_N.",
        "The contrast phase varies and is left empty.",
    ),
    also_in=(
        "MSD Task03_Liver holds the same CTs.",
        "AbdomenAtlas and CADS hold the CTs of LiTS.",
        "LiTS is said to hold the 20 CTs of 3D-IRCADb-01, as volumes 28 to 47.",
    ),
    kin=("msd_liver",),
)
SOURCE = LabelledSet(
    ABOUT,
    Layout.of(r".*/volume-(?P<case>\d+)", r".*/segmentation-(?P<case>\d+)", "volume-N.nii"),
    "lits",
    "lits",
    patient=lits_case,
).source()
