"""CHAOS, CT part: potential liver donors, so that the liver is taken to be healthy."""

from __future__ import annotations

from pathlib import Path

from fibrolens.cohort.columns import CONTROL, CT, PORTAL
from fibrolens.cohort.sources.base import About, Case, Given, Reading, Source
from fibrolens.cohort.sources.files import natural
from fibrolens.cohort.sources.tabular import find_tables
from fibrolens.errors import InputError

SLICES = "DICOM_anon"

ABOUT = About(
    name="chaos",
    title="CHAOS (combined healthy abdominal organ segmentation), CT part",
    licence="CC BY-SA 4.0 or CC BY-NC-SA 4.0, sources differ: treat as non-commercial",
    citation="Kavur AE et al., Med Image Anal 2021;69:101950, doi 10.1016/j.media.2020.101950; "
    "data doi 10.5281/zenodo.3431873",
    gives="stage F0, weak (potential liver donors, no histology); CT, 40",
    needs="folders CT/N/DICOM_anon of Train_Sets and Test_Sets",
    how=(
        "CHAOS_Train_Sets.zip and CHAOS_Test_Sets.zip from Zenodo, doi 10.5281/zenodo.3431873; unpack both "
        "into one folder.",
    ),
    assumes=(
        "A potential liver donor is F0, with `reference` imaging_negative: healthy by imaging, not by histology.",
        "All CTs are portal venous, as the challenge states.",
        "The masks (PNG) are not taken: public readers of the set contradict each other on which slice a "
        "mask belongs to.",
    ),
    also_in=("AbdomenAtlas and CADS hold the CTs of CHAOS.",),
)  # fmt: skip


def read(given: Given) -> Reading:
    """One case per folder ``CT/N/DICOM_anon``.

    Raises:
        InputError: there is no such folder.
    """
    find_tables(given.tables, None, ())
    folder = given.require_folder(ABOUT.title)
    places: dict[str, Path] = {}
    for place in sorted(folder.rglob(SLICES)):
        number = place.parent.name
        if place.parent.parent.name != "CT" or not number.isdigit():
            continue
        first = places.setdefault(number, place)
        if first != place:
            raise InputError(f"{first} and {place} are the same case of CHAOS; keep one of them.")
    if not places:
        raise InputError(f"{folder} holds no CT/N/{SLICES}; give the unpacked folder of CHAOS with --from.")
    values = {"reference": CONTROL, "modality": CT, "phase": PORTAL}
    return Reading(
        tuple(
            Case(scan, scan, (0,), "potential liver donor", places[number], values=values, case_key=scan)
            for number in natural(list(places))
            for scan in (f"chaos_ct_{number}",)
        )
    )


SOURCE = Source(ABOUT, read)
