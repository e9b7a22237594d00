import gzip
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from fibrolens.errors import GeometryError, InputError, OutputError
from fibrolens.io import read_volume, write_nifti
from fibrolens.io.itk import itk_geometry
from fibrolens.io.nifti import CHUNK, nifti_affine, read_nifti
from fibrolens.volume import Geometry, Volume

GRID = Geometry((4, 5, 6), (2.5, 0.8, 0.7), (-10.0, -20.0, 30.0))


def volume(dtype: type, geometry: Geometry = GRID) -> Volume:
    values = np.random.default_rng(1).integers(0, 200, geometry.shape).astype(dtype)
    return Volume(values, geometry)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_written_file_reads_back_alike_everywhere(tmp_path: Path, dtype):
    ct = volume(dtype)
    write_nifti(ct, tmp_path / "ct.nii.gz")
    by_nibabel, by_itk = nib.load(tmp_path / "ct.nii.gz"), sitk.ReadImage(str(tmp_path / "ct.nii.gz"))
    assert by_nibabel.get_data_dtype() == dtype
    np.testing.assert_array_equal(np.asanyarray(by_nibabel.dataobj), ct.array.T)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(by_itk), ct.array)
    assert itk_geometry(by_itk).same_grid(GRID, 1e-4)
    own_array, own_grid = read_nifti(tmp_path / "ct.nii.gz")
    np.testing.assert_array_equal(own_array, ct.array)
    assert own_grid.same_grid(GRID, 1e-4)


def test_header_says_where_and_what(tmp_path: Path):
    write_nifti(volume(np.int16), tmp_path / "ct.nii.gz")
    header = nib.load(tmp_path / "ct.nii.gz").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(header.get_sform(), nifti_affine(GRID), atol=1e-5)
    np.testing.assert_allclose(header.get_qform(), nifti_affine(GRID), atol=1e-5)
    assert header.get_xyzt_units()[0] == "mm"
    assert header["descrip"].item() == b"fibrolens research use only"


def test_rounded_axes_leave_the_qform_unset(tmp_path: Path):
    tilted = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.9999999, 4e-4, 0.0))
    write_nifti(volume(np.int16, Geometry((4, 5, 6), (1.0, 1.0, 1.0), direction=tilted)), tmp_path / "ct.nii.gz")
    assert int(nib.load(tmp_path / "ct.nii.gz").header["qform_code"]) == 0


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_reading_and_writing_keep_shape_and_affine(tmp_path: Path, signs):
    turned = np.array([[0.0, 0.7, 0.0, 3.0], [0.0, 0.0, 0.8, -5.0], [2.5, 0.0, 0.0, 7.0], [0, 0, 0, 1]])
    affine = turned @ np.diag([*signs, 1])
    data = np.arange(120, dtype=np.int16).reshape(4, 5, 6)
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "in.nii")
    ct = read_volume(tmp_path / "in.nii")
    assert ct.array[3, 2, 1] == data[1, 2, 3]
    np.testing.assert_allclose(ct.geometry.to_world(np.array([3.0, 2.0, 1.0]))[2], (affine @ [1, 2, 3, 1])[2])
    np.testing.assert_allclose(ct.geometry.to_world(np.array([3.0, 2.0, 1.0]))[0], -(affine @ [1, 2, 3, 1])[0])
    write_nifti(ct, tmp_path / "out.nii.gz")
    before, after = nib.load(tmp_path / "in.nii"), nib.load(tmp_path / "out.nii.gz")
    assert before.shape == after.shape
    np.testing.assert_array_equal(before.affine, after.affine)
    np.testing.assert_array_equal(np.asanyarray(before.dataobj), np.asanyarray(after.dataobj))


