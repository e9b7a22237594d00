"""Collections of the Imaging Data Commons: series from its index, from downloaded folders, or from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fibrolens.cohort.sources.base import NO_IMAGE, Given
from fibrolens.cohort.sources.series import Series, downloaded, indexed
from fibrolens.cohort.sources.tabular import TableFile
from fibrolens.errors import InputError

#: Model-made segmentations that were added to IDC later begin so.
LATER = "AIMI"
#: The official client; its default folders are collection/patient/study/modality_series.
DOWNLOAD = (
    "pip install idc-index",
    "idc download {collection} --download-dir DIR",
    "Index of series (to choose from before downloading, and to have the reasons), in Python:",
    "    from idc_index import index",
    "    table = index.IDCClient().sql_query(\"SELECT * FROM index WHERE collection_id = '{collection}'\")",
    '    table.to_csv("{collection}_series.csv", index=False)',
    "    idc download UID,UID,... --download-dir DIR then fetches the chosen series alone (cohort.series.csv "
    "lists them).",
)


def how(collection: str, *more: str) -> tuple[str, ...]:
    """How to download a collection, line by line, and what else is needed."""
    return (*(line.replace("{collection}", collection) for line in DOWNLOAD), *more)


def gather(given: Given, index: TableFile | None, collection: str) -> dict[str, list[Series]]:
    """The series of each patient: those of the index with their folders, or those that were downloaded.

    Raises:
        InputError: the index holds nothing of the collection.
    """
    if given.folder is not None:
        given.require_folder(collection)
    here = downloaded(given.folder) if given.folder is not None else []
    if index is None:
        return _by_patient(here)
    listed = indexed(index, collection)
    if not listed:
        raise InputError(f"{index.path.name} lists no series of {collection}; give the index of that collection.")
    found = {series.uid: series for series in here}
    return _by_patient([_joined(series, found) for series in listed])


def image_of(series: Series | None) -> tuple[Path | None, str]:
    """The folder of a series, or None and why there is no image."""
    if series is None or series.folder is None:
        return None, NO_IMAGE
    return (None, "image only partly downloaded") if series.incomplete else (series.folder, "")


def masks_on(image: Series, candidates: Sequence[Series]) -> dict[str, Path]:
    """The collection's own segmentation of a series, by ``liver``; empty where none is downloaded."""
    for one in candidates:
        if is_own_segmentation(one) and one.folder is not None and one.refers_to == image.uid:
            files = sorted(path for path in one.folder.iterdir() if path.is_file())
            return {"liver": files[0]} if len(files) == 1 else {}
    return {}


def is_own_segmentation(series: Series) -> bool:
    """Whether a series is the segmentation that was published with the collection, not one that came later."""
    return series.modality == "SEG" and not series.annotation and not series.description.startswith(LATER)


def _joined(listed: Series, found: Mapping[str, Series]) -> Series:
    """A series of the index with what its downloaded header adds."""
    if (here := found.get(listed.uid)) is None:
        return listed
    return replace(
        listed,
        folder=here.folder,
        incomplete=here.images < listed.images,
        refers_to=here.refers_to,
        original_axial=here.original_axial,
        thickness_mm=listed.thickness_mm or here.thickness_mm,
    )


def _by_patient(series: Sequence[Series]) -> dict[str, list[Series]]:
    patients: dict[str, list[Series]] = {}
    for one in series:
        patients.setdefault(one.patient, []).append(one)
    return patients
