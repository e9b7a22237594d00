import torch

from fibrolens.plan import SegmentationPlan
from fibrolens.segment.inputs import prior, windowed

PLAN = SegmentationPlan()


def test_windows_scale_to_zero_and_one():
    hu = torch.tensor([[[-2000.0, -125.0, 50.0, 225.0, 1000.0]]])
    seen = windowed(hu, PLAN.windows_hu)
    assert seen.shape == (2, 1, 1, 5)
    assert torch.allclose(seen[0].flatten(), torch.tensor([0, 0, 0.5, 1, 1]))
    assert windowed(hu[None], PLAN.windows_hu).shape == (1, 2, 1, 1, 5)


def test_the_fine_network_is_told_of_liver_and_spleen():
    scores = torch.tensor([0.0, 9.0, 0.0, 0.0]).reshape(1, 4, 1, 1, 1)
    assert torch.allclose(prior(scores, PLAN).flatten(), torch.tensor([1.0, 0.0]), atol=1e-3)
