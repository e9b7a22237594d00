import csv

import pytest

from fibrolens.errors import OutputError
from fibrolens.phantom.roster import Roster
from fibrolens.phantom.setting import Setting
from fibrolens.phantom.tables import cohort_row, truth_row, write_table


def patient(**setting):
    return Roster((3,), 0, Setting(**setting)).patient(0)


def test_paths_are_relative_to_the_table():
    row = cohort_row(patient(), "images/P0001.nii.gz")
    assert (row["liver_mask"], row["spleen_mask"]) == ("labels/P0001_liver.nii.gz", "labels/P0001_spleen.nii.gz")


@pytest.mark.parametrize(("phase", "written"), [("portal", "portal venous"), ("native", "native")])
def test_phase_is_written_as_cohorts_have_it(phase, written):
    assert cohort_row(patient(phase=phase), "image")["phase"] == written


def test_truth_is_plain_numbers_and_words():
    row = truth_row(patient(splenectomy=1.0, metal=1.0, partial=1.0), {"liver_mask_ml": 1500.0})
    assert (row["splenectomy"], row["partial"], row["spleen_volume_ml"]) == (1, 1, 0)
    assert row["metal"] in ("clips", "spine")
    assert (row["liver_mask_ml"], row["lsvr_mask"]) == (1500.0, None)
    assert all(value is None or type(value) in (int, float, str) for value in row.values())


def test_truth_tells_the_shares_of_caudate_and_segment_iv():
    of = patient()
    row = truth_row(of, {})
    assert row["caudate_share"] == round(of.caudate_share, 4)
    assert row["segment_iv_share"] == round(of.segment_iv_share, 4)


def test_missing_values_are_empty(tmp_path):
    write_table(tmp_path / "t.csv", [{"a": None, "b": 1}])
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"a": "", "b": "1"}]


def test_interrupted_table_does_not_appear(tmp_path):
    def rows():
        yield {"a": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(tmp_path / "t.csv", rows())
    assert not (tmp_path / "t.csv").exists()


def test_table_in_a_missing_folder_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"t\.csv could not be written"):
        write_table(tmp_path / "no" / "t.csv", [{"a": 1}])
