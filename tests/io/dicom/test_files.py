import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ImplicitVRLittleEndian
from tests.dicom_files import ct_array, ct_series, save

from fibrolens.errors import InputError, SeriesError
from fibrolens.io import read_volume
from fibrolens.io.dicom.files import instances


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return target


def test_files_that_are_not_dicom_are_passed_over(tmp_path: Path):
    folder = save(ct_series(ct_array()), tmp_path / "series")
    (folder / "notes.txt").write_text("words " * 100)
    (folder / "empty").touch()
    (folder / "starts_alike").write_bytes(b"\x08\x00 but goes on differently" * 10)
    directory = FileMetaDataset()
    directory.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    directory.TransferSyntaxUID = ImplicitVRLittleEndian
    series = ct_series(ct_array(1))[0]
    series.file_meta.MediaStorageSOPClassUID = directory.MediaStorageSOPClassUID
    series.save_as(folder / "DICOMDIR")
    with instances(folder) as found:
        assert sorted(i.name for i in found) == [f"image_{i}" for i in range(5)]


def test_zip_reads_like_its_folder(tmp_path: Path):
    folder = save(ct_series(ct_array()), tmp_path / "series")
    plain, packed = read_volume(folder), read_volume(zipped(folder, tmp_path / "scan.zip"))
    np.testing.assert_array_equal(plain.array, packed.array)
    assert plain.geometry == packed.geometry
    assert plain.get("sha256") == packed.get("sha256")
    assert packed.source == "scan.zip"


def test_empty_zip_is_no_ct(tmp_path: Path):
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    (tmp_path / "nothing.zip").touch()
    for name in ("empty.zip", "nothing.zip"):
        with pytest.raises(InputError, match=f"No CT found in {name}"):
            read_volume(tmp_path / name)


@pytest.mark.parametrize("member", ["../outside", "/etc/outside", "a/../../outside", "C:\\outside"])
def test_paths_that_leave_the_zip_are_refused(tmp_path: Path, member):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(member, b"x")
    with pytest.raises(InputError, match="leaves its folder"):
        read_volume(tmp_path / "evil.zip")


def test_zip_bomb_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fibrolens.io.dicom.files.ZIP_FREE", 10_000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2_000_000))
    with pytest.raises(InputError, match="more than a CT"):
        read_volume(tmp_path / "bomb.zip")


def test_damaged_zip_is_refused(tmp_path: Path):
    packed = zipped(save(ct_series(ct_array(5, 64, 64)), tmp_path / "series"), tmp_path / "scan.zip")
    content = bytearray(packed.read_bytes())
    content[3000:3400] = bytes(400)
    packed.write_bytes(content)
    with pytest.raises(InputError, match="copy"):
        read_volume(packed)


@pytest.mark.parametrize("keep", [140, 200, 300, 420, 600, 900])
def test_truncated_file_is_refused_wherever_it_breaks_off(tmp_path: Path, keep):
    folder = save(ct_series(ct_array()), tmp_path / "series")
    victim = folder / "image_0"
    assert victim.stat().st_size > keep
    victim.write_bytes(victim.read_bytes()[:keep])
    with pytest.raises(InputError):
        read_volume(folder)


def test_broken_header_names_the_file(tmp_path: Path):
    folder = save(ct_series(ct_array()), tmp_path / "series")
    (folder / "image_1").write_bytes((folder / "image_1").read_bytes()[:200])
    with pytest.raises(SeriesError, match="image_1"):
        read_volume(folder)


def test_files_without_preamble_are_read(tmp_path: Path):
    hu = ct_array()
    for i, file in enumerate(ct_series(hu)):
        file.file_meta = FileMetaDataset()
        buffer = io.BytesIO()
        file.save_as(buffer, implicit_vr=True, little_endian=True, enforce_file_format=False)
        content = buffer.getvalue()
        (tmp_path / f"{i}").write_bytes(content[132:] if content[128:132] == b"DICM" else content)
    np.testing.assert_array_equal(read_volume(tmp_path).array, hu)


def test_damaged_bytes_end_in_a_volume_or_a_refusal_without_names(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    folder = save(ct_series(ct_array(3)), tmp_path / "series")
    victim, rng = folder / "image_0", np.random.default_rng(5)
    clean = victim.read_bytes()
    refusals = []
    for _ in range(60):
        content = np.frombuffer(clean, np.uint8).copy()
        content[rng.integers(128, 900, 4)] = rng.integers(0, 256, 4)
        victim.write_bytes(content.tobytes())
        try:
            read_volume(folder)
        except InputError as error:
            refusals.append(str(error))
    assert refusals
    assert not [r for r in refusals if "Doe" in r or "SECRET" in r]
    assert caplog.text == ""


def test_a_folder_of_more_files_than_a_study_has_is_not_searched_further(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("fibrolens.io.dicom.files.MEMBERS", 3)
    folder = save(ct_series(ct_array(5)), tmp_path / "study")
    with pytest.raises(InputError, match="study holds more than 3 files; give the folder of one study"):
        read_volume(folder)
