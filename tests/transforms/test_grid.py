from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
import torch
from torch import nn

from fibrolens.errors import GeometryError
from fibrolens.explain.location_maps import location_maps
from fibrolens.plan import GridPlan
from fibrolens.transforms import Orient, ToNetworkGrid
from fibrolens.volume import Geometry, Volume

FLIPS = list(product((False, True), repeat=3))
PLANS = [GridPlan((5.0, 1.5, 1.5), (40, 40)), GridPlan((5.0, 3.0, 3.0), (16, 16))]
#: Body outside the cube: tissue that the window maps to 0.
FAT = -125


def axial(shape, spacing=(1.6, 0.7, 0.7)) -> Volume:
    return Volume(np.full(shape, FAT, np.int16), Geometry(shape, spacing, (-30.0, 12.0, -700.0)))


def stored(volume: Volume, axes=(0, 1, 2), flips=(False, False, False)) -> Volume:
    """The same patient with permuted and reversed array axes."""
    turn = Orient(volume.geometry, axes, flips)
    return replace(turn.forward(volume), geometry=turn.target)


def centroid_mm(volume: Volume) -> np.ndarray:
    """Patient coordinates of the centre of the values' mass."""
    weights = volume.array.astype(float)
    index = [np.arange(n) @ weights.sum(tuple(a for a in range(3) if a != i)) for i, n in enumerate(weights.shape)]
    return volume.geometry.to_world(np.array(index) / weights.sum())


def cube_ct() -> Volume:
    ct = axial((40, 64, 60))
    ct.array[13:25, 20:41, 12:31] = 225
    return ct


def cube_of(ct: Volume) -> Volume:
    return ct.with_array((ct.array == 225).astype(np.uint8))


@pytest.mark.parametrize("plan", PLANS, ids=["5x1.5x1.5", "5x3x3"])
@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_a_bright_cube_returns_to_its_own_place_from_any_storage(plan, flips, axes):
    ct = stored(cube_ct(), axes, flips)
    way = ToNetworkGrid.fit(ct, plan)
    there = way.forward(ct)
    back = way.inverse(there)
    assert there.array.dtype == back.array.dtype == np.float32
    assert back.geometry is ct.geometry
    # Half a network voxel is the promise; a fiftieth of a millimetre is what it keeps.
    np.testing.assert_allclose(centroid_mm(there), centroid_mm(cube_of(ct)), atol=0.02)
    np.testing.assert_allclose(centroid_mm(back), centroid_mm(cube_of(ct)), atol=0.02)


def test_the_network_sees_the_same_whatever_the_storage():
    seen = ToNetworkGrid.fit(cube_ct(), PLANS[1]).forward(cube_ct())
    for flips in FLIPS:
        ct = stored(cube_ct(), (2, 0, 1), flips)
        same = ToNetworkGrid.fit(ct, PLANS[1]).forward(ct)
        assert same.geometry.same_grid(seen.geometry)
        np.testing.assert_allclose(same.array, seen.array, atol=1e-6)


