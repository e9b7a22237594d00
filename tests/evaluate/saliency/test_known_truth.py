import numpy as np
import pytest

from fibrolens.evaluate.intervals import wilson
from fibrolens.evaluate.saliency.known_truth import TRUE_REGIONS, Arm, arm_score, known_truth

NAN = float("nan")


def arm(name="surface", right=57, patients=60, seeds=1, chance=0.25):
    """The first `right` patients' maps are right, by every seed."""
    first = np.tile((np.arange(patients) < right).astype(float), seeds)
    return Arm(name, first, np.ones(patients * seeds), np.repeat(np.arange(seeds), patients),
               np.tile(np.arange(patients), seeds), chance)  # fmt: skip


def score(*arms):
    return known_truth(arms, np.random.default_rng(0), 200)


def test_the_rate_of_an_arm_with_its_intervals():
    found = arm_score(arm(), np.random.default_rng(0), 400)
    by_hand = wilson(np.arange(60) < 57, np.arange(60))
    assert found["top1"]["value"] == pytest.approx(0.95)
    assert found["top1"]["interval"] == pytest.approx([by_hand.low, by_hand.high])
    assert found["top1"]["bootstrap"] == pytest.approx([0.89, 1.0], abs=0.03)
    assert (found["reached"], found["above_chance"]) == (True, True)
    assert found["evidence_denser"]["value"] == 1.0


def test_networks_of_other_seeds_are_no_new_patients():
    once, thrice = (arm_score(arm(seeds=seeds), np.random.default_rng(0), 100) for seeds in (1, 3))
    assert thrice["top1"]["interval"] == pytest.approx(once["top1"]["interval"])
    assert (thrice["top1"]["of"], thrice["patients"]) == (180, 60)


def test_seeds_are_told_apart():
    made = arm(seeds=2)
    made.first[60:] = np.arange(60) < 30
    found = arm_score(made, np.random.default_rng(0), 100)
    assert [row["value"] for row in found["per_seed"]] == pytest.approx([0.95, 0.5])
    assert found["seeds"] == pytest.approx(
        {"mean": 0.725, "sd": np.std([0.95, 0.5], ddof=1), "lowest": 0.5, "seeds": 2}
    )


@pytest.mark.parametrize(("right", "reached"), [(54, True), (53, False)])
def test_the_target_is_nine_in_ten(right, reached):
    assert arm_score(arm(right=right), np.random.default_rng(0), 50)["reached"] is reached


def test_fewer_than_fifty_patients_decide_nothing_however_many_seeds():
    found = arm_score(arm(right=49, patients=49, seeds=4), np.random.default_rng(0), 50)
    assert (found["reached"], found["above_chance"]) == (None, None)


def test_unknown_maps_are_counted_out():
    made = arm()
    made.first[:3] = NAN
    made.denser[:5] = NAN
    found = arm_score(made, np.random.default_rng(0), 50)
    assert (found["unknown"], found["top1"]["of"], found["evidence_denser"]["of"]) == (3, 57, 55)
    empty = arm_score(arm(patients=0, right=0), np.random.default_rng(0), 50)
    assert empty["top1"]["value"] is None
    assert empty["reached"] is None


def test_every_arm_must_reach_the_target():
    assert score(*(arm(name) for name in TRUE_REGIONS))["reached"] is True
    mixed = score(*(arm(name, right=40 if name == "lobes" else 60) for name in TRUE_REGIONS))
    assert mixed["reached"] is False
    assert mixed["above_chance"] is True
    assert mixed["lowest"] == {"arm": "lobes", "value": pytest.approx(2 / 3)}


def test_a_missing_arm_leaves_it_open_unless_another_has_failed():
    open_ = score(arm("surface"), arm("spleen"))
    assert (open_["reached"], open_["missing"]) == (None, ["texture", "lobes"])
    assert score(arm("surface", right=10))["reached"] is False
    assert score(arm("surface", right=10))["above_chance"] is False
    assert score()["reached"] is None
