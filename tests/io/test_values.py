import numpy as np
import pytest

from fibrolens.errors import InputError
from fibrolens.io.values import as_hounsfield, as_labels


def test_whole_values_become_int16():
    hu = as_hounsfield(np.array([-1000.0, 40.0, 3000.0]))
    assert hu.dtype == np.int16
    assert hu.tolist() == [-1000, 40, 3000]


def test_fractions_stay_as_float32():
    hu = as_hounsfield(np.array([-1000.0, 40.25]))
    assert hu.dtype == np.float32
    assert hu.tolist() == [-1000, 40.25]


def test_values_beyond_int16_stay_as_float32():
    assert as_hounsfield(np.array([0, 40000], dtype=np.int32)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_padding_becomes_air(dtype):
    assert as_hounsfield(np.array([-3024, -1025, -1024], dtype=dtype)).tolist() == [-1024, -1024, -1024]


def test_values_that_are_not_finite_are_padding():
    assert as_hounsfield(np.array([np.nan, np.inf, -np.inf, 7.0])).tolist() == [-1024, -1024, -1024, 7]


def test_labels_become_uint8():
    labels = as_labels(np.array([0.0, 1.0, 255.0]), "mask")
    assert labels.dtype == np.uint8
    assert labels.tolist() == [0, 1, 255]


@pytest.mark.parametrize("value", [0.5, -1.0, 256.0, np.nan])
def test_values_that_are_no_labels_are_refused(value):
    with pytest.raises(InputError, match=r"map\.nii is not a label file"):
        as_labels(np.array([0.0, value]), "map.nii")


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int32])
def test_every_integer_type_becomes_hounsfield_units(kind):
    converted = as_hounsfield(np.array([0, 5, 120], kind))
    assert converted.dtype == np.int16
    assert converted.tolist() == [0, 5, 120]


def test_values_that_float32_cannot_hold_are_padding():
    assert as_hounsfield(np.array([1e300, -1e300, 0.5])).tolist() == [-1024, -1024, 0.5]
