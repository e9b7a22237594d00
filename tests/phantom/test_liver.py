import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from fibrolens.phantom.liver import UNDULATION_MM, LobeScale, ligamentum_teres, make_liver
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import small_grid
from fibrolens.phantom.shapes import Frame


@pytest.fixture(scope="module")
def frame(patient):
    return Frame(small_grid(patient), make_pose(patient))


def test_the_round_ligament_is_thin_and_lies_in_fat_between_segment_iv_and_the_lateral_lobe(patient, frame):
    liver, ligament = make_liver(frame, patient, LobeScale(), []), ligamentum_teres(frame, patient)
    whole = np.ones(frame.geometry.shape, bool)
    whole[liver.region.box] = liver.region.d > 0
    inside = np.zeros_like(whole)
    inside[ligament.box] = ligament.d < 0
    assert whole[inside].all()
    depth = distance_transform_edt(inside, sampling=frame.geometry.spacing)
    assert 2.5 <= 2 * depth.max() < 9
    borders = np.full(frame.geometry.shape, np.nan)
    borders[liver.region.box] = liver.borders.fissure
    assert np.abs(borders[inside]).max() < 12


def test_undulation_is_longer_than_what_counts_as_nodularity():
    assert min(UNDULATION_MM) > 20
