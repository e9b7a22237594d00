import copy
import json

import numpy as np
import pytest

from fibrolens.evaluate.saliency.curves import against_random
from fibrolens.evaluate.saliency.effects import effects
from fibrolens.evaluate.saliency.known_truth import TRUE_REGIONS, Arm, known_truth
from fibrolens.evaluate.saliency.means import patient_mean
from fibrolens.evaluate.saliency.randomisation import arun_rule, random_pairs
from fibrolens.evaluate.saliency.repeatability import repeatability
from fibrolens.evaluate.saliency.verdict import CHECKS, NEEDED, judge

PATIENTS = np.arange(60)


def source():
    return np.random.default_rng(0)


def randomisation(after: float):
    pairs = random_pairs(PATIENTS, 50, source())
    similarity = source().normal(after, 0.05, (60, 1))
    return arun_rule(["all"], similarity, PATIENTS, pairs, source().normal(0.5, 0.05, 50), source(), 100)


def truth(rate: float):
    right = np.repeat([1.0, 0.0], [round(rate * 60), 60 - round(rate * 60)])
    arms = [Arm(name, right, right, 0 * PATIENTS, PATIENTS, 0.25) for name in TRUE_REGIONS]
    return known_truth(arms, source(), 50)


def following(noise: float):
    change = source().random((60, 4))
    density = change + noise * np.random.default_rng(1).normal(size=change.shape)
    return effects("abcd", density, change, PATIENTS, source(), replicates=100)


def order(gain: float):
    areas = source().normal(0.5, 0.1, (60, 5))
    return against_random(areas[:, 0] + gain, areas[:, 1:], PATIENTS, "insertion", source(), 100)


def seeds(noise: float):
    values = source().normal(1, 0.5, (60, 1)) + np.random.default_rng(1).normal(0, noise, (60, 4))
    return {
        "liver": repeatability(values, PATIENTS, source(), 50),
        "spleen": repeatability(values, PATIENTS, source(), 50),
    }


def mean_of(centre: float, **more):
    return patient_mean(source().normal(centre, 0.05, 60), PATIENTS, source(), 100) | more


def good():
    return {
        "randomisation": randomisation(0.1),
        "label_randomisation": randomisation(0.2),
        "known_truth": truth(0.95),
        "twins": following(0.05),
        "ablation": following(0.3),
        "deletion": order(0.2),
        "insertion": order(0.2),
        "repeatability": seeds(0.1),
        "reproducibility": mean_of(0.7, baseline=0.5),
        "noise": mean_of(0.8, baseline=0.5),
        "shift": mean_of(0.8, baseline=0.5),
        "infidelity": mean_of(0.6),
    }


GOOD = good()


def outcome(verdict, check):
    return next(one for one in verdict.findings if one.check == check)


def test_a_method_that_passes_everything_is_recommended():
    found = judge(GOOD)
    assert found.verdict == "recommended"
    assert {one.outcome for one in found.findings} == {"passed"}
    assert len(found.reasons) == len(CHECKS)


def test_the_reasons_are_sentences_and_go_into_json():
    found = judge(GOOD)
    assert outcome(found, "known_truth").sentence == (
        "Known truth: the planted region is named first in 95% of the maps in the worst arm (surface), aim 90%."
    )
    assert all(reason.endswith(".") and "nan" not in reason and "None" not in reason for reason in found.reasons)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["verdict"] == "recommended"


@pytest.mark.parametrize(
    ("check", "figures"),
    [
        ("randomisation", randomisation(0.9)),
        ("label_randomisation", randomisation(0.9)),
        ("known_truth", truth(0.25)),
    ],
)
def test_a_decisive_failure_fails_the_method_and_stands_first(check, figures):
    found = judge(GOOD | {check: figures})
    assert found.verdict == "fails"
    assert outcome(found, check).outcome == "failed"
    assert found.reasons[0] == outcome(found, check).sentence


@pytest.mark.parametrize(
    ("check", "figures", "expected"),
    [
        ("twins", following(100.0), "failed"),
        ("ablation", following(100.0), "failed"),
        ("deletion", order(-0.2), "failed"),
        ("repeatability", seeds(2.0), "failed"),
        ("noise", mean_of(0.3, baseline=0.5), "failed"),
        ("infidelity", mean_of(1.2), "failed"),
        ("known_truth", truth(0.6), "short"),
    ],
)
def test_other_failures_and_a_missed_target_leave_it_usable(check, figures, expected):
    found = judge(GOOD | {check: figures})
    assert found.verdict == "usable"
    assert outcome(found, check).outcome == expected


@pytest.mark.parametrize(("check", "figures"), [("twins", following(0.3)), ("repeatability", seeds(0.4))])
def test_what_falls_short_of_an_aim_is_said_and_does_not_block(check, figures):
    found = judge(GOOD | {check: figures})
    assert found.verdict == "recommended"
    assert outcome(found, check).outcome == "short"
    assert found.reasons[0] == outcome(found, check).sentence


@pytest.mark.parametrize("check", [name for name in NEEDED if name != "randomisation"])
@pytest.mark.parametrize("absent", [True, False])
def test_a_missing_check_is_said_and_never_counts_as_passed(check, absent):
    figures = {name: own for name, own in GOOD.items() if name != check}
    found = judge(figures if absent else figures | {check: None})
    assert found.verdict == "usable"
    assert outcome(found, check).outcome == "not tested"
    assert "not tested, it was not run." in found.reasons[-1]


def test_arms_that_were_not_run_are_named():
    part = known_truth([Arm("spleen", np.zeros(60), np.zeros(60), 0 * PATIENTS, PATIENTS, 0.25)], source(), 50)
    found = outcome(judge(GOOD | {"known_truth": part}), "known_truth")
    assert found.outcome == "failed"
    assert found.sentence.endswith("(spleen), aim 90%; arms not run: surface, texture, lobes.")


def test_without_randomisation_nothing_is_known():
    assert judge({}).verdict == "not tested"
    assert judge({name: own for name, own in GOOD.items() if name != "randomisation"}).verdict == "not tested"
    assert judge({"known_truth": truth(0.2)}).verdict == "fails"


def test_figures_that_could_not_be_computed_count_as_not_tested():
    one = np.zeros(1, int)
    nothing = {
        "randomisation": arun_rule(["all"], np.ones((1, 1)), one, np.empty((0, 2), int), np.empty(0), source(), 50),
        "known_truth": known_truth([], source(), 50),
        "twins": effects("abc", np.full((1, 3), np.nan), np.ones((1, 3)), one, source(), replicates=50),
        "deletion": against_random(np.ones(1), np.ones((1, 2)), one, "deletion", source(), 50),
        "repeatability": {"liver": repeatability(np.ones((1, 2)), one, source(), 50)},
        "noise": patient_mean(np.array([np.nan]), one, source(), 50) | {"baseline": 0.5},
        "infidelity": patient_mean(np.array([np.nan]), one, source(), 50),
    }
    found = judge(nothing)
    assert found.verdict == "not tested"
    assert {one.outcome for one in found.findings} == {"not tested"}


def test_a_recommendation_needs_every_region_to_be_measured():
    figures = copy.deepcopy(GOOD["repeatability"])
    figures["spleen"]["agreement"]["value"] = None
    assert outcome(judge(GOOD | {"repeatability": figures}), "repeatability").outcome == "not tested"


def test_an_unknown_check_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="no check is called taste"):
        judge({"taste": None})
