from pathlib import Path

import numpy as np
import pytest
from tests.dicom_files import SERIES_UID, ct_array, ct_series, save

from fibrolens.errors import InputError, SeriesError
from fibrolens.io import read_volume

OTHER_UID = "1.2.826.0.1.3680043.8.498.12"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture
def two_series(tmp_path: Path) -> Path:
    save(ct_series(ct_array(seed=1)), tmp_path / "study" / "a")
    save(ct_series(ct_array(3, seed=2), SeriesInstanceUID=OTHER_UID, SeriesNumber=5), tmp_path / "study" / "b")
    return tmp_path / "study"


def test_several_series_are_listed_with_their_slices(two_series: Path):
    with pytest.raises(SeriesError) as error:
        read_volume(two_series)
    assert f"5 slices, {SERIES_UID}" in str(error.value)
    assert f"3 slices, {OTHER_UID}" in str(error.value)


def test_series_uid_chooses(two_series: Path):
    np.testing.assert_array_equal(read_volume(two_series, OTHER_UID).array, ct_array(3, seed=2))


def test_unknown_series_uid_lists_the_known(two_series: Path):
    with pytest.raises(SeriesError, match=f"no CT series 1.2.3; its series are: {SERIES_UID}, {OTHER_UID}"):
        read_volume(two_series, "1.2.3")


def test_other_modality_is_called_by_its_name(tmp_path: Path):
    series = ct_series(ct_array(), Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    with pytest.raises(InputError, match=r"MR \(5 files\), not CT"):
        read_volume(save(series, tmp_path / "series"))


def test_pictures_of_a_ct_study_are_not_its_ct(tmp_path: Path):
    captures = ct_series(ct_array(), SOPClassUID=SECONDARY_CAPTURE)
    with pytest.raises(InputError, match="secondary captures"):
        read_volume(save(captures, tmp_path / "captures"))


def test_objects_beside_the_ct_do_not_disturb(tmp_path: Path):
    save(ct_series(ct_array()), tmp_path / "ct")
    dose = ct_series(ct_array(1), Modality="RTDOSE", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2")
    save(dose, tmp_path / "dose")
    assert read_volume(tmp_path).array.shape == (5, 6, 8)


def test_anonymised_series_without_uids_is_read(tmp_path: Path):
    series = ct_series(ct_array(), SOPClassUID="", SeriesInstanceUID="")
    ct = read_volume(save(series, tmp_path / "series"))
    assert ct.get("series_uid") is None
    assert len(ct.get("scan_id")) == 12
