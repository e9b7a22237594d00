"""Pixels stay, and what rides along with them does not."""

import numpy as np
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless
from tests.dicom_files import ct_array, ct_series, enhanced_ct

from fibrolens.deidentify.pixels import plain_pixels


def stored(data):
    return np.frombuffer(plain_pixels(data, "Series").value, "<u2").reshape(-1, data.Rows, data.Columns)


def test_plain_pixels_are_taken_over():
    data = ct_series(ct_array(2))[0]
    assert (stored(data)[0] == data.pixel_array).all()


def test_bits_above_the_stored_ones_are_cleared():
    data = ct_series(ct_array(2))[0]
    data.BitsStored, data.HighBit = 12, 11
    pixels = np.frombuffer(data.PixelData, "<u2").copy() & 0x0FFF
    data.PixelData = (pixels | 0xA000).tobytes()
    assert (stored(data).ravel() == pixels).all()


def test_the_sign_of_a_value_stays():
    data = ct_series(ct_array(2))[0]
    data.BitsStored, data.HighBit, data.PixelRepresentation = 12, 11, 1
    values = np.arange(-24, 24, dtype="<i2").reshape(data.Rows, data.Columns)
    data.PixelData = (values & 0x0FFF).tobytes()
    assert (np.frombuffer(plain_pixels(data, "Series").value, "<i2").reshape(values.shape) == values).all()


def test_a_comment_in_a_compressed_stream_is_not_carried_over(tmp_path):
    data = ct_series(ct_array(2, 64, 64))[0]
    before = data.pixel_array.copy()
    data.compress(JPEGLSLossless)
    (stream,) = generate_frames(data.PixelData, number_of_frames=1)
    comment = b"\xff\xfe\x00\x0eQ12345678XQQ"  # marker COM of ISO 14495-1, its length, 12 letters
    data.PixelData = encapsulate([stream[:2] + comment + stream[2:]])
    data.save_as(tmp_path / "file.dcm", enforce_file_format=True)
    assert b"Q12345678X" in (tmp_path / "file.dcm").read_bytes()
    plain = plain_pixels(dcmread(tmp_path / "file.dcm"), "Series").value
    assert b"Q12345678X" not in plain
    assert (np.frombuffer(plain, "<u2").reshape(before.shape) == before).all()


def test_every_frame_of_a_multi_frame_file():
    data = enhanced_ct(ct_array(3), [2, 0, 1])
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    assert (stored(data) == data.pixel_array).all()
