import numpy as np
import pytest

from fibrolens.body import body_in, body_mask, foreground_level
from fibrolens.volume import Geometry, Volume


def patient() -> tuple[Volume, np.ndarray]:
    """A CT of an ellipse with a lung and a bowel gas bubble, lying on a thin table; and the true body."""
    rows, columns = np.mgrid[:80, :100]
    ellipse = ((rows - 36) / 26.0) ** 2 + ((columns - 50) / 38.0) ** 2 < 1
    body = np.broadcast_to(ellipse, (6, 80, 100)).copy()
    hu = np.where(body, 50, -1000).astype(np.int16)
    hu[:, 25:40, 25:40] = -850
    hu[2:4, 40:50, 60:66] = -1000
    hu[:, 63:65, 5:95] = 100
    hu[:, 2:7, 2:7] = 400
    return Volume(hu, Geometry((6, 80, 100), (5.0, 3.0, 3.0))), body


def test_the_body_is_found_whole_with_lung_and_gas_and_without_table_and_other_objects():
    volume, body = patient()
    found = body_mask(volume)
    assert found.dtype == bool
    assert not found[:, 66:].any()
    assert not found[:, :8, :8].any()
    assert found[:, 25:40, 25:40].all()
    dice = 2 * (found & body).sum() / (found.sum() + body.sum())
    assert dice > 0.985


def test_a_sagittal_storage_gives_the_same_body():
    volume, _ = patient()
    g = volume.geometry
    direction = (g.direction[2], g.direction[0], g.direction[1])
    sagittal = Geometry((100, 6, 80), (3.0, 5.0, 3.0), g.origin, direction)
    found = body_mask(Volume(volume.array.transpose(2, 0, 1), sagittal))
    np.testing.assert_array_equal(found, body_mask(volume).transpose(2, 0, 1))


@pytest.mark.parametrize("value", [-1000, -3024])
def test_air_alone_has_no_body(value):
    volume, _ = patient()
    assert not body_mask(volume.with_array(np.full_like(volume.array, value))).any()


def test_a_body_that_fills_the_image_is_all_body():
    volume, _ = patient()
    assert body_mask(volume.with_array(np.full_like(volume.array, 40))).all()


def mr(fat: float, air: float = 0.02) -> tuple[Volume, np.ndarray]:
    """An MR of an ellipse: bright liver, muscle, a rim of fat; air with the noise of a magnitude."""
    rows, columns = np.mgrid[:80, :100]
    radius = np.hypot((rows - 38) / 28.0, (columns - 50) / 40.0)
    body = np.broadcast_to(radius < 1, (6, 80, 100)).copy()
    signal = np.where(radius < 0.8, 0.9, np.where(radius < 1, fat, 0.0)) * np.ones((6, 1, 1))
    signal[:, 25:50, 22:45] = 2.0
    rng = np.random.default_rng(0)
    noisy = np.hypot(signal + air * rng.standard_normal(signal.shape), air * rng.standard_normal(signal.shape))
    return Volume((900 * noisy).astype(np.int16), Geometry((6, 80, 100), (5.0, 3.0, 3.0))), body


@pytest.mark.parametrize("air", [0.0, 0.02, 0.06])
@pytest.mark.parametrize("fat", [0.3, 1.0, 4.0], ids=["suppressed", "like muscle", "bright"])
def test_the_body_on_an_mr_is_found_whole_whether_its_fat_is_bright_or_dark(fat, air):
    volume, body = mr(fat, air)
    found = body_in(volume, "mr")
    assert 2 * (found & body).sum() / (found.sum() + body.sum()) > 0.98


def test_the_units_of_an_mr_do_not_matter():
    volume, _ = mr(0.3)
    other = volume.with_array(volume.array.astype(np.float32) * 0.001)
    np.testing.assert_array_equal(body_in(other, "mr"), body_in(volume, "mr"))


def test_on_a_ct_the_body_is_that_of_its_hounsfield_units():
    volume, _ = patient()
    np.testing.assert_array_equal(body_in(volume, "hu"), body_mask(volume))


@pytest.mark.parametrize("value", [0, 7])
def test_an_mr_of_one_value_has_no_body(value):
    empty = Volume(np.full((3, 8, 8), value, np.int16), Geometry((3, 8, 8), (5.0, 3.0, 3.0)))
    assert foreground_level(empty.array) == value
    assert not body_in(empty, "mr").any()
