"""Which slices a picture shows, and how they lie."""

import numpy as np
import pytest

from fibrolens.errors import GeometryError
from fibrolens.report.scene import LEAST_TOP, Scene
from fibrolens.volume import Geometry, Volume

SPACING = (5.0, 2.0, 2.0)


@pytest.fixture
def volumes():
    """A block of tissue in air; the liver fills slices 3 to 8, most of it in row 21 and column 30."""
    ct = np.full((12, 40, 50), -1000, np.int16)
    ct[:, 8:32, 10:40] = 40
    labels = np.zeros(ct.shape, np.uint8)
    labels[3:9, 21, 14:31] = 1
    labels[3:9, 18:21, 30] = 1
    heat = np.zeros(ct.shape, np.float32)
    heat[5:7, 8:32, 10:40] = 3.2
    grid = Geometry(ct.shape, SPACING)
    return Volume(ct, grid), Volume(heat, grid), Volume(labels, grid)


def test_axial_slices_go_evenly_through_the_liver_from_the_top_down(volumes):
    assert Scene.of(*volumes).axial_slices(3) == [7, 6, 4]
    ct, heat, _ = volumes
    assert Scene.of(ct, heat).axial_slices(2) == [6, 5]
    assert Scene.of(ct, None).axial_slices(2) == [8, 3]


def test_the_central_slices_are_those_that_show_most_liver(volumes):
    scene = Scene.of(*volumes)
    assert scene.central("coronal") == 21
    assert scene.central("sagittal") == 30
    assert scene.central_cut("sagittal").number == 31


def test_a_cut_is_the_body_with_the_head_at_the_top_and_knows_its_size(volumes):
    ct, heat, labels = volumes
    scene = Scene.of(*volumes)
    rows, columns = scene.box
    assert rows.start < 8
    assert rows.stop > 32
    axial = scene.cut("axial", 5)
    assert (axial.ct == ct.array[5, rows, columns]).all()
    assert (axial.map == heat.array[5, rows, columns]).all()
    assert (axial.labels == labels.array[5, rows, columns]).all()
    assert (axial.plane, axial.number, axial.size_mm) == ("axial", 6, tuple(2.0 * n for n in axial.ct.shape))
    coronal = scene.cut("coronal", 21)
    assert (coronal.labels == labels.array[::-1, 21, columns]).all()
    assert coronal.size_mm == (60.0, 2.0 * coronal.ct.shape[1])
    bare = Scene.of(ct, None).cut("sagittal", 20)
    assert bare.map is None
    assert bare.labels is None


def test_the_colour_scale_ends_where_the_map_is_hottest_and_never_below_twice_an_even_share(volumes):
    ct, heat, labels = volumes
    assert Scene.of(ct, heat, labels).top == 3.5
    assert Scene.of(ct, heat.with_array(heat.array / 10), labels).top == LEAST_TOP
    assert Scene.of(ct, None, labels).top == LEAST_TOP


def test_another_map_comes_over_the_same_ct_if_it_lies_on_its_grid(volumes):
    ct, heat, labels = volumes
    scene = Scene.of(ct, None, labels).under(heat)
    assert np.flatnonzero(scene.covered).tolist() == [5, 6]
    assert not Scene.of(ct, None).covered.any()
    with pytest.raises(GeometryError):
        scene.under(Volume(heat.array, Geometry(heat.array.shape, (4.0, 2.0, 2.0))))
