"""Clinical cells of public tables."""

import pytest

from fibrolens.cohort.sources.clinical import Remarks, age_of, known, number


@pytest.mark.parametrize("text", ["", "[Not Available]", "[Unknown]", "NA", "Not Reported", "'--", "[Not Applicable]"])
def test_blanks_in_every_spelling_are_nothing(text):
    assert known(text) == ""
    assert number(text) is None


@pytest.mark.parametrize(("text", "years"), [("067Y", 67), ("67", 67), ("018M", None), ("", None)])
def test_ages_of_dicom_and_plain_ones(text, years):
    assert age_of(text) == years


def test_numbers_beyond_a_column_are_left_empty_with_a_remark():
    remarks = Remarks()
    assert remarks.within_limits("age", 61.0) == "61"
    assert remarks.within_limits("age", 1954.0) == ""
    assert remarks.within_limits("age", None) == ""
    assert remarks.sentences == ("age left empty, not within 0 to 120 years: 1 row",)
