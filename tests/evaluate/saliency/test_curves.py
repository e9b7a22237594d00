import numpy as np
import pytest

from fibrolens.evaluate.saliency.curves import against_random, curve_area

FRACTION = np.linspace(0, 1, 201)


def test_a_straight_line_has_one_half_whatever_the_scores_of_its_ends():
    for full, empty in ((0.9, 0.1), (0.2, 0.8)):
        line = full + (empty - full) * FRACTION
        assert curve_area(FRACTION, line, "deletion") == pytest.approx(0.5)
        assert curve_area(FRACTION, line[::-1].copy(), "insertion") == pytest.approx(0.5)


def test_an_early_fall_is_a_small_area_and_an_early_rise_a_large_one():
    fall = 0.1 + 0.8 * (1 - FRACTION) ** 3
    assert curve_area(FRACTION, fall, "deletion") == pytest.approx(1 / 4, abs=1e-3)
    rise = 0.1 + 0.8 * (1 - (1 - FRACTION) ** 3)
    assert curve_area(FRACTION, rise, "insertion") == pytest.approx(3 / 4, abs=1e-3)


def test_uneven_steps_are_weighed_by_their_width():
    assert curve_area(np.array([0.0, 0.1, 1.0]), np.array([1.0, 0.0, 0.0]), "deletion") == pytest.approx(0.05)


def test_a_scan_whose_score_does_not_hang_on_its_content_has_no_curve():
    assert curve_area(FRACTION, 0.5 + 0.04 * FRACTION, "deletion") is None


def areas(gain: float, scans: int = 25, orders: int = 10, seed: int = 0):
    generator = np.random.default_rng(seed)
    random = generator.normal(0.5, 0.1, (scans, orders))
    return generator.normal(0.5, 0.1, scans) + gain, random


@pytest.mark.parametrize(("kind", "sign"), [("deletion", -1), ("insertion", 1)])
def test_better_is_below_random_for_deletion_and_above_for_insertion(kind, sign):
    own, random = areas(0.2 * sign)
    found = against_random(own, random, np.arange(25), kind, np.random.default_rng(0), 400)
    assert found["beats_random"] is True
    assert found["gain"]["value"] == pytest.approx(sign * (own.mean() - random.mean()))
    assert found["area"]["value"] == pytest.approx(own.mean())
    assert found["random"]["value"] == pytest.approx(random.mean())
    by_hand = np.mean([[sign * mine > sign * other for other in row] for mine, row in zip(own, random, strict=True)])
    assert found["better_than"]["value"] == pytest.approx(by_hand)


@pytest.mark.parametrize("gain", [0.0, -0.2])
def test_an_order_like_a_random_one_or_worse_does_not_beat_it(gain):
    own, random = areas(gain)
    found = against_random(own, random, np.arange(25), "insertion", np.random.default_rng(0), 400)
    assert found["beats_random"] is False


def test_equal_areas_beat_half():
    found = against_random(
        np.full(4, 0.5), np.full((4, 3), 0.5), np.arange(4), "deletion", np.random.default_rng(0), 50
    )
    assert found["better_than"]["value"] == 0.5
    assert found["beats_random"] is None


def test_scans_without_a_curve_are_counted_and_one_patient_gives_no_verdict():
    own, random = areas(0.2)
    own[:5] = np.nan
    found = against_random(own, random, np.arange(25), "insertion", np.random.default_rng(0), 50)
    assert (found["left_out"], found["gain"]["of"]) == (5, 20)
    alone = against_random(own[5:6], random[5:6], np.arange(1), "insertion", np.random.default_rng(0), 50)
    assert alone["beats_random"] is None
    assert alone["gain"]["reason"]
