"""The network grid of a plan of MR: scaled anew for each scan, air outside is 0."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fibrolens.body import body_in
from fibrolens.errors import InputError
from fibrolens.io import read_volume
from fibrolens.plan import GridPlan
from fibrolens.quality import require_ct
from fibrolens.transforms import Orient, ToNetworkGrid
from fibrolens.volume import Geometry, Volume

PLAN = GridPlan((5.0, 3.0, 3.0), (32, 32), intensity="mr")
SHAPE = (12, 60, 60)


@pytest.fixture
def mr():
    """A body of 400 with an organ of 1000 in air of 0."""
    array = np.zeros(SHAPE, np.float32)
    array[:, 10:50, 10:50] = 400
    array[3:9, 20:40, 20:40] = 1000
    return Volume(array, Geometry(SHAPE, (3.0, 1.5, 1.5)), "mr", (("modality", "MR"),))


def test_the_body_s_percentiles_become_0_and_1(mr):
    way = ToNetworkGrid.fit(mr, PLAN)
    assert (way.window.lower, way.window.upper) == (400.0, 1000.0)
    image = way.forward(mr).array
    assert image.shape[1:] == (32, 32)
    assert (image.min(), image.max()) == (0.0, 1.0)
    assert image[len(image) // 2, 16, 16] == 1.0


def test_the_units_of_a_scan_do_not_matter(mr):
    other = mr.with_array(mr.array * 0.003)
    np.testing.assert_allclose(ToNetworkGrid.fit(other, PLAN).forward(other).array,
                               ToNetworkGrid.fit(mr, PLAN).forward(mr).array, atol=1e-5)  # fmt: skip


def test_the_percentiles_are_the_plan_s(mr):
    slope = mr.with_array(np.where(mr.array > 0, 400 + 10 * np.arange(60.0, dtype=np.float32), 0))
    window = ToNetworkGrid.fit(slope, replace(PLAN, mr_percentiles=(10.0, 90.0))).window
    assert (window.lower, window.upper) == pytest.approx((500 + 40, 900 - 40), abs=25)


def test_outside_the_scan_there_is_no_signal(mr):
    way = ToNetworkGrid.fit(mr, replace(PLAN, in_plane=(64, 64)))
    assert way.forward_hu(mr).array[:, 0, 0].max() == 0.0


def test_a_flipped_storage_gives_the_same_image(mr):
    turn = Orient(mr.geometry, (0, 1, 2), (True, False, True))
    flipped = replace(turn.forward(mr), geometry=turn.target)
    np.testing.assert_allclose(
        ToNetworkGrid.fit(flipped, PLAN).forward(flipped).array,
        ToNetworkGrid.fit(mr, PLAN).forward(mr).array,
        atol=1e-5,
    )


def test_a_plan_of_ct_is_what_it_was(mr):
    way = ToNetworkGrid.fit(mr, replace(PLAN, intensity="hu"))
    assert (way.window.lower, way.window.upper) == PLAN.window_hu
    assert way.resample.floor == PLAN.air_hu


@pytest.fixture
def real_mr(shared_data) -> Volume:
    return read_volume(Path(shared_data / "totalsegmentator" / "example_mr_sm.nii.gz"))


def test_a_real_mr_has_its_contrast_on_the_grid(real_mr):
    plan = replace(PLAN, in_plane=(128, 128))
    way = ToNetworkGrid.fit(real_mr, plan)
    values = way.forward_hu(real_mr)
    image = way.window.forward(values).array
    body = body_in(values, "mr")
    assert 0.0 <= image.min() < 0.02
    assert image.max() == 1.0
    assert 0.4 < body.mean() < 0.65, "the abdomen fills half of the field"
    low, median, high = np.percentile(image[body], [10, 50, 90])
    assert low < 0.15 < median < 0.6 < high < 0.9
    assert image[~body].mean() < 0.03


def test_a_real_mr_is_no_ct(real_mr):
    with pytest.raises(InputError, match="not Hounsfield units of a CT"):
        require_ct(real_mr)
