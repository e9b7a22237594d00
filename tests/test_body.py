import numpy as np
import pytest

from fibrolens.body import body_mask
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
