"""Deflated DICOM files: read like others, unless they would grow beyond what a CT can be."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian
from tests.dicom_files import ct_array, ct_series, save

from fibrolens.errors import InputError
from fibrolens.io import read_volume
from fibrolens.io.dicom import deflated
from fibrolens.io.dicom.deflated import require_bounded


@pytest.fixture
def slices():
    """The slices of a series, deflated."""
    series = ct_series(ct_array())
    for one in series:
        one.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return series


def bomb(one, folder: Path, size: int, preamble: bool) -> Path:
    """A deflated file whose content is `size` zeros."""
    folder.mkdir()
    path = folder / "bomb.dcm"
    one.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    meta = 144 + int.from_bytes(content[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(2**20)
    packed = b"".join(packer.compress(block) for _ in range(size // len(block)))
    path.write_bytes(content[0 if preamble else 132 : meta] + packed + packer.flush())
    return folder


def test_a_deflated_series_reads_like_another(slices, tmp_path):
    plain = read_volume(save(ct_series(ct_array()), tmp_path / "plain"))
    np.testing.assert_array_equal(read_volume(save(slices, tmp_path / "deflated")).array, plain.array)


@pytest.mark.parametrize("preamble", [True, False])
def test_one_that_would_exhaust_the_memory_is_refused(slices, tmp_path, monkeypatch, preamble):
    monkeypatch.setattr(deflated, "FREE", 2**24)
    with pytest.raises(InputError, match=r"bomb\.dcm would inflate to more than a CT can be"):
        read_volume(bomb(slices[0], tmp_path / "study", 2**25, preamble))


def test_what_is_large_and_no_bomb_is_let_pass(monkeypatch):
    monkeypatch.setattr(deflated, "FREE", 2**20)
    noise = np.random.default_rng(0).integers(0, 256, 2**22, np.uint8).tobytes()
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    meta = b"\0" * 8 + deflated.SYNTAX
    first = b"\2\0\0\0UL\4\0" + len(meta).to_bytes(4, "little")
    file = io.BytesIO(bytes(128) + b"DICM" + first + meta + packer.compress(noise) + packer.flush())
    require_bounded(file, 132, "large")
    assert file.tell() == 0
