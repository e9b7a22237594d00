"""The spread over seeds in the report says which seed is the result."""

import pytest
from tests.evaluate.test_seeds import FIRST, SECOND
from tests.report.svg import words

from fibrolens.evaluate.seeds import seed_spread
from fibrolens.report.seeds import exact, printed, scans, seeds_figure


@pytest.fixture
def spread():
    return seed_spread({7: FIRST, 8: SECOND})


def test_the_page_names_the_result_and_the_others(spread):
    table = printed(spread)
    assert table.columns[1] == "AUC, seed 7 (the result)"
    row = next(row for row in table.rows if row[0] == "F4")
    assert row[1:5] == ("0.750", "1.000", "0.875 ± 0.177", "0.750 to 1.000")
    assert row[5] == "0.071 (at most 0.141)"
    assert "nothing was chosen among the seeds" in table.note
    assert "75.0 % of the scans have the same most probable stage" in table.note


def test_a_threshold_that_cannot_be_asked_says_why():
    (row, *_) = printed(seed_spread({0: FIRST[:2], 1: FIRST[:2]})).rows
    assert row[1] == "– (no case on one side of the threshold)"


def test_every_figure_is_in_the_files(spread):
    assert ("F4", "seed 8", 1.0) in exact(spread).rows
    assert ("F4", "mean", 0.875) in exact(spread).rows
    table = scans(spread)
    assert table.columns[:2] == ("scan_id", "patient_id")
    assert [row[0] for row in table.rows] == ["a", "b", "c", "d"]


def test_the_figure_shows_every_seed_and_every_scan(spread, tmp_path):
    png, svg = seeds_figure(spread, tmp_path / "seeds")
    assert png.stat().st_size > 10_000
    assert "Every fold trained 2 times (seeds 7, 8)" in words(svg)
