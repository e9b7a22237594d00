from pathlib import Path

import numpy as np
import pytest
from tests.dicom_files import ct_array, ct_series, ct_slice, save, with_tags

from fibrolens.errors import GeometryError, SeriesError
from fibrolens.io import read_volume
from fibrolens.volume import Volume

SERIES = r'Series 4 "Abdomen PV" \(\.\.\.'


def read(series: list, folder: Path) -> Volume:
    return read_volume(save(series, folder / "series"))


def at_heights(heights: list[float]) -> list:
    hu = ct_array(len(heights))
    return [ct_slice(hu[i], (-10.0, -20.0, z), i + 1) for i, z in enumerate(heights)]


def test_slices_are_ordered_by_position_not_by_number(tmp_path: Path):
    hu = ct_array()
    series = ct_series(hu)
    for file, number in zip(series, [3, 1, 5, 2, 4], strict=True):
        with_tags(file, InstanceNumber=number)
    ct = read([series[i] for i in (4, 0, 2, 3, 1)], tmp_path)
    np.testing.assert_array_equal(ct.array, hu)
    assert ct.geometry.spacing == pytest.approx((2.0, 0.8, 0.7))
    assert ct.geometry.origin == (-10.0, -20.0, 30.0)
    assert ct.geometry.orientation == "LPS"


def test_first_orientation_triple_is_the_direction_of_columns(tmp_path: Path):
    sagittal = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)  # columns run posterior, rows run inferior, so slices run right
    hu = ct_array(3)
    series = [ct_slice(hu[k], (5.0 - 3 * k, -7.0, 40.0), k, ImageOrientationPatient=list(sagittal)) for k in range(3)]
    ct = read(series, tmp_path)
    assert ct.geometry.orientation == "PIR"
    np.testing.assert_array_equal(ct.array, hu)
    np.testing.assert_allclose(ct.geometry.to_world(np.array([1.0, 2.0, 3.0])), (2.0, -7 + 3 * 0.7, 40 - 2 * 0.8))


def test_oblique_series_keeps_its_obliquity(tmp_path: Path):
    c, s = np.cos(0.3), np.sin(0.3)
    rows, columns = np.array([1.0, 0, 0]), np.array([0, c, s])
    normal = np.cross(rows, columns)
    hu = ct_array()
    orientation = [round(float(v), 6) for v in (*rows, *columns)]
    series = [
        ct_slice(hu[k], [round(float(v), 6) for v in 4 * k * normal], k, ImageOrientationPatient=orientation)
        for k in range(5)
    ]
    ct = read(series, tmp_path)
    np.testing.assert_array_equal(ct.array, hu)
    np.testing.assert_allclose(ct.geometry.to_world(np.array([2.0, 0, 0])), 8 * normal, atol=1e-4)


def test_single_slice_is_refused(tmp_path: Path):
    with pytest.raises(SeriesError, match=SERIES + r".*single slice \(number 1\)"):
        read(ct_series(ct_array(1)), tmp_path)


def test_duplicates_are_named(tmp_path: Path):
    series = ct_series(ct_array())
    series.append(with_tags(ct_series(ct_array())[2], InstanceNumber=9, SOPInstanceUID="1.2.3"))
    with pytest.raises(SeriesError, match=SERIES + r".* duplicates: slices (3, 9|9, 3) .*34\.0 mm"):
        read(series, tmp_path)


def test_gap_is_named(tmp_path: Path):
    series = ct_series(ct_array(9))
    del series[4]
    with pytest.raises(SeriesError, match=SERIES + r".*missing between 4 and 6 \(4\.0 mm\)"):
        read(series, tmp_path)


def test_uneven_spacing_is_refused(tmp_path: Path):
    with pytest.raises(GeometryError, match=SERIES + r".*unevenly spaced: steps run from 1\.50 to 2\.50 mm .* 3 lies"):
        read(at_heights([0, 2, 4.5, 6, 8]), tmp_path)


def test_spacing_that_changes_half_way_is_refused(tmp_path: Path):
    with pytest.raises(GeometryError, match="unevenly spaced"):
        read(at_heights([0, 2, 4, 6, 8.5, 11, 13.5]), tmp_path)


def test_positions_rounded_to_a_tenth_are_even(tmp_path: Path):
    ct = read(at_heights([round(1.25 * k, 1) for k in range(9)]), tmp_path)
    assert ct.geometry.spacing[0] == pytest.approx(1.25)


def test_gantry_tilt_is_refused(tmp_path: Path):
    hu = ct_array()
    series = [ct_slice(hu[k], (0.0, 0.8 * k, 2.0 * k), k + 1) for k in range(5)]
    with pytest.raises(GeometryError, match=SERIES + r".*sideways by 3\.2 mm .*gantry tilt of 21\.8 degrees"):
        read(series, tmp_path)


@pytest.mark.parametrize(
    ("what", "tags"),
    [
        ("orientation", {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}),
        ("pixel spacing", {"PixelSpacing": [0.8, 0.75]}),
        ("image size", {"Rows": 8, "Columns": 6}),
    ],
)
def test_mixed_slices_are_named(tmp_path: Path, what, tags):
    series = ct_series(ct_array())
    with_tags(series[3], **tags)
    with pytest.raises(SeriesError, match=SERIES + f".*different {what}: slice 4 differ"):
        read(series, tmp_path)


def test_axes_that_are_not_perpendicular_are_refused(tmp_path: Path):
    with pytest.raises(GeometryError, match=SERIES + ".*right angles"):
        read(ct_series(ct_array(), ImageOrientationPatient=[1, 0, 0, 0.3, 0.954, 0]), tmp_path)
