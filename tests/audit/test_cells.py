import numpy as np

from fibrolens.audit.cells import Cells


def test_means_are_of_the_voxels_inside_alone():
    array = np.arange(2 * 3 * 3, dtype=float).reshape(2, 3, 3)
    inside = np.ones((2, 3, 3), bool)
    inside[0, 0, 0] = False
    means = Cells((1, 2, 2)).means(array, inside)
    assert means.shape == (2, 2, 2)
    assert means[0, 0, 0] == np.mean([1, 3, 4])
    assert means[1, 1, 1] == 17


def test_a_cell_counts_with_half_of_its_voxels_inside():
    inside = np.zeros((1, 2, 4), bool)
    inside[0, 0, 0] = inside[0, :, 2] = True
    assert Cells((1, 2, 2)).inside(inside).ravel().tolist() == [False, True]


def test_spreading_gives_each_voxel_its_cells_value():
    values = np.array([[[1, 2]]])
    assert Cells((1, 2, 2)).spread(values, (1, 2, 3)).tolist() == [[[1, 1, 2], [1, 1, 2]]]


def test_edges_are_the_whole_number_of_voxels_nearest_to_six_millimetres():
    assert Cells.about((5.0, 3.0, 3.0)) == Cells((1, 2, 2))
    assert Cells.about((5.0, 12.0, 12.0)) == Cells((1, 1, 1))