def test_equal_volumes_give_equal_bytes_in_one_gzip_member(tmp_path: Path):
    large = Volume(
        np.random.default_rng(0).random((9, 400, 400), dtype=np.float32), Geometry((9, 400, 400), (1.0, 1.0, 1.0))
    )
    assert large.array.nbytes > CHUNK
    write_nifti(large, tmp_path / "a.nii.gz")
    write_nifti(large, tmp_path / "b.nii.gz")
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert content == (tmp_path / "b.nii.gz").read_bytes()
    one_member = zlib.decompressobj(wbits=31)
    assert one_member.decompress(content)[352:] == large.array.tobytes()
    assert one_member.eof
    assert one_member.unused_data == b""


def test_scaled_integers_are_rescaled(tmp_path: Path):
    image = nib.Nifti1Image(np.full((3, 3, 3), 1064, np.int16), np.eye(4))
    image.header.set_slope_inter(1, -1024)
    nib.save(image, tmp_path / "ct.nii")
    ct = read_volume(tmp_path / "ct.nii")
    assert ct.array.dtype == np.int16
    np.testing.assert_array_equal(ct.array.T, nib.load(tmp_path / "ct.nii").get_fdata())


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
@pytest.mark.parametrize(("slope", "inter"), [(None, None), (1, -1024), (0.5, 0.25)])
@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
def test_values_are_those_of_nibabel_however_few_slices_are_read_at_a_time(
    tmp_path: Path, monkeypatch, order, kind, slope, inter, name
):
    monkeypatch.setattr("fibrolens.io.slabs.VOXELS", 2 * 3 * 4)
    values = np.random.default_rng(2).integers(0, 128, (3, 4, 5)).astype(order + kind)
    image = nib.Nifti1Image(values, np.eye(4), nib.Nifti1Header(endianness=order), dtype=values.dtype)
    image.header.set_slope_inter(slope, inter)
    nib.save(image, tmp_path / name)
    expected = np.asanyarray(nib.load(tmp_path / name).dataobj).T
    read = read_nifti(tmp_path / name)[0]
    assert read.dtype == expected.dtype.newbyteorder("=")
    assert read.tobytes() == expected.astype(read.dtype).tobytes()


def test_a_ct_is_in_memory_once(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("fibrolens.io.slabs.VOXELS", 2**16)
    noise = np.random.default_rng(3).integers(-1000, 1000, (40, 256, 256)).astype(np.int16)
    write_nifti(Volume(noise, Geometry(noise.shape, (1.0, 1.0, 1.0))), tmp_path / "ct.nii.gz")
    tracemalloc.start()
    ct = read_volume(tmp_path / "ct.nii.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(ct.array, noise)
    assert noise.nbytes <= peak < 1.5 * noise.nbytes


def test_a_single_time_point_is_a_volume(tmp_path: Path):
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5, 1), np.int16), np.eye(4)), tmp_path / "ct.nii")
    assert read_volume(tmp_path / "ct.nii").array.shape == (5, 4, 3)


@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (3, 4)])
def test_other_dimensions_are_refused(tmp_path: Path, shape):
    nib.save(nib.Nifti1Image(np.zeros(shape, np.int16), np.eye(4)), tmp_path / "ct.nii")
    with pytest.raises(InputError, match="one three-dimensional volume"):
        read_volume(tmp_path / "ct.nii")


def test_sheared_affine_is_refused(tmp_path: Path):
    affine = np.eye(4)
    affine[0, 2] = 0.2
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), affine), tmp_path / "ct.nii")
    with pytest.raises(GeometryError, match=r"ct\.nii: .*right angles"):
        read_volume(tmp_path / "ct.nii")


def test_file_without_orientation_is_refused(tmp_path: Path):
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), None), tmp_path / "ct.nii")
    with pytest.raises(GeometryError, match="sform and qform are unset"):
        read_volume(tmp_path / "ct.nii")


@pytest.mark.parametrize("keep", [100, 400, 3000])
def test_truncated_file_is_refused(tmp_path: Path, keep):
    noise = np.random.default_rng(0).random((9, 20, 20), dtype=np.float32)
    write_nifti(Volume(noise, Geometry(noise.shape, (1.0, 1.0, 1.0))), tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:keep])
    with pytest.raises(InputError, match=r"b\.nii\.gz cannot be read as NIfTI"):
        read_volume(tmp_path / "b.nii.gz")


