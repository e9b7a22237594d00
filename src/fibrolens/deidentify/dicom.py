"""The DICOM files of a case: the slices that the CT was read from, and the objects that fibrolens made of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from fibrolens.deidentify.clean import Cleaner, file_of
from fibrolens.deidentify.pixels import plain_pixels
from fibrolens.errors import InputError, SeriesError
from fibrolens.io.dicom.files import DAMAGED, Instance, instances
from fibrolens.io.dicom.frames import text
from fibrolens.io.dicom.objects.headers import instance_of
from fibrolens.io.dicom.pixels import series_digest
from fibrolens.io.dicom.read import ordered_frames, quiet_pydicom
from fibrolens.io.dicom.series import named_series
from fibrolens.io.dicom.telling import telling_words
from fibrolens.output import file_sha256


@dataclass(frozen=True)
class Slices:
    """What was written of the source: SHA-256 as `fibrolens stage` would find it, and the new UID of the series."""

    sha256: str
    series_uid: str


def write_slices(source: Path, series_uid: str, folder: Path, cleaner: Cleaner) -> Slices:
    """Write the CT of one series as clean, uncompressed slices ``0001.dcm`` and so on.

    Args:
        source: DICOM folder, zip or file.
        series_uid: which series; empty where an anonymiser took the UID away.
        folder: where the files go; it exists.
        cleaner: how they are cleaned; the words that tell who the patient is are taken from their headers.

    Raises:
        InputError: words are burned into the pixels, which nothing here can find.
        SeriesError: the files cannot be read or cleaned.
        OSError: the folder cannot be written.
    """
    with quiet_pydicom(), instances(source) as found:
        series = named_series(found, source.name, series_uid)
        frames, _ = ordered_frames(series)
        files = list(dict.fromkeys(frame.instance for frame in frames))
        telling = frozenset[str]().union(*(telling_words(file.header) for file in files))
        strict = replace(cleaner, telling=cleaner.telling | telling)
        made_up = _made_up(files[0], cleaner)
        digests = []
        for number, file in enumerate(files, 1):
            path = folder / f"{number:04d}.dcm"
            _write_slice(file, path, (strict, made_up), str(series))
            digests.append(file_sha256(path))
    return Slices(series_digest(digests), cleaner.key.uid(series.uid) or made_up["SeriesInstanceUID"])


def patient_of(source: Path, series_uid: str) -> tuple[str, str]:
    """Issuer and ID of the patient, which a pseudonym is derived from; of the study where there is no ID.

    Raises:
        InputError: it cannot be read.
    """
    with quiet_pydicom(), instances(source) as found:
        header = named_series(found, source.name, series_uid).instances[0].header
        patient = text(header, "PatientID")
        return (text(header, "IssuerOfPatientID"), patient) if patient else ("study", text(header, "StudyInstanceUID"))


def write_object(path: Path, to: Path, cleaner: Cleaner) -> None:
    """Write an object of ours without its patient.

    Args:
        path: of the object.
        to: the file to write.
        cleaner: how it is cleaned.

    Raises:
        InputError: it is damaged or not ours.
        OSError: the file cannot be written.
    """
    with quiet_pydicom():
        try:
            data = dcmread(path)
            if data.get("Manufacturer") != "fibrolens":
                raise InputError(f"{path.name} was not written by fibrolens; it is not exported.")
            clean_object(data, cleaner).save_as(to, enforce_file_format=True)
        except DAMAGED as error:
            if isinstance(error, OSError):
                raise
            raise InputError(f"{path.name} is damaged; stage the scan again.") from error


def clean_object(data: Dataset, cleaner: Cleaner) -> FileDataset:
    """An object of ours without its patient, as a file; `data` is not changed."""
    clean = cleaner.cleaned(data, ours=True)
    if "PixelData" in clean or "FloatPixelData" in clean:
        # The only words in our pictures are our own.
        clean.BurnedInAnnotation = "NO"
    return file_of(clean, data.file_meta.TransferSyntaxUID)


def require_clean_pixels(source: Path, series_uid: str, done: str) -> None:
    """Refuse a series whose pixels hold words, as far as its headers say so.

    Args:
        source: DICOM folder, zip or file.
        series_uid: which series; empty where an anonymiser took the UID away.
        done: what the message says is not done to it.

    Raises:
        InputError: words are burned into the pixels, which nothing here can find; or the source cannot be read.
    """
    with quiet_pydicom(), instances(source) as found:
        series = named_series(found, source.name, series_uid)
        for file in series.instances:
            _require_clean(file, str(series), done)


def _require_clean(file: Instance, series: str, done: str) -> None:
    if text(file.header, "BurnedInAnnotation").upper() == "YES":
        raise InputError(
            f"{series} has words burned into its pixels (BurnedInAnnotation), which may name the patient; it is not "
            f"{done}."
        )


def _made_up(first: Instance, cleaner: Cleaner) -> dict[str, str]:
    """UIDs for a series that an anonymiser took them from, without which no reader would put it together."""
    with first.open() as stream:
        origin = hashlib.sha256(stream.read()).hexdigest()
    return {name: cleaner.key.uid(f"{name} {origin}") for name in ("StudyInstanceUID", "SeriesInstanceUID")}


def _write_slice(file: Instance, path: Path, how: tuple[Cleaner, dict[str, str]], series: str) -> None:
    cleaner, made_up = how
    _require_clean(file, series, "exported")
    try:
        with file.open() as stream:
            data = dcmread(stream, force=True)
            clean = cleaner.cleaned(data, ours=False)
            _name(clean, data, file, cleaner)
            for keyword in (name for name in made_up if not clean.get(name)):
                setattr(clean, keyword, made_up[keyword])
            clean.add(plain_pixels(data, series))
            file_of(clean, ExplicitVRLittleEndian).save_as(path, enforce_file_format=True)
    except OSError:
        raise
    except DAMAGED as error:
        raise SeriesError(f"{series}: the header of {file.name} cannot be used; copy the file again.") from error


def _name(clean: Dataset, data: Dataset, file: Instance, cleaner: Cleaner) -> None:
    """Class and instance, also where an anonymiser left them in the meta group alone or nowhere."""
    try:
        kind, instance = instance_of(data)
    except SeriesError:
        with file.open() as stream:
            kind, instance = CTImageStorage, UID(hashlib.sha256(stream.read()).hexdigest())
    clean.SOPClassUID, clean.SOPInstanceUID = kind, cleaner.key.uid(instance)
