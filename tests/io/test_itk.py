from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from fibrolens.errors import InputError
from fibrolens.io import read_volume


def image() -> sitk.Image:
    image = sitk.GetImageFromArray(np.arange(120, dtype=np.int16).reshape(4, 5, 6))
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-10.0, -20.0, 30.0))
    image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))
    return image


@pytest.mark.parametrize("name", ["ct.nrrd", "ct.mha", "ct.mhd"])
def test_voxels_lie_where_itk_puts_them(tmp_path: Path, name):
    sitk.WriteImage(image(), str(tmp_path / name))
    ct = read_volume(tmp_path / name)
    assert ct.array[3, 2, 1] == image()[1, 2, 3]
    np.testing.assert_allclose(
        ct.geometry.to_world(np.array([3.0, 2.0, 1.0])), image().TransformIndexToPhysicalPoint((1, 2, 3))
    )
    assert ct.get("format") == name.split(".")[1]


def test_vector_image_is_refused(tmp_path: Path):
    sitk.WriteImage(sitk.Compose(image(), image()), str(tmp_path / "ct.mha"))
    with pytest.raises(InputError, match="2 values per voxel"):
        read_volume(tmp_path / "ct.mha")


def test_single_time_point_is_a_volume_and_several_are_not(tmp_path: Path):
    for count in (1, 2):
        sitk.WriteImage(sitk.JoinSeries([image()] * count), str(tmp_path / f"{count}.nrrd"))
    assert read_volume(tmp_path / "1.nrrd").array.shape == (4, 5, 6)
    with pytest.raises(InputError, match="one three-dimensional volume"):
        read_volume(tmp_path / "2.nrrd")


@pytest.mark.parametrize("name", ["ct.nrrd", "ct.mha"])
def test_damaged_file_is_refused(tmp_path: Path, name):
    (tmp_path / name).write_text("hello")
    with pytest.raises(InputError, match=f"{name} cannot be read"):
        read_volume(tmp_path / name)
