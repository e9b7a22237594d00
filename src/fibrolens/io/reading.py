"""Any image file or folder to a `Volume`."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from fibrolens.errors import InputError
from fibrolens.io.dicom.choose import SeriesChoice
from fibrolens.io.dicom.read import read_dicom
from fibrolens.io.nifti import read_nifti
from fibrolens.io.slabs import Convert
from fibrolens.io.values import as_hounsfield
from fibrolens.volume import Geometry, Volume

#: File name endings and the formats that they stand for.
FORMATS = {".nii.gz": "nifti", ".nii": "nifti", ".nrrd": "nrrd", ".mha": "mha", ".mhd": "mhd"}

#: Metadata that only DICOM has.
DICOM_FACTS = (
    "modality",
    "series_uid",
    "study_uid",
    "kvp",
    "manufacturer",
    "model",
    "slice_thickness_mm",
    "kernel",
    "contrast_agent",
    "series_description",
)


def read_volume(path: str | Path, series_uid: str | None = None, how: SeriesChoice | None = None) -> Volume:
    """Read a CT: DICOM folder, zip of one, multi-frame file, NIfTI, NRRD or MetaImage.

    Args:
        path: file or folder. In a folder or zip, what is not DICOM is ignored.
        series_uid: which series to read where there are several; ignored for formats that hold one volume.
        how: how it is chosen where none is named; by the rules on headers alone where None.

    Returns:
        A volume of Hounsfield units on the file's own grid, int16 where all are whole and fit, float32 otherwise.
        Its metadata names ``format, modality, series_uid, study_uid, sha256, kvp, manufacturer, model,
        slice_thickness_mm, kernel, contrast_agent, series_description, scan_id, files``, and ``selection`` where the
        series was chosen among several; never who the patient is.

    Raises:
        InputError: nothing there is a CT that can be read.
        SeriesError: DICOM files that do not form one CT volume, or several series and none that is the one to take.
        PhaseError: several series of the abdomen that all state a phase other than portal venous.
        GeometryError: voxels that do not lie on one orthogonal, evenly spaced grid.
    """
    path = Path(path)
    name = source_name(path)
    try:
        exists, is_readable = path.exists(), path.is_dir() or path.is_file()
    except OSError as error:
        raise InputError(f"{name[:80]} cannot be reached: {error.strerror}. Check the path.") from None
    if not exists:
        raise InputError(f"{name} does not exist; check the path.")
    if not is_readable:
        raise InputError(f"{name} is neither a file nor a folder; give one.")
    with enough_memory(name):
        if path.is_dir() or file_format(path) is None:
            how = how or SeriesChoice()
            return read_dicom(path, name, how if series_uid is None else replace(how, series_uid=series_uid))
        values, geometry = read_values(path, as_hounsfield)
        return Volume(values, geometry, name, file_facts(path))


@contextmanager
def enough_memory(name: str) -> Iterator[None]:
    """Raise InputError where what is read inside needs more memory than can be had."""
    try:
        yield
    except MemoryError:
        raise InputError(f"{name} needs more memory than there is; give it more, or a smaller scan.") from None


def source_name(path: Path) -> str:
    """The base name of a path as the user typed it; the folder's own name for ``.``."""
    return path.name or path.resolve().name


def file_format(path: Path) -> str | None:
    """The volume format that a file's name promises; None for anything that may be DICOM or a zip."""
    name = path.name.lower()
    return next((kind for ending, kind in FORMATS.items() if name.endswith(ending)), None)


def read_values(path: Path, convert: Convert = np.asarray) -> tuple[Shaped[np.ndarray, "d h w"], Geometry]:
    """What `convert` makes of the stored values of a one-file volume, and its grid."""
    if file_format(path) == "nifti":
        return read_nifti(path, convert)
    from fibrolens.io.itk import read_itk  # noqa: PLC0415 - slow to import; DICOM and NIfTI do not need it

    values, geometry = read_itk(path)
    return convert(values), geometry


def file_facts(path: Path) -> tuple[tuple[str, object], ...]:
    """Metadata of a one-file volume; what only DICOM knows is None."""
    kind = file_format(path)
    ending = next(e for e in FORMATS if path.name.lower().endswith(e))
    facts: dict[str, object] = dict.fromkeys(DICOM_FACTS)
    facts |= {"format": kind, "scan_id": path.name[: -len(ending)], "files": 1}
    with path.open("rb") as file:
        facts["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return tuple(sorted(facts.items()))
