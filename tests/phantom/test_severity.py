import numpy as np
import pytest

from fibrolens.phantom.severity import (
    LSVR,
    SIGNS,
    SPLEEN_ML,
    STRONG,
    Scores,
    paper_stages,
    sample_scores,
    sign_values,
)


def signs_of(stage, n=1500, strong=()):
    rng = np.random.default_rng(stage)
    return [sign_values(sample_scores(rng), dict.fromkeys(SIGNS, stage), strong) for _ in range(n)]


@pytest.fixture(scope="module")
def signs():
    return {stage: signs_of(stage) for stage in range(5)}


def auc(low, high):
    return float(np.mean(np.asarray(high)[:, None] > np.asarray(low)[None]))


@pytest.mark.parametrize("stage", range(5))
def test_spleen_and_lsvr_have_the_published_means(signs, stage):
    assert np.mean([s.spleen_volume_ml for s in signs[stage]]) == pytest.approx(SPLEEN_ML[stage][0], rel=0.1)
    assert np.mean([s.lsvr for s in signs[stage]]) == pytest.approx(LSVR[stage][0], rel=0.1)


@pytest.mark.parametrize("stage", range(5))
def test_spleen_volume_has_the_published_spread(signs, stage):
    assert np.std([s.spleen_volume_ml for s in signs[stage]]) == pytest.approx(SPLEEN_ML[stage][1], rel=0.2)


@pytest.mark.parametrize("stage", [0, 4])
def test_signs_correlate_by_a_half_within_a_stage(signs, stage):
    values = np.log([(s.spleen_volume_ml, s.lsvr, s.lsn, s.texture_sd_hu) for s in signs[stage]])
    pairs = np.corrcoef(values.T)[np.triu_indices(4, 1)]
    assert pairs == pytest.approx(np.full(6, 0.5), abs=0.08)


def test_ascites_and_varices_belong_to_advanced_disease(signs):
    assert not any(s.ascites or s.varices for s in signs[0])
    assert np.mean([s.ascites for s in signs[4]]) == pytest.approx(0.20, abs=0.04)
    assert np.mean([s.varices for s in signs[4]]) == pytest.approx(0.45, abs=0.05)


def test_septa_come_with_coarse_texture(signs):
    assert np.mean([s.septa_hu for s in signs[4]]) > 2 * np.mean([s.septa_hu for s in signs[0]])
    assert max(s.septa_hu for s in signs[4]) <= 8


@pytest.mark.parametrize(
    ("sign", "attribute"),
    [("spleen", "spleen_volume_ml"), ("lobes", "lsvr"), ("surface", "nodularity_mm"), ("texture", "texture_sd_hu")],
)
def test_a_strong_sign_separates_cirrhosis_from_a_healthy_liver(sign, attribute):
    healthy, cirrhotic = ([getattr(s, attribute) for s in signs_of(k, 400, {sign})] for k in (0, 4))
    assert auc(healthy, cirrhotic) >= 0.98
    assert sign in STRONG


def test_a_sign_moved_to_another_stage_leaves_the_others_alone():
    scores = sample_scores(np.random.default_rng(3))
    all_four = sign_values(scores, dict.fromkeys(SIGNS, 4))
    moved = sign_values(scores, dict.fromkeys(SIGNS, 4) | {"spleen": 0})
    assert moved.spleen_volume_ml < all_four.spleen_volume_ml
    assert moved.lsvr == all_four.lsvr
    assert moved.lsn == all_four.lsn


def test_the_median_patient_has_the_median_of_the_published_lognormal():
    median = sign_values(Scores(0.0, dict.fromkeys(SIGNS, 0.0)), dict.fromkeys(SIGNS, 0))
    mean, sd = SPLEEN_ML[0]
    assert median.spleen_volume_ml == pytest.approx(mean / np.sqrt(1 + (sd / mean) ** 2))


def test_a_stage_beyond_f4_is_refused():
    with pytest.raises(ValueError, match="stage must be 0 to 4"):
        sign_values(sample_scores(np.random.default_rng(0)), dict.fromkeys(SIGNS, 5))


def test_the_papers_own_size_gives_the_papers_own_counts():
    assert np.bincount(paper_stages(252)).tolist() == [134, 8, 10, 18, 82]


@pytest.mark.parametrize("n", [0, 1, 4, 5, 6, 10, 60, 101])
def test_a_scaled_mix_has_the_right_size_and_every_stage_from_five_patients_on(n):
    stages = paper_stages(n)
    assert len(stages) == n
    assert n < 5 or set(stages) == {0, 1, 2, 3, 4}
