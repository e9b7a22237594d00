import math

import pytest
import torch
from torch import nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.integrated import blank
from fibrolens.explain.occlusion import grown_in, occlusion


class Sum(nn.Module):
    """The score is the sum of all voxels, and twice that."""

    def forward(self, x):
        total = x.flatten(1).sum(dim=1)
        return torch.stack([total, 2 * total], dim=1)


def box(n, *sides):
    mask = torch.zeros(n, 6, 8, 10, dtype=torch.bool)
    mask[(slice(None), *sides)] = True
    return mask


X = torch.full((1, 1, 6, 8, 10), 0.25)


def bright_box():
    x = X.clone()
    x[0, 0, 2:4, 2:5, 3:7] = 1.0
    return x, box(1, slice(2, 4), slice(2, 5), slice(3, 7))


def test_a_region_on_an_even_background_is_filled_with_the_background():
    x, mask = bright_box()
    torch.testing.assert_close(grown_in(x, mask), X)


def test_what_is_not_masked_stays_and_the_fill_lies_between_its_surroundings():
    x = torch.rand(2, 2, 5, 7, 9, generator=torch.Generator().manual_seed(0))
    mask = torch.rand(2, 5, 7, 9, generator=torch.Generator().manual_seed(1)) > 0.4
    filled = grown_in(x, mask)
    torch.testing.assert_close(filled.transpose(0, 1)[:, ~mask], x.transpose(0, 1)[:, ~mask])
    assert filled.min() >= x.min()
    assert filled.max() <= x.max()


def test_a_slope_is_grown_in_smoothly():
    slope = torch.linspace(0, 1, 32).expand(1, 1, 4, 8, 32)
    mask = torch.zeros(1, 4, 8, 32, dtype=torch.bool)
    mask[..., 12:20] = True
    inside = grown_in(slope, mask)[0, 0, 2, 4]
    assert (inside[1:] - inside[:-1]).min() > -0.02
    assert (inside - slope[0, 0, 2, 4]).abs().max() < 0.15


def test_what_is_near_counts_more_than_what_is_far():
    slope = torch.linspace(0, 1, 32).expand(1, 1, 4, 8, 32)
    mask = torch.zeros(1, 4, 8, 32, dtype=torch.bool)
    mask[..., 26:30] = True
    assert (grown_in(slope, mask) - slope).abs().max() < 0.15, "close to the bright end, far from the mean of all"


def test_what_is_known_at_the_far_edge_alone_fills_the_rest_whatever_the_size():
    x = torch.rand(1, 1, 5, 7, 9, generator=torch.Generator().manual_seed(0))
    x[..., -1] = 0.5
    mask = torch.ones(1, 5, 7, 9, dtype=torch.bool)
    mask[..., -1] = False
    torch.testing.assert_close(grown_in(x, mask), torch.full_like(x, 0.5))


def test_nothing_known_is_filled_with_zero_and_nothing_masked_stays():
    assert (grown_in(X, torch.ones(1, 6, 8, 10, dtype=torch.bool)) == 0).all()
    assert torch.equal(grown_in(X, torch.zeros(1, 6, 8, 10, dtype=torch.bool)), X)


def test_the_effect_is_by_how_much_the_score_falls():
    x, mask = bright_box()
    elsewhere = box(1, slice(0, 1), slice(0, 2), slice(0, 2))
    found = occlusion(Sum(), x, [0, lambda logits: logits[:, 1]], {"box": mask, "corner": elsewhere})
    assert found.regions == ("box", "corner")
    # 24 voxels fall from 1 to 0.25.
    torch.testing.assert_close(found.effects[0, :, 0], torch.tensor([18.0, 36.0]))
    # The corner is as bright as what surrounds it, but for a trace of the box.
    assert found.effects[1].abs().max() < 0.2
    torch.testing.assert_close(found.density[0, :, 0], torch.tensor([0.75, 1.5]))
    assert found.voxels[:, 0].tolist() == [24.0, 4.0]


def test_an_empty_region_has_no_effect_and_no_density():
    with torch.inference_mode():
        found = occlusion(Sum(), X, [0], {"none": box(1, slice(0, 0))})
    assert not found.logits.is_inference(), "they may go on into a training"
    assert found.effects.item() == 0
    assert math.isnan(found.density.item())


def test_a_mask_of_another_size_is_refused_and_the_model_handed_back():
    model = Sum().train()
    with pytest.raises(ExplanationError, match="mask of liver has the shape"):
        occlusion(model, X, [0], {"liver": torch.zeros(1, 2, 2, 2, dtype=torch.bool)})
    with pytest.raises(ExplanationError, match="Target 5"):
        occlusion(model, X, [5], {})
    assert model.training


def test_a_blank_input_is_the_mean_of_each_channel():
    x = torch.rand(2, 3, 4, 5)
    assert torch.equal(blank(x)[1, 2], x[1, 2].mean().expand(4, 5))


@pytest.mark.parametrize("size", [(7,), (5, 9), (3, 5, 6)])
def test_any_spatial_rank_is_filled(size):
    x = torch.rand(1, 1, *size)
    mask = torch.zeros(1, *size, dtype=torch.bool)
    mask[(0, *(side // 2 for side in size))] = True
    assert torch.isfinite(grown_in(x, mask)).all()
