import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from tests.dicom_files import ct_array, ct_series, save

from fibrolens.io import read_volume
from fibrolens.quality import OrganHU
from fibrolens.study.acquisition import ACQUISITION, NUMBERS, WORDS, acquisition
from fibrolens.volume import Geometry, Volume

SPACING = (5.0, 3.0, 3.0)
ORGANS = OrganHU(100.0, 110.0, 150.0)


def scan(noise=0.0, board_hu=None, blur_mm=0.0, beside=False, scale=1.0, slices=12):
    """An ellipse of fat with a core of muscle on a table, with air around it."""
    rows, columns = np.mgrid[:128, :128] * 3.0 - 190.5
    radius = np.hypot(rows / (100 * scale), columns / (140 * scale))
    slice_hu = np.where(radius < 0.8, 60.0, np.where(radius < 1, -100.0, -1000.0))
    back = 100 * scale + 12
    if board_hu is not None:
        slice_hu[(rows > back) & (rows < back + 12) & (abs(columns) < 170)] = board_hu
    if beside:
        slice_hu[np.hypot(rows, columns - 175) < 12] = 0.0
    hu = np.repeat(slice_hu[None], slices, axis=0)
    hu = gaussian_filter(hu, (0, blur_mm / 3, blur_mm / 3))
    hu = hu + noise * np.random.default_rng(0).standard_normal(hu.shape)
    return Volume(hu.astype(np.float32), Geometry((slices, 128, 128), SPACING))


def facts(**kind):
    return acquisition(scan(**kind), "", ORGANS)


def test_every_column_is_there_and_what_a_file_does_not_tell_is_empty():
    found = facts()
    assert {"scan_id", "patient_id", *found} == set(ACQUISITION)
    assert [found[name] for name in (*WORDS, "kvp", "thickness_mm")] == [None] * 6


def test_grid_and_contrast():
    found = acquisition(scan(), "North", ORGANS)
    assert found["site"] == "North"
    grid = ("spacing_mm", "slice_mm", "fov_mm", "matrix", "slices", "coverage_mm")
    assert [found[name] for name in grid] == pytest.approx([3.0, 5.0, 384.0, 128, 12, 60.0])
    assert (found["spleen_hu"], found["aorta_hu"]) == (110.0, 150.0)


def test_the_header_of_a_dicom_series_is_told(tmp_path):
    series = ct_series(ct_array(), ManufacturerModelName="S1")
    found = acquisition(read_volume(save(series, tmp_path / "scan")), "", ORGANS)
    assert [found[n] for n in ("vendor", "model", "kernel", "kvp", "thickness_mm")] == [
        *("Simulated", "S1", "Br38f, 3", 120.0, 5.0)
    ]


def test_a_turned_grid_gives_the_same_facts():
    ct = scan(noise=4.0, board_hu=0.0)
    flipped = np.ascontiguousarray(ct.array[:, ::-1])
    origin = (0.0, 3.0 * 127, 0.0)
    turned = Volume(
        flipped, Geometry(flipped.shape, SPACING, origin, ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)))
    )
    straight, other = acquisition(ct, "", ORGANS), acquisition(turned, "", ORGANS)
    assert other == straight


def test_the_board_is_measured_behind_the_body_and_an_arm_beside_it():
    bare, board, arm = facts(), facts(board_hu=0.0), facts(beside=True)
    assert (bare["table_cm2"], bare["beside_cm2"], bare["table_hu"]) == (0.0, 0.0, None)
    assert board["table_cm2"] == pytest.approx(12 * 340 / 100, rel=0.1)
    assert board["table_hu"] == pytest.approx(0.0, abs=1)
    assert board["beside_cm2"] == 0.0
    assert arm["table_cm2"] == 0.0
    assert arm["beside_cm2"] == pytest.approx(np.pi * 1.2**2, rel=0.2)


@pytest.mark.parametrize("sd", [3.0, 12.0])
def test_noise_is_that_of_the_air_whatever_lies_on_the_table(sd):
    found = facts(noise=sd, board_hu=-500.0)
    assert found["noise_hu"] == pytest.approx(sd, rel=0.05)
    assert found["noise_grain"] == pytest.approx(1.0, abs=0.05), "white noise: neighbours are not alike"
    assert found["noise_between_slices"] == pytest.approx(1.0, abs=0.05)
    assert found["air_hu"] == pytest.approx(-1000.0, abs=1)


def test_a_blurred_picture_has_a_wider_skin_edge():
    widths = [facts(blur_mm=mm)["skin_edge_mm"] for mm in (0.0, 3.0, 6.0)]
    assert widths[0] < 0.8 * widths[1] < 0.64 * widths[2]


def test_the_size_of_the_body_is_not_in_the_facts():
    small, large = facts(board_hu=0.0, noise=4.0, scale=0.8), facts(board_hu=0.0, noise=4.0, scale=1.1)
    header = {"kvp", "thickness_mm"}
    for name in set(NUMBERS) - header - {"lowest_hu", "padding_share", "step_hu"}:
        assert small[name] == pytest.approx(large[name], rel=0.12, abs=1.0), name


def test_padding_and_the_step_of_the_values():
    ct = scan(noise=8.0)
    padded = ct.array.copy()
    padded[:, :16] = -1100.0
    found = acquisition(ct.with_array(np.rint(padded / 4) * 4), "", ORGANS)
    assert (found["lowest_hu"], found["step_hu"]) == (-1100.0, 4.0)
    assert found["padding_share"] == pytest.approx(16 / 128)


def test_a_scan_of_nothing_but_air_or_body_says_what_it_can():
    for value in (-1000.0, 50.0):
        array = np.full((4, 20, 20), value, np.float32)
        found = acquisition(Volume(array, Geometry(array.shape, SPACING)), "", OrganHU(None, None, None))
        assert found["skin_edge_mm"] is None
        assert found["noise_hu"] is None
        assert found["slices"] == 4
