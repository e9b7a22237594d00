from pathlib import Path

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)
from tests.dicom_files import ct_array, ct_series, enhanced_ct, save, transcode, with_tags

from fibrolens.errors import SeriesError
from fibrolens.io import read_volume

HU = ct_array(3, 32, 40)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_native_syntaxes_are_exact(tmp_path: Path, syntax):
    series = ct_series(HU)
    for file in series:
        file.file_meta.TransferSyntaxUID = syntax
    np.testing.assert_array_equal(read_volume(save(series, tmp_path / "series")).array, HU)


def test_rle_is_exact(tmp_path: Path):
    series = ct_series(HU)
    for file in series:
        file.compress(RLELossless, generate_instance_uid=False)
    np.testing.assert_array_equal(read_volume(save(series, tmp_path / "series")).array, HU)


@pytest.mark.parametrize(
    "syntax", ["JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless"]
)
def test_compressed_syntaxes_are_exact(tmp_path: Path, syntax):
    gdcm = pytest.importorskip("gdcm", reason="python-gdcm (extra dicom-codecs) is not installed")
    folder = save(ct_series(HU), tmp_path / "series")
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        transcode(gdcm, path, getattr(gdcm.TransferSyntax, syntax))
    np.testing.assert_array_equal(read_volume(folder).array, HU)


def test_compressed_frames_of_a_multi_frame_file_are_exact(tmp_path: Path):
    file = enhanced_ct(HU, order=[1, 0, 2])
    file.compress(RLELossless, generate_instance_uid=False)
    file.save_as(tmp_path / "ct.dcm")
    np.testing.assert_array_equal(read_volume(tmp_path / "ct.dcm").array, HU)


def test_missing_codec_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Decoder, "is_available", False)
    with pytest.raises(SeriesError, match=r"pip install 'fibrolens\[dicom-codecs\]'"):
        read_volume(save(ct_series(HU), tmp_path / "series"))


def test_truncated_pixels_name_the_slice(tmp_path: Path):
    folder = save(ct_series(HU), tmp_path / "series")
    (folder / "image_1").write_bytes((folder / "image_1").read_bytes()[:-500])
    with pytest.raises(SeriesError, match=r"pixels of slice 2 \(image_1\) cannot be read"):
        read_volume(folder)


def test_damaged_compressed_pixels_name_the_slice(tmp_path: Path):
    series = ct_series(HU)
    series[1].file_meta.TransferSyntaxUID = JPEG2000Lossless
    series[1].PixelData = encapsulate([b"\xff\x4f\xff\x51 no codestream "])
    series[1]["PixelData"].VR = "OB"
    with pytest.raises(SeriesError, match=r"slice 2 \(image_1\)|dicom-codecs"):
        read_volume(save(series, tmp_path / "series"))


def test_slices_have_their_own_rescale(tmp_path: Path):
    series = ct_series(HU)
    stored = np.frombuffer(series[1].PixelData, "<u2").astype(np.int32) - 24
    with_tags(series[1], RescaleIntercept=-1000, PixelData=np.maximum(stored, 0).astype("<u2").tobytes())
    np.testing.assert_array_equal(read_volume(save(series, tmp_path / "series")).array, HU)


def test_fractional_slope_gives_float32(tmp_path: Path):
    ct = read_volume(save(ct_series(HU, RescaleSlope=0.5), tmp_path / "series"))
    assert ct.array.dtype == np.float32
    np.testing.assert_array_equal(ct.array, np.maximum((HU.astype(np.float32) + 1024) * 0.5 - 1024, -1024))


@pytest.mark.parametrize("vr_value", [-2000, 63536])
def test_declared_padding_becomes_air(tmp_path: Path, vr_value):
    stored = HU.copy()
    stored[:, :4] = -2000
    series = ct_series(HU, PixelRepresentation=1, RescaleIntercept=-1024)
    for file, image in zip(series, stored, strict=True):
        file.PixelData = image.astype("<i2").tobytes()
        file.add_new("PixelPaddingValue", "SS" if vr_value < 0 else "US", vr_value)
    ct = read_volume(save(series, tmp_path / "series"))
    assert (ct.array[:, :4] == -1024).all()
    np.testing.assert_array_equal(ct.array[:, 4:], np.maximum(HU[:, 4:] - 1024, -1024))


def test_padding_range_above_tissue_becomes_air(tmp_path: Path):
    series = ct_series(HU)
    for file in series:
        stored = np.frombuffer(file.PixelData, "<u2").reshape(HU.shape[1:]).copy()
        stored[0, :2] = 4000, 4001
        file.PixelData = stored.tobytes()
        file.add_new("PixelPaddingValue", "US", 4001)
        file.add_new("PixelPaddingRangeLimit", "US", 4000)
    ct = read_volume(save(series, tmp_path / "series"))
    assert (ct.array[:, 0, :2] == -1024).all()
    np.testing.assert_array_equal(ct.array[:, 1:], HU[:, 1:])
