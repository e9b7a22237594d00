"""What headers tell about a series."""

import numpy as np
import pytest
from tests.dicom_files import ct_array, enhanced_ct, save
from tests.study_files import CORONAL, PORTAL_THICK, Scan, write_scan

from fibrolens.io.dicom.files import instances
from fibrolens.io.dicom.record import SeriesRecord, plane_of, record_of, seconds_of_day
from fibrolens.io.dicom.series import ct_series


def record(folder):
    with instances(folder) as found:
        return record_of(ct_series(found, "study")[0])


def test_the_record_of_a_series(tmp_path):
    write_scan(PORTAL_THICK, tmp_path, StudyDescription="CT liver")
    assert record(tmp_path) == SeriesRecord(
        uid=PORTAL_THICK.uid,
        number=6,
        description="Abd portalvenoes 3.0 Br40",
        images=60,
        study="CT liver",
        body_part="ABDOMEN",
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        manufacturer="Simulated",
        kernel="Br40d",
        plane="axial",
        thickness_mm=3.0,
        spacing_mm=3.0,
        coverage_mm=180.0,
        contrast=True,
        injected_s=43500.0,
        acquired_s=43570.0,
        acquisition=610,
    )


def test_coverage_is_that_of_the_positions_and_not_of_the_thickness(tmp_path):
    write_scan(Scan(1, "overlapping", 40, 2.5), tmp_path, SliceThickness=5)
    found = record(tmp_path)
    assert (found.thickness, found.spacing_mm, found.coverage) == (5.0, 2.5, 100.0)


def test_a_series_that_is_no_volume_has_its_flaw(tmp_path):
    write_scan(Scan(1, "two", 30, 5.0), tmp_path)
    (tmp_path / "1" / "image_11").unlink()
    assert record(tmp_path).flaw.startswith("has gaps")


def test_an_enhanced_ct_has_a_plane_and_counts_its_frames(tmp_path):
    found = record(save([enhanced_ct(ct_array(5), order=range(5))], tmp_path))
    assert (found.plane, found.images, found.spacing_mm) == ("axial", 5, 2.0)


def test_debris_in_a_header_is_not_known(tmp_path):
    write_scan(Scan(1, "", 2), tmp_path, SeriesNumber="", AcquisitionTime=None, ImageType=None, AcquisitionNumber=None)
    found = record(tmp_path)
    assert (found.number, found.acquired_s, found.image_type, found.acquisition) == (None, None, (), None)


def test_planes_with_a_tilted_gantry():
    tilt = np.radians(20)
    assert plane_of((1.0, 0.0, 0.0, 0.0, float(np.cos(tilt)), float(np.sin(tilt)))) == "axial"
    assert plane_of(tuple(CORONAL)) == "coronal"
    assert plane_of((0.0, 1.0, 0.0, 0.0, 0.0, -1.0)) == "sagittal"
    assert plane_of((1.0, 0.0, 0.0, 0.0, 0.7071, 0.7071)) == "oblique"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120610", 43570.0), ("12:06:10", 43570.0), ("120610.25", 43570.0), ("", None), ("1206", None), ("996610", None)],
)
def test_times_of_the_day(text, seconds):
    assert seconds_of_day(text) == seconds


def test_series_of_one_acquisition_begin_at_one_time():
    one = SeriesRecord("1", 1, "", 40, acquired_s=100.0, acquisition=2)
    assert one.same_acquisition(SeriesRecord("2", 2, "", 40, acquired_s=102.0, acquisition=2))
    assert not one.same_acquisition(SeriesRecord("2", 2, "", 40, acquired_s=102.0, acquisition=3))
    assert not one.same_acquisition(SeriesRecord("2", 2, "", 40, acquired_s=135.0, acquisition=2))
    assert not one.same_acquisition(SeriesRecord("2", 2, "", 40, acquisition=2))


def test_a_row_of_an_index_is_a_record_whose_description_tells_what_it_can():
    row = SeriesRecord("1", 2, "Cor P.Venous  3.0  B40f", 60)
    assert (row.orientation, row.thickness, row.coverage) == ("coronal", 3.0, 180.0)
