"""What an upload is, by its content; and what is refused before anything opens it."""

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from tests.dicom_files import ct_array, ct_series

from fibrolens.errors import InputError
from fibrolens.serve.sniff import DAMAGED, ELSEWHERE, TOO_LARGE, UNKNOWN, ending


def put(tmp_path, content):
    path = tmp_path / "anything"
    path.write_bytes(content)
    return path


def header(dim, bits=16):
    made = nib.Nifti1Header()
    made.set_data_dtype(np.int16)
    made["dim"][: len(dim) + 1] = (len(dim), *dim)
    made["magic"] = b"n+1"
    return bytes(made.binaryblock) + bytes(4)


def test_every_format_is_known_by_its_content(tmp_path):
    image = sitk.GetImageFromArray(ct_array())
    for name in (".nrrd", ".mha"):
        sitk.WriteImage(image, str(tmp_path / f"ct{name}"), useCompression=True)
        assert ending(put(tmp_path, (tmp_path / f"ct{name}").read_bytes())) == name
    packed = gzip.compress(header((4, 4, 4)) + bytes(128))
    assert ending(put(tmp_path, packed)) == ".nii.gz"
    assert ending(put(tmp_path, gzip.decompress(packed))) == ".nii"
    assert ending(put(tmp_path, b"PK\x03\x04" + bytes(100))) == ".zip"
    ct_series(ct_array())[0].save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    assert ending(put(tmp_path, (tmp_path / "ct.dcm").read_bytes())) == ".dcm"
    nib.save(nib.Nifti2Image(ct_array(), np.eye(4)), tmp_path / "two.nii")
    assert ending(put(tmp_path, (tmp_path / "two.nii").read_bytes())) == ".nii"


@pytest.mark.parametrize(
    "content", [b"", b"x", b"<html></html>" * 100, bytes(1000), b"\x89PNG\r\n" * 100, b"%PDF-1.7" + bytes(500)]
)
def test_anything_else_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=UNKNOWN):
        ending(put(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 4 4\ndata file: /etc/passwd\n\n",
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 4 4\nDATAFILE: other.raw\n\n",
        b"NRRD0004\r\ntype: short\r\nsizes: 4 4 4\r\n  data file: LIST\r\n\r\n",
        b"ObjectType = Image\nNDims = 3\nDimSize = 4 4 4\nElementDataFile = /etc/passwd\n",
        b"NDims = 3\nDimSize = 4 4 4\nElementDataFile = LIST\na.raw\n",
        header((4, 4, 4)).replace(b"n+1", b"ni1"),
    ],
)
def test_a_header_that_points_to_another_file_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=ELSEWHERE):
        ending(put(tmp_path, content))


def test_a_volume_that_would_fill_the_memory_is_refused(tmp_path):
    for content in (
        gzip.compress(header((32767, 32767, 32767))),
        header((2048, 2048, 1024)),
        gzip.compress(header((2000, 2000, 200))),
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 99999 99999 99999\nencoding: gzip\n\n",
        b"NDims = 3\nDimSize = 99999 99999 99999\nCompressedData = True\nElementDataFile = LOCAL\n",
    ):
        with pytest.raises(InputError, match=TOO_LARGE):
            ending(put(tmp_path, content))


def test_the_size_is_looked_at_not_its_name(tmp_path):
    assert ending(put(tmp_path, gzip.compress(header((512, 512, 100)) + np.random.default_rng(0).bytes(10**6)))) == (
        ".nii.gz"
    )


@pytest.mark.parametrize(
    "content",
    [
        header((4, 4, 0)),
        header((4, 4, 4)).replace(struct.pack("<h", 3), struct.pack("<h", 99), 1),
        b"\x1f\x8b" + bytes(100),
        b"NRRD0004\ntype: short\nsizes: 4 four\n\n",
        b"NRRD0004\ntype: short",
        b"NDims = 3\nDimSize = -4 4 4\nElementDataFile = LOCAL\n",
        b"NDims = 3\nDimSize = 4 4 4\n",
        # What SimpleITK takes for a line, and for the end of a name, a stricter reader does not.
        b"NRRD0004\ntype: short\nsizes: 4 4 4\n# x\rdata file: /etc/passwd\n\n",
        b"NRRD0004\ntype: short\nsizes: 4 4 4\nsizes: 9 9 9\n\n",
        b"NDims = 3\nDimSize = 4 4 4\nElementDataFile : /etc/passwd\nElementDataFile = LOCAL\n",
        b"NDims = 3\nDimSize = 4 4 4\nDimSize = 9 9 9\nElementDataFile = LOCAL\n",
        b"NDims = 3\rElementDataFile = /etc/passwd\rDimSize = 4 4 4\nElementDataFile = LOCAL\n",
        # Which of two names counts differs between readers.
        b"ObjectType = Image\nDimSize = 4 4 4\nelementdatafile = x%03d.raw 1 3 1\nElementDataFile = LOCAL\n",
    ],
)
def test_a_damaged_header_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=f"{DAMAGED}|{UNKNOWN}"):
        ending(put(tmp_path, content))
