import numpy as np
import pytest

from fibrolens.phantom.severity import LSVR, SPLEEN_ML, paper_stages, sample_signs


@pytest.fixture(scope="module")
def signs():
    rng = np.random.default_rng(0)
    return {stage: [sample_signs(rng, stage) for _ in range(1500)] for stage in range(5)}


@pytest.mark.parametrize("stage", range(5))
def test_spleen_and_lsvr_have_the_published_means(signs, stage):
    assert np.mean([s.spleen_volume_ml for s in signs[stage]]) == pytest.approx(SPLEEN_ML[stage][0], rel=0.1)
    assert np.mean([s.lsvr for s in signs[stage]]) == pytest.approx(LSVR[stage][0], rel=0.1)


def test_signs_correlate_by_a_half_within_a_stage(signs):
    values = np.log([(s.spleen_volume_ml, s.lsvr, s.nodularity_mm, s.texture_sd_hu) for s in signs[0]])
    pairs = np.corrcoef(values.T)[np.triu_indices(4, 1)]
    assert pairs == pytest.approx(np.full(6, 0.5), abs=0.08)


def test_ascites_and_varices_belong_to_advanced_disease(signs):
    assert not any(s.ascites or s.varices for s in signs[0])
    assert np.mean([s.ascites for s in signs[4]]) == pytest.approx(0.20, abs=0.04)
    assert np.mean([s.varices for s in signs[4]]) == pytest.approx(0.45, abs=0.05)


def test_a_stage_beyond_f4_is_refused():
    with pytest.raises(ValueError, match="stage must be 0 to 4"):
        sample_signs(np.random.default_rng(0), 5)


def test_the_papers_own_size_gives_the_papers_own_counts():
    assert np.bincount(paper_stages(252)).tolist() == [134, 8, 10, 18, 82]


@pytest.mark.parametrize("n", [0, 1, 4, 5, 6, 10, 60, 101])
def test_a_scaled_mix_has_the_right_size_and_every_stage_from_five_patients_on(n):
    stages = paper_stages(n)
    assert len(stages) == n
    assert n < 5 or set(stages) == {0, 1, 2, 3, 4}
