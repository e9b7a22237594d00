"""A simulated CT as a DICOM series: one CT Image Storage object per slice (PS3.3 A.3), explicit little endian.

Every UID is the hash of what it names, and nothing reads the clock, so the same CT gives the same bytes. The header
tells the scan that was simulated: tube, kernel, phase and times fit each other and the picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from fibrolens.errors import OutputError
from fibrolens.phantom.patient import Patient
from fibrolens.volume import Volume

#: Stored value minus Hounsfield units, as most scanners have it.
INTERCEPT = -1024
#: Day of a CT whose date the records do not have.
UNKNOWN_DAY = "2020-01-01"
#: Begin of the study, minutes until contrast is injected, and seconds from there to the scan of each phase.
BEGIN = "12:00:00"
INJECTION_MINUTES = 5
DELAY_S: Mapping[str, float] = {"arterial": 35.0, "portal": 70.0, "delayed": 180.0}
PHASE_NAMES: Mapping[str, str] = {
    "native": "unenhanced",
    "arterial": "arterial phase",
    "portal": "portal venous phase",
    "delayed": "delayed phase",
}
CONTRAST_ML, CONTRAST_ML_PER_S, IODINE_MG_PER_ML = 100.0, 3.0, 350.0
ROTATION_MS = 500
IMPLEMENTATION = UID("2.25.220977214962218092183373241806914126871")
PURPOSE = "Simulated CT, research use only"


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
    of = f"{patient.patient_id}/{patient.scan_id}/{patient.seed}/{volume.geometry!r}/{_digest(volume.array.tobytes())}"
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = CTImageStorage
    data.Modality = "CT"
    data.SeriesInstanceUID = _uid("series", of)
    data.FrameOfReferenceUID = _uid("frame of reference", of)
    data.SeriesNumber, data.AcquisitionNumber = 1, 1
    data.SeriesDescription = f"Simulated abdomen, {PHASE_NAMES[patient.scan.phase]}"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.ImageComments, data.BurnedInAnnotation, data.LossyImageCompression = PURPOSE, "NO", "00"
    data.BodyPartExamined, data.PatientPosition, data.PositionReferenceIndicator = "ABDOMEN", "HFS", ""
    for module in (_patient_and_study, _equipment, _contrast_and_times):
        data.update(module(patient))
    data.update(_tube(volume, patient))
    data.update(_pixel_module(volume))
    return data


def _patient_and_study(patient: Patient) -> Dataset:
    data = Dataset()
    data.PatientName, data.PatientID = f"Simulated^{patient.patient_id}", patient.patient_id
    data.PatientSex, data.PatientAge, data.PatientBirthDate = patient.sex, f"{patient.age:03d}Y", ""
    data.PatientIdentityRemoved = "YES"
    data.DeidentificationMethod = "SIMULATED: there is no real person behind this CT"
    # Scans of one patient on one day make one study.
    data.StudyInstanceUID = _uid("study", f"{patient.patient_id}/{patient.seed}/{_begin(patient):%Y%m%d}")
    data.StudyID, data.StudyDescription = "1", PURPOSE
    data.AccessionNumber, data.ReferringPhysicianName = "", ""
    return data


def _equipment(patient: Patient) -> Dataset:
    data = Dataset()
    vendor = patient.scan.vendor.partition(" ")[0]
    data.Manufacturer, data.ManufacturerModelName = f"{vendor} (simulated)", patient.scan.vendor
    data.InstitutionName, data.StationName = "fibrolens phantom", vendor.upper()
    data.DeviceSerialNumber, data.SoftwareVersions = "0", "fibrolens phantom"
    return data


def _contrast_and_times(patient: Patient) -> Dataset:
    """Dates, times, and the contrast/bolus module (PS3.3 C.7.6.4) where contrast was given."""
    scan, begin, data = patient.scan, _begin(patient), Dataset()
    start = begin + timedelta(minutes=INJECTION_MINUTES)
    # Unenhanced slices are taken before the injection that may follow.
    at = begin + timedelta(minutes=INJECTION_MINUTES // 2)
    if scan.phase != "native":
        at = start + timedelta(seconds=round(DELAY_S[scan.phase] * (1 + scan.delay)))
        seconds = CONTRAST_ML / CONTRAST_ML_PER_S
        data.ContrastBolusAgent, data.ContrastBolusRoute = "Iodinated contrast, simulated", "IV"
        data.ContrastBolusIngredient = "IODINE"
        data.ContrastBolusVolume, data.ContrastBolusIngredientConcentration = CONTRAST_ML, IODINE_MG_PER_ML
        data.ContrastBolusTotalDose = CONTRAST_ML
        data.ContrastFlowRate, data.ContrastFlowDuration = CONTRAST_ML_PER_S, _decimal(seconds)
        data.ContrastBolusStartTime = f"{start:%H%M%S}"
        data.ContrastBolusStopTime = f"{start + timedelta(seconds=round(seconds)):%H%M%S}"
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = f"{begin:%Y%m%d}"
    data.StudyTime = f"{begin:%H%M%S}"
    data.SeriesTime = data.AcquisitionTime = data.ContentTime = f"{at:%H%M%S}"
    return data


def _tube(volume: Volume, patient: Patient) -> Dataset:
    """How the rays were made and read (PS3.3 C.8.2.1)."""
    scan, geometry, data = patient.scan, volume.geometry, Dataset()
    mas = round(_exposure_mas(patient))
    data.KVP, data.ConvolutionKernel = scan.kvp, scan.kernel.upper()
    data.ExposureTime, data.Exposure, data.XRayTubeCurrent = ROTATION_MS, mas, round(mas * 1000 / ROTATION_MS)
    data.ScanOptions, data.FilterType, data.RotationDirection = "HELICAL", "BODY", "CW"
    data.GantryDetectorTilt, data.DataCollectionDiameter = 0, 500
    data.ReconstructionDiameter = _decimal(max(geometry.shape[k] * geometry.spacing[k] for k in (1, 2)))
    # The table's top, below the middle of the field, on which the back lies.
    data.TableHeight = round(patient.body.offset_mm[1] + patient.body.scale * patient.body.depth * 99 + 15)
    return data


def _exposure_mas(patient: Patient) -> float:
    """Tube load that gives the scan's noise: 11 HU through 300 mm at 120 kV take 150 mAs.

    Noise falls with the root of the photons that pass; their number falls to half every 36 mm and rises with tube
    voltage to the power of 2.5.
    """
    body, scan = patient.body, patient.scan
    diameter = 2 * (body.scale * (142 * body.width * 106 * body.depth) ** 0.5 + body.fat_mm)
    photons = (11 / scan.noise_hu) ** 2 * 2 ** ((diameter - 300) / 36)
    return float(np.clip(150 * photons * (120 / scan.kvp) ** 2.5, 20, 500))


def _pixel_module(volume: Volume) -> Dataset:
    spacing = volume.geometry.spacing
    data = Dataset()
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = volume.geometry.shape[1:]
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = INTERCEPT, 1, "HU"
    data.WindowCenter, data.WindowWidth, data.WindowCenterWidthExplanation = 50, 350, "ABDOMEN"
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


def _begin(patient: Patient) -> datetime:
    return datetime.fromisoformat(f"{patient.record.ct_date or UNKNOWN_DAY}T{BEGIN}")


def _uid(kind: str, of: str) -> UID:
    """A UID below "2.25." (PS3.5 B.2) that is the hash of what it names."""
    return UID(f"2.25.{int(_digest(f'fibrolens phantom/{kind}/{of}'.encode())[:32], 16)}")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _decimal(value: float) -> str:
    """A DICOM decimal string: at most 16 characters (PS3.5 6.2)."""
    return f"{value:.6f}".rstrip("0").rstrip(".") or "0"
