import numpy as np
import torch

from fibrolens.phantom.labels import Organ
from fibrolens.plan import SegmentationPlan
from fibrolens.segment.train import (
    Abdomen,
    TrainingState,
    batch,
    learning_rate_factor,
    segmentation_loss,
    train,
    trained_network,
)

PLAN = SegmentationPlan(channels=(4, 8), convolutions=(1, 1), steps=4, batch=1, checkpoint_every=2)
LABELS = np.zeros((12, 20, 20), np.uint8)
LABELS[3:9, 5:15, 4:10] = Organ.LIVER
ABDOMENS = [Abdomen(np.where(LABELS > 0, 100, -100).astype(np.int16), LABELS)]


def losses(folder, plan=PLAN):
    return [p.loss for p in train(lambda: ABDOMENS, plan, folder, (8, 16, 16))]


def test_a_resumed_training_ends_as_an_unbroken_one(tmp_path):
    whole = losses(tmp_path / "whole")
    stopped = train(lambda: ABDOMENS, PLAN, tmp_path / "parts", (8, 16, 16))
    first = [next(stopped).loss for _ in range(3)]  # one step past the checkpoint
    stopped.close()
    assert first == whole[:3]
    assert losses(tmp_path / "parts") == whole[2:]
    ends = [trained_network(tmp_path / name / "checkpoint.pt", PLAN) for name in ("whole", "parts")]
    assert [steps for _, steps in ends] == [4, 4]
    assert all(torch.equal(a, b) for a, b in zip(ends[0][0].parameters(), ends[1][0].parameters(), strict=True))


def test_the_average_follows_the_weights_slowly(tmp_path):
    state = TrainingState.start(PLAN)
    state.step = 10_000
    before = next(state.average.parameters()).clone()
    with torch.no_grad():
        next(state.network.parameters()).add_(1)
    state.count_step()
    assert torch.allclose(next(state.average.parameters()), before + 0.005, atol=1e-6)


def test_an_example_depends_on_seed_and_step():
    assert torch.equal(batch(ABDOMENS, PLAN, (8, 16, 16), 5)[0], batch(ABDOMENS, PLAN, (8, 16, 16), 5)[0])
    assert not torch.equal(batch(ABDOMENS, PLAN, (8, 16, 16), 5)[0], batch(ABDOMENS, PLAN, (8, 16, 16), 6)[0])


def test_a_perfect_answer_costs_nothing_and_a_wrong_one_much():
    target = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    target[:, :2] = 1
    target[:, 2, :2] = 2
    right = torch.nn.functional.one_hot(target, 4).movedim(-1, 1) * 40.0
    loss, dice = segmentation_loss(right, target)
    assert loss < 1e-4
    assert torch.allclose(dice, torch.ones(3))
    assert segmentation_loss(right.roll(1, 1), target)[0] > 1


def test_the_learning_rate_warms_up_and_falls():
    assert learning_rate_factor(0, 1000) < 0.05
    assert learning_rate_factor(99, 1000) > 0.9
    assert learning_rate_factor(999, 1000) < 0.03
