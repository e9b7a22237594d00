import pytest
import torch

from fibrolens.errors import ExplanationError
from fibrolens.explain.passes import score_of
from fibrolens.explain.targets import NAMES, against_far_end, at_least, contrast, expected_stage, target

LOGITS = torch.tensor([[0.3, -1.0, 0.2, 1.5, 0.9], [2.0, 0.0, 0.1, -0.4, -3.0]], dtype=torch.float64)
CHANCES = torch.softmax(LOGITS, dim=1)


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_at_least_is_the_log_odds_of_the_probability(stage):
    chance = CHANCES[:, stage:].sum(dim=1)
    torch.testing.assert_close(at_least(stage)(LOGITS), torch.logit(chance))


def test_the_expected_stage_is_the_mean_of_the_stages():
    torch.testing.assert_close(expected_stage(LOGITS), (CHANCES * torch.arange(5)).sum(dim=1))


def test_a_contrast_is_the_logarithm_of_the_ratio_of_two_probabilities():
    torch.testing.assert_close(contrast(4, 0)(LOGITS), torch.log(CHANCES[:, 4] / CHANCES[:, 0]))


@pytest.mark.parametrize(("stage", "far"), [(0, 4), (1, 4), (2, 0), (3, 0), (4, 0)])
def test_a_stage_stands_against_the_end_of_the_scale_that_is_farther_away(stage, far):
    torch.testing.assert_close(against_far_end(stage)(LOGITS), LOGITS[:, stage] - LOGITS[:, far])


def test_every_name_is_a_target_with_a_score_per_input():
    assert (
        *("F0", "F1", "F2", "F3", "F4", "at_least_F1", "at_least_F2", "at_least_F3", "at_least_F4"),
        *("expected", "F4-F0"),
    ) == NAMES
    for name in NAMES:
        assert score_of(LOGITS, target(name)).shape == (2,)
    torch.testing.assert_close(score_of(LOGITS, target("F3-F1")), LOGITS[:, 3] - LOGITS[:, 1])
    torch.testing.assert_close(score_of(LOGITS, target("F2")), LOGITS[:, 2])


@pytest.mark.parametrize("name", ["F5", "at_least_F0", "F4-F4", "F4-", "", "mean"])
def test_another_name_is_refused(name):
    with pytest.raises(ExplanationError, match=r"There is no target .* choose one of F0"):
        target(name)


def test_a_function_that_gives_something_else_than_a_score_per_input_is_refused():
    with pytest.raises(ExplanationError, match=r"shape \(2, 5\)"):
        score_of(LOGITS, lambda logits: logits)
    with pytest.raises(ExplanationError, match=r"shape \(\)"):
        score_of(LOGITS, lambda logits: logits.sum())
