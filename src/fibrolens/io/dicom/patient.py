"""Who the patient of a series is. Read only where the user asked for it, and kept by nobody but the reports."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset
from pydicom.valuerep import PersonName

from fibrolens.io.dicom.files import instances
from fibrolens.io.dicom.frames import element
from fibrolens.io.dicom.read import quiet_pydicom
from fibrolens.io.dicom.series import named_series

#: Between the writings of one name: alphabetic, ideographic, phonetic (PS3.5 section 6.2.1).
WRITINGS = " = "
DATE_DIGITS = 8


def read_identity(path: Path, series_uid: str) -> dict[str, str]:
    """Title and value of what a report may name; a value is empty where the header states none.

    Args:
        path: DICOM folder, zip or file.
        series_uid: which series; empty where an anonymiser took the UID away.

    Raises:
        InputError: it cannot be read any more.
        SeriesError: it does not hold the series.
    """
    with quiet_pydicom(), instances(path) as found:
        header = named_series(found, path.name, series_uid).instances[0].header
        return {
            "Name": _name(header),
            "Patient ID": _words(header, "PatientID"),
            "Birth date": _date(header, "PatientBirthDate"),
            "Sex": _words(header, "PatientSex"),
            "Study date": _date(header, "StudyDate"),
            "Accession": _words(header, "AccessionNumber"),
        }


def _name(header: Dataset) -> str:
    """Family name, given and middle names, then titles, in every writing that the header has."""
    value = element(header, "PatientName")
    if not isinstance(value, PersonName):
        return ""
    writings = (value.alphabetic, value.ideographic, value.phonetic)
    return WRITINGS.join(_in_order(_printable(w)) for w in writings if _printable(w).strip("^ "))


def _in_order(name: str) -> str:
    family, given, middle, prefix, suffix = [part.strip() for part in (name + "^^^^").split("^")[:5]]
    parts = (family, f"{given} {middle}".strip(), prefix, suffix)
    return ", ".join(part for part in parts if part)


def _words(header: Dataset, keyword: str) -> str:
    value = element(header, keyword)
    return "" if value is None else _printable(str(value)).strip()


def _date(header: Dataset, keyword: str) -> str:
    day = _words(header, keyword)
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == DATE_DIGITS and day.isdigit() else day


def _printable(words: str) -> str:
    return "".join(letter for letter in words if letter.isprintable())
