"""Small synthetic DICOM for tests: a classic CT series, an enhanced multi-frame CT, and ways to damage them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

SERIES_UID = "1.2.826.0.1.3680043.8.498.11"
STUDY_UID = "1.2.826.0.1.3680043.8.498.10"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def ct_array(slices: int = 5, rows: int = 6, columns: int = 8, seed: int = 0) -> np.ndarray:
    """Hounsfield units of a small test volume, every voxel its own random value."""
    return np.random.default_rng(seed).integers(-1000, 1500, (slices, rows, columns)).astype(np.int16)


def ct_slice(hu: np.ndarray, position: Sequence[float], number: int, **tags: object) -> FileDataset:
    """One classic CT slice of stored value = HU + 1024; `tags` replace elements, None removes them."""
    slice_ = _dataset(CTImageStorage, hu.shape, number)
    slice_.ImagePositionPatient = list(position)
    slice_.ImageOrientationPatient = list(AXIAL)
    slice_.PixelSpacing = [0.8, 0.7]  # rows are 0.8 mm apart, columns 0.7
    slice_.SliceThickness = 5
    slice_.RescaleSlope, slice_.RescaleIntercept = 1, -1024
    slice_.PixelData = (hu.astype(np.int32) + 1024).astype("<u2").tobytes()
    return with_tags(slice_, **tags)


def ct_series(hu: np.ndarray, step: float = 2.0, **tags: object) -> list[FileDataset]:
    """A classic axial series, numbered from the feet upward, first slice at (-10, -20, 30) mm."""
    return [ct_slice(image, (-10.0, -20.0, 30.0 + step * k), k + 1, **tags) for k, image in enumerate(hu)]


def enhanced_ct(hu: np.ndarray, order: Sequence[int], step: float = 2.0) -> FileDataset:
    """One multi-frame CT, frames stored in `order`; odd frames have their own intercept."""
    file = _dataset(EnhancedCTImageStorage, hu.shape[1:], 1)
    file.NumberOfFrames = len(order)
    shared, own = Dataset(), []
    shared.PlaneOrientationSequence = Items([_item(ImageOrientationPatient=list(AXIAL))])
    shared.PixelMeasuresSequence = Items([_item(PixelSpacing=[0.8, 0.7], SliceThickness=5)])
    stored = []
    for k in order:
        intercept = -1024 - k % 2
        frame = Dataset()
        frame.PlanePositionSequence = Items([_item(ImagePositionPatient=[-10.0, -20.0, 30.0 + step * k])])
        frame.PixelValueTransformationSequence = Items(
            [_item(RescaleSlope=1, RescaleIntercept=intercept, RescaleType="HU")]
        )
        own.append(frame)
        stored.append((hu[k].astype(np.int32) - intercept).astype("<u2"))
    file.SharedFunctionalGroupsSequence, file.PerFrameFunctionalGroupsSequence = Items([shared]), Items(own)
    file.PixelData = np.stack(stored).tobytes()
    return file


def save(files: Sequence[FileDataset], folder: Path) -> Path:
    """Write instances under names without ending, the last one nested, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deeper").mkdir(exist_ok=True)
    for i, file in enumerate(files):
        file.save_as((folder / "deeper" if i == len(files) - 1 else folder) / f"image_{i}", enforce_file_format=True)
    return folder


def with_tags(file: FileDataset, **tags: object) -> FileDataset:
    """The same dataset with elements replaced, or removed where the value is None."""
    for keyword, value in tags.items():
        if value is None:
            delattr(file, keyword)
        else:
            setattr(file, keyword, value)
    return file


def transcode(gdcm: Any, path: Path, syntax: int) -> None:
    """Write the file anew in another transfer syntax, of those that only gdcm writes."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def _dataset(sop_class: UID, size: tuple[int, ...], number: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = UID(f"{SERIES_UID}.{number}")
    file = FileDataset("memory", {}, file_meta=meta, preamble=bytes(128))
    file.SOPClassUID, file.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    file.StudyInstanceUID, file.SeriesInstanceUID = STUDY_UID, SERIES_UID
    file.Modality, file.SeriesNumber, file.SeriesDescription = "CT", 4, "Abdomen PV"
    file.PatientName, file.PatientID, file.PatientBirthDate = "Doe^Jane", "SECRET-1", "19600101"
    file.AccessionNumber = "SECRET-2"
    file.Manufacturer, file.KVP, file.ConvolutionKernel = "Simulated", 120, ["Br38f", "3"]
    file.InstanceNumber = number
    file.Rows, file.Columns = size
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 0
    return file


def _item(**tags: object) -> Dataset:
    item = Dataset()
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return item
