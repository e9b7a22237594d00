import numpy as np
import pytest
import torch

from fibrolens.staging.heads import MIDDLE, SPREAD, OrdinalHead, RegressionHead, new_head, regressed

FEATURES = torch.randn((7, 6), generator=torch.Generator().manual_seed(0))


def probabilities(head):
    with torch.no_grad():
        return torch.softmax(head(FEATURES).double(), dim=1).numpy()


def test_the_ordinal_head_is_the_proportional_odds_model():
    head = OrdinalHead(6)
    with torch.no_grad():
        above = torch.sigmoid((head.score(FEATURES) - head.cuts).double()).numpy()
    at_least = probabilities(head)[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    np.testing.assert_allclose(at_least, above, atol=1e-6)


def test_the_ordinal_heads_scores_are_logarithms_of_probabilities():
    with torch.no_grad():
        torch.testing.assert_close(OrdinalHead(6)(FEATURES).exp().sum(dim=1), torch.ones(7))


def test_the_ordinal_head_keeps_its_digits_far_from_the_cuts():
    head = OrdinalHead(1)
    with torch.no_grad():
        head.score.weight.fill_(1.0)
        scores = head(torch.tensor([[-60.0], [60.0]]))
    assert torch.isfinite(scores).all()
    assert scores.argmax(dim=1).tolist() == [0, 4]


def test_cuts_ascend_whatever_was_learnt():
    head = OrdinalHead(2)
    with torch.no_grad():
        head.gaps.copy_(torch.tensor([-5.0, 3.0, -1.0]))
    assert (head.cuts.diff() > 0).all()


def test_the_regression_head_is_a_normal_distribution_around_its_number():
    head = RegressionHead(6)
    with torch.no_grad():
        number = head.number(FEATURES).double().numpy()
    density = np.exp(-((number - np.arange(5)) ** 2) / (2 * SPREAD**2))
    np.testing.assert_allclose(probabilities(head), density / density.sum(axis=1, keepdims=True), atol=1e-6)


def test_the_number_comes_back_from_the_scores():
    head = RegressionHead(6)
    with torch.no_grad():
        torch.testing.assert_close(regressed(head(FEATURES)), head.number(FEATURES)[:, 0])


def test_a_regression_begins_in_the_middle_of_the_stages():
    assert float(RegressionHead(3).number.bias.detach()) == MIDDLE == 2.0


@pytest.mark.parametrize("name", ["softmax", "ordinal", "regression"])
def test_every_head_gives_a_score_per_stage(name):
    assert new_head(name, 6)(FEATURES).shape == (7, 5)
