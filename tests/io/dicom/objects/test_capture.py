"""The colour capture: true colours, declared words, nothing that old viewers lack."""

import numpy as np
import pydicom
from tests.dicom_objects import MAKER, complaints, opened, oriented_series, written

from fibrolens.io.dicom.objects.capture import secondary_capture


def test_pictures_come_back_and_the_words_in_them_are_declared(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    frames = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3)).astype(np.uint8)
    path = written(
        secondary_capture(source, frames, "fibrolens overlay F4, research use only", MAKER), tmp_path / "o.dcm"
    )
    assert complaints(path) == []
    read = pydicom.dcmread(path)
    assert (read.pixel_array == frames).all()
    assert read.SOPClassUID.name == "Multi-frame True Color Secondary Capture Image Storage"
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert (read.BurnedInAnnotation, read.Modality, read.SeriesNumber) == ("YES", "OT", 494)
    assert read.StudyInstanceUID == source.study.StudyInstanceUID
    assert read.SeriesInstanceUID != ct.get("series_uid")
    assert "Research use only" in read.ImageComments
    assert "FrameOfReferenceUID" not in read
    assert len(read.SourceImageSequence) == len(source.files)
