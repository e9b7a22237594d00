"""A simulated CT as a DICOM series: one CT Image Storage object per slice (PS3.3 A.3), explicit little endian.

Every UID is the hash of what it names, and nothing reads the clock, so the same CT gives the same bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from fibrolens.errors import OutputError
from fibrolens.phantom.patient import Patient
from fibrolens.volume import Volume

#: Stored value minus Hounsfield units, as most scanners have it.
INTERCEPT = -1024
STUDY_DATE = "20200101"
STUDY_TIME = "120000"
IMPLEMENTATION = UID("2.25.220977214962218093184373241806914126871")


def write_dicom_series(volume: Volume, folder: Path, patient: Patient) -> None:
    """Write the slices of a CT as ``0001.dcm`` and so on, from the feet upwards.

    Args:
        volume: int16 Hounsfield units on an axial grid.
        folder: where to write; made if absent.
        patient: whose CT, for the header.

    Raises:
        OutputError: the folder cannot be written.
    """
    series = _series(volume, patient)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(volume.geometry.shape[0]):
            _slice(series, volume, index).save_as(folder / f"{index + 1:04d}.dcm", enforce_file_format=True)
    except OSError as error:
        raise OutputError(
            f"{folder} could not be written ({error.strerror}); free some space or choose another folder."
        ) from None


def _series(volume: Volume, patient: Patient) -> Dataset:
    """What all slices share."""
    of = f"{patient.patient_id}/{patient.seed}/{volume.geometry}"
    data = Dataset()
    data.update(_patient_and_study(patient, of))
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = CTImageStorage
    data.Modality = "CT"
    data.SeriesInstanceUID = _uid("series", of)
    data.FrameOfReferenceUID = _uid("frame of reference", of)
    data.SeriesNumber, data.AcquisitionNumber = 1, 1
    data.SeriesDescription = "Simulated abdomen, portal venous phase"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.Manufacturer, data.ManufacturerModelName = "fibrolens phantom", patient.scan.vendor
    data.BodyPartExamined, data.PatientPosition = "ABDOMEN", "HFS"
    data.KVP, data.ConvolutionKernel = patient.scan.kvp, f"FWHM {patient.scan.psf_mm:.1f} mm"
    data.ContrastBolusAgent, data.PositionReferenceIndicator = "SIMULATED", ""
    data.SeriesDate = data.AcquisitionDate = data.ContentDate = STUDY_DATE
    data.SeriesTime = data.AcquisitionTime = data.ContentTime = STUDY_TIME
    data.update(_pixel_module(volume))
    return data


def _patient_and_study(patient: Patient, of: str) -> Dataset:
    data = Dataset()
    data.PatientName, data.PatientID = f"Simulated^{patient.patient_id}", patient.patient_id
    data.PatientSex, data.PatientAge, data.PatientBirthDate = patient.sex, f"{patient.age:03d}Y", ""
    data.StudyInstanceUID, data.StudyID = _uid("study", of), "1"
    data.StudyDate, data.StudyTime = STUDY_DATE, STUDY_TIME
    data.StudyDescription = "Simulated CT, research use only"
    data.AccessionNumber, data.ReferringPhysicianName = "", ""
    return data


def _pixel_module(volume: Volume) -> Dataset:
    spacing = volume.geometry.spacing
    data = Dataset()
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = volume.geometry.shape[1:]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = INTERCEPT, 1, "HU"
    data.WindowCenter, data.WindowWidth = 50, 350
    data.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[2])]
    data.SliceThickness = data.SpacingBetweenSlices = _decimal(spacing[0])
    axes = np.asarray(volume.geometry.direction)
    data.ImageOrientationPatient = [_decimal(v) for v in (*axes[2], *axes[1])]
    return data


def _slice(series: Dataset, volume: Volume, index: int) -> FileDataset:
    position = volume.geometry.to_world(np.array((index, 0.0, 0.0)))
    uid = _uid("slice", f"{series.SeriesInstanceUID}/{index}")
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, uid
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, IMPLEMENTATION
    data = FileDataset("", series, file_meta=meta, preamble=bytes(128))
    data.SOPInstanceUID, data.InstanceNumber = uid, index + 1
    data.ImagePositionPatient = [_decimal(v) for v in position]
    data.SliceLocation = _decimal(position[2])
    stored = volume.array[index].astype(np.int32) - INTERCEPT
    data.PixelData = np.clip(stored, -32768, 32767).astype("<i2").tobytes()
    return data


def _uid(kind: str, of: str) -> UID:
    """A UID below "2.25." (PS3.5 B.2) that is the hash of what it names."""
    digest = hashlib.sha256(f"fibrolens phantom/{kind}/{of}".encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


def _decimal(value: float) -> str:
    """A DICOM decimal string: at most 16 characters (PS3.5 6.2)."""
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"
