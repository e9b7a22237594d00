"""Which series of a patient is the image."""

from dataclasses import replace

import pytest
from tests.source_files import series

from fibrolens.cohort.sources.choice import choose, side_table


def chosen(*candidates, age=None):
    choice = choose(candidates, age)
    return None if choice.chosen is None else choice.chosen.uid


def test_portal_venous_comes_before_contrast_before_nothing_said():
    said, contrast, silent = series("a", "P.Venous 3.0 B40f"), series("b", "Body 5.0 CE"), series("c", "AXIAL")
    assert chosen(silent, contrast, said) == "a"
    assert chosen(silent, contrast) == "b"
    assert chosen(silent) == "c"


def test_of_two_alike_the_finer_then_earlier_then_longer_then_later_numbered_is_taken():
    fine, thick = series("a", "PV Abd 3.0 B40f"), series("b", "PV Abd 7.0 B40f", images=90)
    assert chosen(thick, fine) == "a"
    early, late = series("z", "PV Abd", study_date="1994-01-01"), series("a", "PV Abd", study_date="1994-01-20")
    assert chosen(late, early) == "z"
    assert chosen(series("a", "PV Abd", images=60), series("b", "PV Abd", images=80)) == "b"
    assert chosen(series("a", "Recon 2: LIVER 3 PHASE", number=4), series("b", "LIVER 3 PHASE", number=5)) == "b"
    assert chosen(series("a", "PV Abd", images=60), series("b", "PV Abd", images=600)) == "a"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"description": "Topogram"}, "places or times the scan"),
        ({"description": "Cor Portal"}, "not original axial slices"),
        ({"original_axial": False}, "not original axial slices"),
        ({"description": "Chest venous"}, "another part of the body"),
        ({"description": "Arterial"}, "arterial phase"),
        ({"description": "AXIAL", "study": "CT ABDOMEN wo"}, "native phase"),
        ({"study": "CT BIOPSY LIVER"}, "made for a needle"),
        ({"images": 19}, "fewer than 20 slices"),
        ({"thickness_mm": 10.0}, "slices thicker than 8 mm"),
        ({"thickness_mm": 2.0, "images": 74}, "covers less than 150 mm"),
        ({"age": 62.0}, "age differs"),
    ],
)
def test_each_rule_gives_its_reason(changes, reason):
    choice = choose([replace(series("a", "PV Abd"), **changes)], 60.0)
    assert choice.chosen is None
    assert choice.judged[0][1].startswith(reason)


def test_a_year_of_age_more_or_less_is_the_same_time():
    assert chosen(series("a", "PV Abd"), age=61.0) == "a"
    assert chosen(series("a", "PV Abd"), age=None) == "a"


def test_a_ct_after_the_first_month_may_show_a_resected_liver():
    first, later = series("a", "AXIAL"), series("b", "PV Abd", study_date="1994-12-01")
    choice = choose([first, later])
    assert choice.chosen is first
    assert choice.judged[1][1] == "more than 30 days after the first usable CT"


@pytest.mark.parametrize(
    ("candidates", "why"),
    [
        ([], "no CT series"),
        ([series("a", "T1", modality="MR")], "no CT series"),
        ([series("a", "Arterial"), series("b", "SCOUT")], "no CT series in portal venous phase"),
        ([series("b", "SCOUT")], "no CT series of the abdomen in axial slices"),
        ([series("a", "PV Abd", age=70.0)], "no CT within a year of the diagnosis by age"),
    ],
)
def test_why_there_is_no_image(candidates, why):
    assert choose(candidates, 60.0).why == why


def test_the_side_table_tells_of_every_ct_series_why():
    table = side_table([choose([series("a", "PV Abd"), series("b", "SCOUT"), series("c", "T1", modality="MR")])])
    at = table.columns.index
    told = {row[at("series_uid")]: (row[at("chosen")], row[at("reason")]) for row in table.rows}
    assert told == {
        "a": ("yes", "chosen of 1 usable: portal venous stated, thickness not stated, 60 slices"),
        "b": ("no", "places or times the scan"),
    }