class IdentityBlobs(nn.Module):
    """Convolutions of kernel 5 that pass their input on, three poolings, and a head that weighs all places alike."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv3d(1, 1, 5, padding=2, bias=False) for _ in range(4))
        for convolution in self.convolutions:
            nn.init.dirac_(convolution.weight)
        self.pool = nn.MaxPool3d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for convolution in self.convolutions[:3]:
            x = self.pool(torch.relu(convolution(x)))
        return self.convolutions[3](x).mean((2, 3, 4))


def ct_with_cube_on_feature_cells(plan: GridPlan) -> Volume:
    """A cube that fills 2 x 2 x 2 feature cells of 8 network voxels each but for a rim, so that nothing spills over."""
    ct = axial((100, 137, 137))
    network = ToNetworkGrid.fit(ct, plan).target
    index = np.stack(np.meshgrid(*map(np.arange, ct.array.shape), indexing="ij"), -1).astype(float)
    distance = np.abs(network.to_index(ct.geometry.to_world(index)) - np.array([15.5, 15.5, 15.5]))
    ct.array[(distance < 6.8).all(-1)] = 225
    return ct


@pytest.mark.parametrize(
    ("axes", "flips"), [((0, 1, 2), f) for f in FLIPS] + [((2, 0, 1), FLIPS[3]), ((1, 2, 0), FLIPS[6])]
)
def test_a_cube_seen_through_poolings_and_upsampling_returns_within_half_a_network_voxel(axes, flips):
    plan = GridPlan((5.0, 3.0, 3.0), (32, 32))
    ct = stored(ct_with_cube_on_feature_cells(plan), axes, flips)
    way = ToNetworkGrid.fit(ct, plan)
    seen = way.forward(ct)
    assert seen.array.shape == (32, 32, 32)
    maps = location_maps(IdentityBlobs(), torch.from_numpy(seen.array)[None, None], [0], ["convolutions.3"])
    back = way.inverse(seen.with_array(maps.maps["convolutions.3"][0, 0].numpy()))
    assert back.geometry is ct.geometry
    off_mm = np.abs(centroid_mm(back) - centroid_mm(cube_of(ct)))
    assert (off_mm < 0.5 * np.array([3.0, 3.0, 5.0])).all()


def test_the_crop_follows_the_body():
    ct = axial((10, 100, 100), (5.0, 1.5, 1.5))
    ct.array[:] = -1000
    ct.array[:, 55:95, 5:45] = 40
    way = ToNetworkGrid.fit(ct, GridPlan((5.0, 1.5, 1.5), (48, 48)))
    assert np.abs(np.array(way.crop.start) - [50, 0]).max() <= 2
    assert (way.forward_hu(ct).array == 40).sum() == (ct.array == 40).sum()


def test_padding_of_the_plane_is_air():
    ct = axial((5, 20, 20), (5.0, 1.5, 1.5))
    hu = ToNetworkGrid.fit(ct, GridPlan((5.0, 1.5, 1.5), (30, 30))).forward_hu(ct).array
    assert hu[0, 0, 0] == -1000
    assert (hu == FAT).sum() == ct.array.size


def test_native_slices_are_kept_as_they_are():
    ct = cube_ct()
    native = replace(PLANS[1], spacing_mm=(ct.geometry.spacing[0], 3.0, 3.0))
    way = ToNetworkGrid.fit(ct, native)
    assert way.target.shape[0] == 40
    np.testing.assert_array_equal(way.forward(ct).array.max((1, 2)) > 0.5, (ct.array == 225).any((1, 2)))


def test_a_mask_keeps_what_it_fills_by_half_and_labels_keep_their_numbers():
    ct = axial((4, 16, 16), (5.0, 1.5, 1.5))
    way = ToNetworkGrid.fit(ct, GridPlan((5.0, 3.0, 3.0), (8, 8)))
    mask = np.zeros(ct.array.shape, bool)
    mask[1, 4:10, 4:8] = True
    small = way.forward_labels(ct.with_array(mask))
    assert small.array.dtype == bool
    expected = np.zeros((4, 8, 8), bool)
    expected[1, 2:5, 2:4] = True
    np.testing.assert_array_equal(small.array, expected)
    half = np.zeros(ct.array.shape, bool)
    half[1, 5:9] = True  # fills the network's rows 2 and 4 by exactly a half
    assert np.flatnonzero(way.forward_labels(ct.with_array(half)).array[1, :, 0]).tolist() == [2, 3, 4]
    labels = way.forward_labels(ct.with_array(mask.astype(np.uint8) * 2))
    assert labels.array.dtype == np.uint8
    assert set(np.unique(labels.array)) == {0, 2}


def test_padding_of_labels_is_background():
    ct = axial((4, 16, 16), (5.0, 1.5, 1.5))
    way = ToNetworkGrid.fit(ct, GridPlan((5.0, 1.5, 1.5), (20, 20)))
    assert way.forward_labels(ct.with_array(np.ones(ct.array.shape, np.uint8))).array.sum() == ct.array.size


@pytest.mark.parametrize("direction", ["forward", "forward_labels", "inverse"])
def test_a_volume_of_another_grid_is_refused(direction):
    way = ToNetworkGrid.fit(cube_ct(), PLANS[0])
    with pytest.raises(GeometryError, match="expected grid"):
        getattr(way, direction)(axial((3, 4, 5)))
