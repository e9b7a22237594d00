from itertools import product

import numpy as np
import pytest
from scipy.stats import spearmanr

from fibrolens.markers.lobes import CAUDATE_SHARE, approximate_lobe_ratio
from fibrolens.markers.volumes import lobe_ratio
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.volume import Geometry, Volume

GRID = Geometry((30, 60, 110), (4.0, 2.5, 2.0))
FISSURE_COLUMN = 66


def cleft_liver():
    """A block, 200 mm wide, with a cleft of fat from the front at 60 % of its width."""
    mask = np.zeros(GRID.shape, bool)
    mask[4:26, 5:55, 5:105] = True
    mask[4:20, 5:28, FISSURE_COLUMN - 1 : FISSURE_COLUMN + 2] = False
    return mask


def stored(mask, flips, axes=(0, 1, 2)):
    """The same liver in the patient, its array stored with reversed and exchanged axes."""
    start = np.array([n - 1.0 if flipped else 0.0 for n, flipped in zip(GRID.shape, flips, strict=True)])
    directions = [tuple((-1 if f else 1) * v for v in axis) for f, axis in zip(flips, GRID.direction, strict=True)]
    array = np.flip(mask, [i for i in range(3) if flips[i]]).transpose(axes)
    geometry = Geometry(
        array.shape,
        tuple(GRID.spacing[a] for a in axes),
        tuple(GRID.to_world(start).tolist()),
        tuple(directions[a] for a in axes),
    )
    return Volume(np.ascontiguousarray(array), geometry)


def expected(mask):
    left = mask[:, :, FISSURE_COLUMN + 1 :].sum() / mask.sum() / (1 - CAUDATE_SHARE)
    return left / (1 - left)


def test_the_liver_is_parted_at_its_cleft():
    mask = cleft_liver()
    found = approximate_lobe_ratio(Volume(mask, GRID))
    assert found.ratio == pytest.approx(expected(mask), rel=0.03)
    assert found.place == pytest.approx(0.61, abs=0.02)
    assert found.turn == 0


def test_a_turned_cleft_is_followed():
    mask = np.zeros(GRID.shape, bool)
    mask[4:26, 5:55, 5:105] = True
    for row in range(5, 25):
        column = FISSURE_COLUMN + round((row - 25) * 2.5 * 0.4 / 2.0)
        mask[4:26, row, column - 2 : column + 3] = False
    assert approximate_lobe_ratio(Volume(mask, GRID)).turn == 0.4


@pytest.mark.parametrize("flips", list(product([False, True], repeat=3)))
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_how_the_scan_is_stored_does_not_matter(flips, axes):
    mask = cleft_liver()
    plain = approximate_lobe_ratio(Volume(mask, GRID))
    assert approximate_lobe_ratio(stored(mask, flips, axes)).ratio == pytest.approx(plain.ratio, rel=1e-6)


def test_a_finer_grid_gives_the_same():
    mask = cleft_liver()
    fine = Geometry((30, 180, 330), (4.0, 2.5 / 3, 2.0 / 3))
    tripled = Volume(mask.repeat(3, 1).repeat(3, 2), fine)
    assert approximate_lobe_ratio(tripled).ratio == pytest.approx(expected(mask), rel=0.04)


def test_no_cleft_no_ratio_but_a_reason():
    block = np.zeros(GRID.shape, bool)
    block[4:26, 5:55, 5:105] = True
    found = approximate_lobe_ratio(Volume(block, GRID))
    assert found.ratio is None
    assert "fissure" in found.reason


@pytest.mark.parametrize("voxels", [0, 1, 300])
def test_hardly_any_liver_gives_a_reason(voxels):
    mask = np.zeros(GRID.shape, bool)
    mask[4, 5 : 5 + voxels // 10 + 1, 5:15] = voxels > 0
    found = approximate_lobe_ratio(Volume(mask, GRID))
    assert found.ratio is None
    assert "few voxels" in found.reason


def test_simulated_livers_are_ranked_and_nearly_right():
    """The first of the patients that docs/markers.md tells of."""
    truth, found = [], []
    for index in range(5):
        patient = sample_patient(np.random.default_rng([901, index]), index)
        rendering = render(patient, small_grid(patient))
        truth.append(lobe_ratio(rendering.segments))
        found.append(approximate_lobe_ratio(rendering.labels.with_array(rendering.labels.array == Organ.LIVER)).ratio)
    error = np.abs(np.divide(found, truth) - 1)
    assert np.median(error) < 0.2
    assert error.max() < 0.4
    assert spearmanr(truth, found)[0] >= 0.8
