import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from fibrolens.evaluate.averages import Staged
from fibrolens.evaluate.ordinal import expected_stage, obuchowski, ordinal, resampled_kappa, resampled_obuchowski, rps


def scans(seed: int, n: int = 60, stages: int = 5):
    generator = np.random.default_rng(seed)
    stage = np.arange(n) % stages
    raw = generator.random((n, stages)) + 0.5 * np.eye(stages)[stage]
    return stage, raw / raw.sum(axis=1, keepdims=True)


def staged(seed: int = 0, n: int = 60) -> Staged:
    stage, probabilities = scans(seed, n)
    return Staged(stage, probabilities, np.arange(n), stage)


def by_pairs(stage, score, mix):
    """Every pair of scans of different stages, weighted so that the stages have the shares of the mix."""
    lost = total = 0.0
    counts = np.bincount(stage, minlength=len(mix))
    for a, x in zip(stage, score, strict=True):
        for b, y in zip(stage, score, strict=True):
            if a < b:
                weight = mix[a] * mix[b] / (counts[a] * counts[b])
                lost += weight * (b - a) / (len(mix) - 1) * (float(x > y) + 0.5 * float(x == y))
                total += weight
    return 1 - lost / total


@pytest.mark.parametrize("seed", range(3))
def test_obuchowski_s_measure_of_two_stages_is_the_auc(seed):
    stage, probabilities = scans(seed, 41, 2)
    for score in (probabilities[:, 1], expected_stage(probabilities), probabilities[:, 1].round(1)):
        found = obuchowski(stage, score, np.array([0.3, 0.7]))
        assert found == pytest.approx(roc_auc_score(stage, score), abs=1e-14)


@pytest.mark.parametrize("mix", [(0.2, 0.2, 0.2, 0.2, 0.2), (0.1, 0.3, 0.2, 0.15, 0.25), (0.5, 0, 0, 0, 0.5)])
def test_obuchowski_s_measure_equals_the_count_of_pairs(mix):
    stage, probabilities = scans(4, 43)
    score = expected_stage(probabilities).round(1)
    assert obuchowski(stage, score, np.array(mix)) == pytest.approx(by_pairs(stage, score, mix), abs=1e-12)


def test_in_the_cohort_s_own_mix_every_pair_of_scans_weighs_the_same():
    stage, probabilities = scans(1, 33)
    score, counts = expected_stage(probabilities), np.bincount(stage)
    lost = [
        (b - a) / 4 * (x > y)
        for a, x in zip(stage, score, strict=True)
        for b, y in zip(stage, score, strict=True)
        if a < b
    ]
    assert obuchowski(stage, score, counts / 33) == pytest.approx(1 - np.mean(lost), abs=1e-12)


def test_a_replicate_s_measures_are_those_of_the_scans_written_out():
    stage, probabilities = scans(2, 40)
    predicted, score, mix = probabilities.argmax(axis=1), expected_stage(probabilities), np.full(5, 0.2)
    times = np.random.default_rng(0).integers(1, 4, (4, 40))
    again = [np.repeat(np.arange(40), row) for row in times]
    assert resampled_obuchowski(stage, score, mix)(1.5 * times) == pytest.approx(
        [obuchowski(stage[i], score[i], mix) for i in again], abs=1e-12
    )
    assert resampled_kappa(stage, predicted)(1.5 * times) == pytest.approx(
        [cohen_kappa_score(stage[i], predicted[i], weights="quadratic") for i in again], abs=1e-12
    )


def test_every_figure_is_that_of_its_definition():
    given = staged()
    found = ordinal(given, np.random.default_rng(0), 300)
    predicted = given.probabilities.argmax(axis=1)
    assert found["kappa"]["value"] == pytest.approx(cohen_kappa_score(given.stage, predicted, weights="quadratic"))
    assert found["mean_error"]["value"] == pytest.approx(np.abs(given.stage - predicted).mean())
    for name in ("kappa", "mean_error", "rps"):
        low, high = found[name]["interval"]
        assert low < found[name]["value"] < high
    assert found["rps"]["value"] < found["rps_of_mix"]
    assert found["obuchowski"]["cohort"]["mix"] == pytest.approx([0.2] * 5)
    assert len(found["obuchowski"]["pairs"]) == 10
    assert json.dumps(found, allow_nan=False) == json.dumps(ordinal(given, np.random.default_rng(0), 300))


def test_the_ranked_probability_score_knows_how_far_off_a_forecast_is():
    sure = np.eye(5)
    assert rps(np.array([0, 2, 4]), sure[[0, 2, 4]]) == pytest.approx([0, 0, 0])
    assert rps(np.array([0, 0, 0]), sure[[1, 2, 4]]) == pytest.approx([0.25, 0.5, 1])
    assert rps(np.array([2]), np.full((1, 5), 0.2)) == pytest.approx([(0.2**2 + 0.4**2 + 0.4**2 + 0.2**2) / 4])


def test_the_measure_takes_a_mix_of_the_user_s():
    mix = (0.5, 0.2, 0.1, 0.1, 0.1)
    given = staged()
    found = ordinal(given, np.random.default_rng(0), 50, mix)["obuchowski"]["given"]
    score = expected_stage(given.probabilities)
    assert found["value"] == pytest.approx(by_pairs(given.stage, score, mix))
    assert found["mix"] == list(mix)


def test_a_stage_of_the_mix_that_no_scan_has_gives_null_with_the_reason():
    whole = staged()
    kept = whole.stage != 1
    given = Staged(whole.stage[kept], whole.probabilities[kept], whole.patient[kept], whole.fold[kept])
    found = ordinal(given, np.random.default_rng(0), 50)["obuchowski"]
    assert found["even"]["value"] is None
    assert found["even"]["reason"] == "no scan is F1"
    assert found["cohort"]["interval"][0] < found["cohort"]["value"]


def test_one_stage_or_no_scan_gives_null_with_a_reason():
    nothing = Staged(np.zeros(0, int), np.zeros((0, 5)), np.zeros(0, int), np.zeros(0, int))
    assert ordinal(nothing, np.random.default_rng(0), 50)["rps"]["reason"] == "no scan has a single stage"
    alike = Staged(np.zeros(4, int), np.eye(5)[[0] * 4], np.arange(4), np.arange(4))
    found = ordinal(alike, np.random.default_rng(0), 50)
    assert "fewer than two stages" in found["obuchowski"]["cohort"]["reason"]
    assert "one stage" in found["kappa"]["reason"]
    assert (found["mean_error"]["value"], found["mean_error"]["interval"]) == (0.0, None)
