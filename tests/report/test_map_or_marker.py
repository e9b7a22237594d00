import copy

import pytest
from tests.report.svg import words

from fibrolens.report.map_or_marker import answer, exact, printed, shares_figure


def part(share, low, high):
    return {"share": share, "interval": [low, high], "alone": share + 0.2, "unique": share / 4}


@pytest.fixture
def shared(evaluation):
    """The made-up study with two groups of markers."""
    found = {
        "scans": 48,
        "patients": 46,
        "left_out": 0,
        "unused": {"lsn": "known of 0 of 48 scans"},
        "groups": {
            "texture": {
                "columns": {"texture_sd_hu": 48},
                "network": part(0.1, 0.05, 0.2),
                "stage": part(0.2, 0.1, 0.3),
            },
            "spleen size": {
                "columns": {"spleen_volume_ml": 47, "splenic_index_cm3": 46},
                "network": part(0.35, 0.3, 0.41),
                "stage": part(-0.001, -0.02, 0.03),
            },
        },
        "network": {"r2": 0.45, "interval": [0.4, 0.5], "out_of_fold": 0.42},
        "stage": {"r2": 0.2, "interval": [0.1, 0.3], "out_of_fold": 0.15},
    }
    return copy.deepcopy(evaluation) | {"map_or_marker": found}


def test_how_much_of_the_network_is_spleen_size_is_answered_in_a_sentence(shared):
    told = answer(shared)
    assert "How much of this network is spleen size? 35 [30, 41] % of the differences of its score" in told
    assert "everything measured explains 45 [40, 50] %, and 55 % is nothing that was measured" in told
    assert "cannot show size" in told


def test_groups_are_printed_the_largest_first_with_what_they_are_measured_by(shared):
    table = printed(shared)
    assert [row[0] for row in table.rows] == ["spleen size", "texture", "all together"]
    assert table.rows[0][1:] == ("spleen_volume_ml (47), splenic_index_cm3 (46)", "35 [30, 41]", "55", "9", "0 [-2, 3]")
    assert table.rows[2][1] == "out of fold: 42"
    assert "Not used: lsn (known of 0 of 48 scans)." in table.note


def test_every_share_is_a_row(shared):
    rows = exact(shared).rows
    assert rows[1] == ("network", "spleen size", 0.35, 0.3, 0.41, 0.55, 0.0875)
    assert [row[1] for row in rows if row[0] == "stage"] == ["texture", "spleen size", "all", "all, out of fold"]


def test_what_could_not_be_measured_is_said(evaluation):
    """Of the made-up study only the liver's volume is known, which never falls."""
    nothing = {"groups": {}, "network": None, "stage": None, "reason": "nothing was measured"}
    bare = evaluation | {"map_or_marker": evaluation["map_or_marker"] | nothing}
    assert answer(bare) == "Not measurable: nothing was measured."
    assert printed(bare).rows == ()
    assert exact(bare).rows == ()


def test_a_study_without_the_spleen_is_not_asked_for_it(evaluation):
    assert answer(evaluation).startswith("The size of the spleen was not measured; all else explains")


def test_the_figure_has_a_bar_per_group_and_one_for_what_is_not_explained(shared, tmp_path):
    shares_figure(shared["map_or_marker"], tmp_path / "map_or_marker")
    text = words(tmp_path / "map_or_marker.svg")
    for label in ("spleen size", "texture", "nothing measured", "network's score", "true stage"):
        assert label in text
    assert (tmp_path / "map_or_marker.png").stat().st_size > 5000
