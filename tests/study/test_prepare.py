import numpy as np
import pytest

from fibrolens.cohort.table import read_cohort
from fibrolens.io import read_volume
from fibrolens.progress import silent
from fibrolens.study.prepare import PrepareJob, load_scan, organ_labels, prepare_scan, run_prepare, scan_file


@pytest.fixture
def row(toy_cohort):
    return read_cohort(toy_cohort)[1]


def test_liver_and_spleen_come_from_the_row_s_own_masks(row):
    labels = organ_labels(row, read_volume(row.image)).array
    assert [(labels == k).sum() for k in (1, 2)] == [6 * 8 * 7, 4 * 4 * 3]


def test_a_prepared_scan_is_windowed_on_the_network_grid_with_its_liver_s_range(row, toy_plan):
    scan = prepare_scan(row, toy_plan.grid)
    assert scan.case.image.shape == (8, 24, 24)
    assert (scan.case.liver_first, scan.case.liver_last, scan.case.stage) == (1, 6, 4)
    assert scan.case.image[3, 12, 20] == pytest.approx((40 + 125) / 350 * 255, abs=12)
    assert scan.case.image[0, 0, 0] == 0
    assert scan.body[3, 12, 12]
    assert not scan.body[3, 0, 0]


def test_a_prepared_scan_survives_its_file_and_is_made_once(row, toy_plan, tmp_path):
    run_prepare(PrepareJob(row, toy_plan.grid, tmp_path), silent())
    stamp = scan_file(tmp_path, row).stat().st_mtime_ns
    run_prepare(PrepareJob(row, toy_plan.grid, tmp_path), silent())
    assert scan_file(tmp_path, row).stat().st_mtime_ns == stamp
    made, read = prepare_scan(row, toy_plan.grid), load_scan(tmp_path, row)
    np.testing.assert_array_equal(made.case.image, read.case.image)
    np.testing.assert_array_equal(made.body, read.body)
    np.testing.assert_array_equal(made.labels.array, read.labels.array)
    assert made.labels.geometry.same_grid(read.labels.geometry)