@pytest.mark.parametrize("byte", [-8, -4])
def test_a_file_that_its_checksum_or_length_contradicts_is_refused(tmp_path: Path, byte):
    write_nifti(volume(np.int16), tmp_path / "ct.nii.gz")
    content = bytearray((tmp_path / "ct.nii.gz").read_bytes())
    content[byte] ^= 1
    (tmp_path / "ct.nii.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"ct\.nii\.gz cannot be read as NIfTI"):
        read_volume(tmp_path / "ct.nii.gz")


def test_text_in_a_nifti_name_is_refused(tmp_path: Path):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"hello"))
    (tmp_path / "b.nii").write_text("hello")
    for name in ("a.nii.gz", "b.nii"):
        with pytest.raises(InputError, match="cannot be read as NIfTI"):
            read_volume(tmp_path / name)


def test_writing_into_a_missing_folder_is_an_output_error(tmp_path: Path):
    with pytest.raises(OutputError, match=r"ct\.nii\.gz could not be written"):
        write_nifti(volume(np.int16), tmp_path / "absent" / "ct.nii.gz")


def test_other_types_are_for_the_caller_to_convert(tmp_path: Path):
    with pytest.raises(ValueError, match="float64"):
        write_nifti(volume(np.float64), tmp_path / "ct.nii.gz")


def test_real_ct_keeps_its_grid(shared_data: Path, tmp_path: Path):
    source = shared_data / "totalsegmentator" / "example_ct_sm.nii.gz"
    write_nifti(read_volume(source), tmp_path / "out.nii.gz")
    before, after = nib.load(source), nib.load(tmp_path / "out.nii.gz")
    assert before.shape == after.shape
    np.testing.assert_allclose(before.affine, after.affine, atol=1e-5)
    np.testing.assert_array_equal(np.maximum(before.dataobj, -1024), np.asanyarray(after.dataobj))


def test_description_stands_before_research_use_and_must_fit(tmp_path):
    volume = Volume(np.zeros((2, 3, 4), np.uint8), Geometry((2, 3, 4), (1.0, 1.0, 1.0)))
    write_nifti(volume, tmp_path / "a.nii.gz", "location map F4 conv4 mean1")
    text = nib.load(tmp_path / "a.nii.gz").header["descrip"].item()
    assert text == b"location map F4 conv4 mean1; fibrolens research use only"
    with pytest.raises(ValueError, match="fewer than 80 bytes"):
        write_nifti(volume, tmp_path / "b.nii.gz", "x" * 60)


@pytest.mark.parametrize("side", [300, 30000])
def test_a_file_that_claims_more_than_it_can_hold_is_refused_unread(tmp_path: Path, side, monkeypatch):
    monkeypatch.setattr("fibrolens.io.nifti.FREE", 2**20)
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)), tmp_path / "ct.nii.gz")
    content = bytearray(gzip.decompress((tmp_path / "ct.nii.gz").read_bytes()))
    content[42:48] = np.array([side, side, 30], "<i2").tobytes()
    (tmp_path / "ct.nii.gz").write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(InputError, match=r"ct\.nii\.gz claims to hold .* GiB, more than a scan"):
        read_nifti(tmp_path / "ct.nii.gz")


def test_what_nibabel_says_of_a_damaged_header_is_not_shown(tmp_path: Path):
    """In a process of its own, since pytest listens to logs and warnings."""
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)), tmp_path / "ct.nii")
    content = bytearray((tmp_path / "ct.nii").read_bytes())
    content[252:256] = b"\xff\x7f\xff\x7f"  # codes of qform and sform
    (tmp_path / "ct.nii").write_bytes(content)
    script = "import sys; from fibrolens.io import read_volume; read_volume(sys.argv[1])"
    told = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "ct.nii"], capture_output=True, text=True, check=False
    )
    assert "not valid" not in told.stderr
    assert "sform and qform are unset" in told.stderr
