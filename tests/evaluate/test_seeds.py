"""How far a study's figures move from seed to seed, by hand."""

import numpy as np
import pytest

from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.seeds import seed_spread


def case(scan, stages, *chances):
    return Predicted(scan, f"p{scan}", 0, stages, chances)


FIRST = [
    case("a", (0,), 0.8, 0.0, 0.0, 0.0, 0.2),
    case("b", (0,), 0.4, 0.0, 0.0, 0.0, 0.6),
    case("c", (4,), 0.5, 0.0, 0.0, 0.0, 0.5),
    case("d", (4,), 0.1, 0.0, 0.0, 0.0, 0.9),
]
SECOND = [
    case("d", (4,), 0.1, 0.0, 0.0, 0.0, 0.9),
    case("c", (4,), 0.3, 0.0, 0.0, 0.0, 0.7),
    case("b", (0,), 0.4, 0.0, 0.0, 0.0, 0.6),
    case("a", (0,), 0.6, 0.0, 0.0, 0.0, 0.4),
]


def test_the_auc_of_every_seed_with_mean_sd_and_range():
    spread = seed_spread({7: FIRST, 8: SECOND})
    assert (spread["result"], spread["seeds"]) == (7, [7, 8])
    # Of the first seed, F0 scan b stands above F4 scan c: three of four pairs are right.
    area = spread["thresholds"]["F4"]["auc"]
    assert area["per_seed"] == [0.75, 1.0]
    assert (area["mean"], area["low"], area["high"]) == (0.875, 0.75, 1.0)
    assert area["sd"] == pytest.approx(0.25 / np.sqrt(2))
    assert (spread["thresholds"]["F4"]["positives"], spread["thresholds"]["F4"]["negatives"]) == (2, 2)


def test_every_scan_moves_by_itself_whatever_its_place_in_the_tables():
    spread = seed_spread({7: FIRST, 8: SECOND})
    assert [scan["scan_id"] for scan in spread["scans"]] == ["a", "b", "c", "d"]
    moved = {scan["scan_id"]: scan["expected_sd"] for scan in spread["scans"]}
    assert moved == pytest.approx({"a": 0.8 / np.sqrt(2), "b": 0.0, "c": 0.8 / np.sqrt(2), "d": 0.0})
    assert spread["scans"][0]["expected"] == pytest.approx(0.8)
    assert spread["scans"][0]["expected_mean"] == pytest.approx(1.2)
    assert spread["scans"][2]["F>=2_sd"] == pytest.approx(0.2 / np.sqrt(2))
    assert spread["typical"]["F4_sd"] == pytest.approx({"median": 0.1 / np.sqrt(2), "most": 0.2 / np.sqrt(2)})
    assert spread["same_stage"] == 0.75  # c is called F0 by the first seed


def test_a_threshold_without_two_sides_says_why_and_undecided_sets_do_not_count():
    one = [case("a", (0, 1), 1.0, 0.0, 0.0, 0.0, 0.0), case("b", (4,), 0.0, 0.0, 0.0, 0.0, 1.0)]
    spread = seed_spread({0: one, 1: one})
    assert spread["thresholds"]["F>=1"]["auc"] is None
    assert "no case on one side" in spread["thresholds"]["F>=1"]["reason"]
    assert spread["thresholds"]["F>=2"]["auc"]["sd"] == 0.0


def test_other_scans_or_a_single_seed_are_no_spread():
    with pytest.raises(ValueError, match="same scans"):
        seed_spread({0: FIRST, 1: FIRST[:3]})
    with pytest.raises(ValueError, match="two seeds"):
        seed_spread({0: FIRST})
