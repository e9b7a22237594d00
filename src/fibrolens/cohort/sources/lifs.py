"""LiFS, the fibrosis task of CARE-Liver: MR of three vendors; the stage is the last character of a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fibrolens.cohort.columns import HISTOLOGY
from fibrolens.cohort.sources.base import About, Case, Given, Reading, Source
from fibrolens.cohort.sources.files import nifti_files
from fibrolens.cohort.sources.tabular import find_tables
from fibrolens.errors import InputError

#: A case's folder: number, vendor, and the stage where it is published.
CASE = re.compile(r"(?P<id>\d+-(?P<vendor>[A-Z]\d?))(-S(?P<stage>[1-4]))?")
#: Whether S1 takes in livers without any fibrosis is not stated, and there is no S0.
STAGES: Mapping[str, tuple[int, ...]] = {"1": (0, 1), "2": (2,), "3": (3,), "4": (4,)}
#: The hepatobiliary phase of the enhanced T1 series, which the MR mode reads.
IMAGE, MASK = "GED4.nii.gz", "mask_GED4.nii.gz"

ABOUT = About(
    name="lifs",
    title="LiFS (CARE-Liver challenge, liver fibrosis staging on MR)",
    licence="terms of the challenge",
    citation="Liu Y et al., Med Image Anal 2025 (MERIT); CARE-Liver challenge, MICCAI 2024 and 2025",
    gives="stages F0|F1, F2, F3, F4 (S1 to S4, histology); MR",
    needs="folders Vendor_A, Vendor_B1, Vendor_B2 of the training set",
    how=(
        "Registration at the CARE-Liver challenge (zmic.org.cn); unpack the training set and give its folder "
        "with --from.",
    ),
    assumes=(
        "S2, S3 and S4 are F2, F3 and F4. S1 is the set F0|F1: the challenge has no S0, and does not say "
        "whether S1 takes in "
        "livers without fibrosis. So F>=1 is decided for nobody but S2 to S4, and no row is F0 alone.",
        "Stages are taken to be histology.",
        "The image is GED4, the hepatobiliary phase; a case without it is excluded.",
        "The default criteria take CT alone; modalities: [\"MR\"] in the criteria file takes these rows.",
    ),
)  # fmt: skip


def read(given: Given) -> Reading:
    """One case per folder of a case.

    Raises:
        InputError: there is no such folder.
    """
    find_tables(given.tables, None, ())
    folder = given.require_folder(ABOUT.title)
    places = sorted({path.parent for path in nifti_files(folder) if CASE.fullmatch(path.parent.name)})
    if not places:
        raise InputError(
            f"{folder} holds no case such as Vendor_A/0001-A-S1/{IMAGE}; give the folder of LiFS with --from."
        )
    return Reading(tuple(_case(place) for place in places))


def _case(place: Path) -> Case:
    match = CASE.fullmatch(place.name)
    assert match is not None, place  # noqa: S101 - `read` has matched it
    stages = STAGES.get(match["stage"] or "", ())
    image, mask = place / IMAGE, place / MASK
    exclude = "" if stages else "no stage in the folder's name"
    if stages and not image.is_file():
        exclude = "no hepatobiliary image (GED4)"
    scan = f"lifs_{match['id']}"
    return Case(
        scan,
        scan,
        stages,
        f"S{match['stage']}" if match["stage"] else "",
        image if image.is_file() else None,
        exclude,
        masks={"liver": mask} if mask.is_file() and not exclude else {},
        values={"reference": HISTOLOGY if stages else "", "modality": "MR", "site": f"vendor {match['vendor']}"},
        case_key=f"lifs:{match['id']}",
    )


SOURCE = Source(ABOUT, read)
