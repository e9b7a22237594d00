"""Colour pictures as one Multi-frame True Color Secondary Capture (PS3.3 A.8.5), for viewers that know no maps.

One file that any viewer of colour cine opens; uncompressed, for there is nothing that such a viewer must decode.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from jaxtyping import UInt8
from pydicom import DataElement, Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MultiFrameTrueColorSecondaryCaptureImageStorage

from fibrolens.io.dicom.objects.maker import RESEARCH, Maker, finish, plain
from fibrolens.io.dicom.objects.pixel_stream import pixel_stream
from fibrolens.io.dicom.objects.source import Source

#: Page Number Vector (PS3.3 C.8.6.4): the frames are pages, not a film.
PAGES = 0x00182001
#: Elements of the source's header that say where its slices are, not whose they are.
SOURCE_ONLY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Manufacturer", "ManufacturerModelName")


def secondary_capture(
    source: Source, frames: UInt8[np.ndarray, "n y x 3"], description: str, maker: Maker
) -> FileDataset:
    """The pictures as one object; words are burned in, which it says.

    Args:
        source: the CT that they show.
        frames: red, green, blue.
        description: of the series.
        maker: who makes the object.
    """
    data = FileDataset("", _study(source), file_meta=FileMetaDataset(), preamble=bytes(128))
    identity = maker.identity("overlay", source, description)
    data.SOPClassUID = MultiFrameTrueColorSecondaryCaptureImageStorage
    data.SOPInstanceUID = identity["sop_instance_uid"]
    data.SeriesInstanceUID, data.SeriesNumber = identity["series_instance_uid"], identity["series_number"]
    data.SeriesDescription, data.InstanceNumber = identity["series_description"], identity["instance_number"]
    data.Modality, data.ConversionType, data.PatientOrientation = "OT", "WSD", ""
    data.Manufacturer = maker.equipment["manufacturer"]
    data.ManufacturerModelName = maker.equipment["manufacturer_model_name"]
    data.SoftwareVersions = maker.equipment["software_versions"]
    data.DeviceSerialNumber = maker.equipment["device_serial_number"]
    now = datetime.now()
    data.ContentDate = data.InstanceCreationDate = f"{now:%Y%m%d}"
    data.ContentTime = data.InstanceCreationTime = f"{now:%H%M%S}"
    data.ImageType, data.BurnedInAnnotation = ["DERIVED", "SECONDARY", "OTHER"], "YES"
    data.ImageComments, data.DerivationDescription = RESEARCH, plain(description)
    data.RecognizableVisualFeatures = "NO"
    data.SourceImageSequence = [_reference(file) for file in source.files]
    _pixels(data, frames)
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    finish(data, maker, "overlay", source)
    return data


def _study(source: Source) -> Dataset:
    study = Dataset()
    study.update(source.study)
    for keyword in SOURCE_ONLY:
        if keyword in study:
            del study[keyword]
    # The pictures carry no positions, so a frame of reference would promise what they cannot keep.
    del study.FrameOfReferenceUID, study.PositionReferenceIndicator
    return study


def _reference(file: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = file.SOPClassUID, file.SOPInstanceUID
    return item


def _pixels(data: Dataset, frames: UInt8[np.ndarray, "n y x 3"]) -> None:
    data.NumberOfFrames, data.Rows, data.Columns, data.SamplesPerPixel = frames.shape
    data.FrameIncrementPointer = PAGES
    data.PageNumberVector = list(range(1, len(frames) + 1))
    data.PhotometricInterpretation, data.PlanarConfiguration = "RGB", 0
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data["PixelData"] = DataElement(0x7FE00010, "OB", pixel_stream(frames, range(len(frames))))
