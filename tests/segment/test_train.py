from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save
from tests.segment.cascades import SMALL, Oracle

from fibrolens.errors import ModelError
from fibrolens.phantom.labels import Organ
from fibrolens.segment.inputs import coarse_size
from fibrolens.segment.train import (
    CHECKPOINT,
    Abdomen,
    Examples,
    TrainingState,
    cascade_loss,
    draw_examples,
    learning_rate_factor,
    segmentation_loss,
    spoil,
    train,
    trained_network,
)
from fibrolens.tensorfile import load_checked, save_checked

LABELS = np.zeros((12, 20, 20), np.uint8)
LABELS[3:9, 5:15, 4:10] = Organ.LIVER
HU = np.where(LABELS > 0, 100, -100).astype(np.int16)
ABDOMENS = [Abdomen(torch.from_numpy(HU), torch.from_numpy(LABELS))]


def losses(folder):
    return [p.loss for p in train(lambda: ABDOMENS, SMALL, folder)]


def test_a_resumed_training_ends_as_an_unbroken_one(tmp_path):
    whole = losses(tmp_path / "whole")
    stopped = train(lambda: ABDOMENS, SMALL, tmp_path / "parts")
    first = [next(stopped).loss for _ in range(3)]  # one step past the checkpoint
    stopped.close()
    assert first == whole[:3]
    assert losses(tmp_path / "parts") == whole[2:]
    ends = [trained_network(tmp_path / name / CHECKPOINT, SMALL) for name in ("whole", "parts")]
    assert [steps for _, steps in ends] == [4, 4]
    assert all(torch.equal(a, b) for a, b in zip(ends[0][0].parameters(), ends[1][0].parameters(), strict=True))


def test_a_step_is_told_before_a_checkpoint_counts_it(tmp_path):
    running = train(lambda: ABDOMENS, SMALL, tmp_path)
    told = [next(running).step for _ in range(SMALL.checkpoint_every)]
    running.close()
    assert next(p.step for p in train(lambda: ABDOMENS, SMALL, tmp_path)) <= told[-1]


@pytest.mark.parametrize("left", [0, 1, 2, 3, 4])
def test_whatever_is_left_of_a_training_is_done_and_no_more(tmp_path, left):
    state = TrainingState.start(SMALL)
    state.step = SMALL.steps - left
    state.save(tmp_path / CHECKPOINT)
    assert len(losses(tmp_path)) == left
    # By a clock that does not run out, the plan's steps are the end.
    state.save(tmp_path / CHECKPOINT)
    assert len(list(train(lambda: ABDOMENS, SMALL, tmp_path, done=lambda step: 0.0))) == left


def test_a_network_that_does_not_learn_stays_as_it_is(tmp_path):
    initial = {name: tensor.clone() for name, tensor in TrainingState.start(SMALL).network.state_dict().items()}
    assert len(list(train(lambda: ABDOMENS, SMALL, tmp_path, initial=initial, learning=("fine",)))) == SMALL.steps
    trained = trained_network(tmp_path / CHECKPOINT, SMALL)[0].state_dict()
    same = {name: torch.equal(tensor, initial[name]) for name, tensor in trained.items()}
    assert all(same[name] == name.startswith("coarse.") for name in same)


def damaged(path):
    """The file with a changed byte, cut off, and well-formed without what `save` says beside the tensors."""
    whole, middle = path.read_bytes(), path.stat().st_size // 2
    yield whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    yield whole[:middle]
    yield save(load_file(path))


def test_a_damaged_checkpoint_is_refused(tmp_path):
    state, path = TrainingState.start(SMALL), tmp_path / CHECKPOINT
    state.save(path)
    for content in list(damaged(path)):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="damaged"):
            losses(tmp_path)


def test_a_checkpoint_of_other_networks_or_another_optimiser_is_refused(tmp_path):
    state, path = TrainingState.start(SMALL), tmp_path / CHECKPOINT
    state.save(path)
    tensors, about = load_checked(path)
    for content in ({}, tensors | {"optimiser.0.momentum": torch.zeros(1)}):
        save_checked(content, path, about)
        with pytest.raises(ModelError, match="remove it to train from the start"):
            losses(tmp_path)


def test_the_average_follows_the_weights_slowly(tmp_path):
    state = TrainingState.start(SMALL)
    state.step = 10_000
    before = next(state.average.parameters()).clone()
    with torch.no_grad():
        next(state.network.parameters()).add_(1)
    state.count_step(200)
    assert torch.allclose(next(state.average.parameters()), before + 0.005, atol=1e-6)


def test_examples_depend_on_seed_and_step():
    first, again, other = (draw_examples(ABDOMENS, SMALL, step) for step in (5, 5, 6))
    assert torch.equal(first.hu, again.hu)
    assert not torch.equal(first.hu, other.hu)


def test_a_training_by_the_clock_ends_with_it_and_keeps_its_last_step(tmp_path):
    steps = [p.step for p in train(lambda: ABDOMENS, SMALL, tmp_path, done=lambda step: step / 3)]
    assert steps == [1, 2, 3]
    assert trained_network(tmp_path / CHECKPOINT, SMALL)[1] == 3


def known_examples():
    """A liver and a spleen that an oracle reads from the intensity."""
    classes = torch.zeros(1, *SMALL.canvas, dtype=torch.uint8)
    classes[:, 4:12, 6:26, 4:16], classes[:, 4:12, 8:24, 22:30] = 1, 2
    levels = torch.tensor([0.0, 150.0, 200.0, 100.0])
    return Examples(levels[classes.int()], classes, np.random.default_rng(0))


def test_both_networks_and_their_targets_see_the_same_place():
    _, dice = cascade_loss(Oracle(), known_examples(), SMALL)
    # The coarse voxels that lie across a border hold values between those of the organs.
    assert (dice[:2] > 0.75).all()
    assert (dice[3:] > 0.99).all()


def test_the_fine_network_is_told_of_organs_where_they_are():
    oracle, plan = Oracle(), replace(SMALL, crops=((12, 32, 32),))
    with patch("fibrolens.segment.train.spoil", lambda scores, rng: scores):
        cascade_loss(oracle, known_examples(), plan)
    hu, told = oracle.fine.seen[0, 0] * 350 - 125, oracle.fine.seen[0, 2:]
    for organ, level in ((0, 150.0), (1, 200.0)):
        there = (hu - level).abs() < 1
        assert told[organ][there].mean() > 0.6
        assert told[organ][~there].mean() < 0.1


def test_spoilt_scores_are_sometimes_silent_and_sometimes_wrong():
    scores = torch.zeros(1, 4, *coarse_size(SMALL))
    scores[:, 1, 3:7, 5:12, 5:12] = 6.0
    right = scores.argmax(1)
    rng = np.random.default_rng(0)
    found = [spoil(scores, rng).argmax(1) for _ in range(60)]
    same, silent = (sum(torch.equal(f, other) for f in found) for other in (right, torch.zeros_like(right)))
    assert 3 <= silent <= 20
    assert 10 <= same <= 35
    assert same + silent < 55


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
    assert learning_rate_factor(0, 0.0, 100) < 0.05
    assert learning_rate_factor(99, 0.1, 100) > 0.9
    assert learning_rate_factor(999, 0.999, 100) < 0.03
    assert learning_rate_factor(1999, 1.7, 100) >= 0.02 - 1e-9


def test_what_nobody_outlined_may_be_background_or_the_organ():
    logits = torch.zeros(2, 3, 2, 2, 2)
    logits[:, 2] = 40.0
    target = torch.zeros(2, 2, 2, 2, dtype=torch.int64)
    unlabelled = torch.tensor([[False, False, True, True]] * 2)
    logits.requires_grad_()
    loss, dice = segmentation_loss(logits, target, unlabelled)
    loss.backward()
    assert loss < 1e-4
    assert dice[1] == 1
    assert logits.grad.abs().max() < 1e-6
    assert segmentation_loss(logits, target)[0] > 10
    one = torch.tensor([[False, False, True, True], [False] * 4])
    assert 15 < segmentation_loss(logits, target, one)[0] < 25


def test_a_liver_is_learnt_where_the_spleen_is_unlabelled():
    logits = torch.zeros(1, 3, 2, 2, 2, requires_grad=True)
    target = torch.ones(1, 2, 2, 2, dtype=torch.int64)
    segmentation_loss(logits, target, torch.tensor([[False, False, True, True]]))[0].backward()
    assert (logits.grad[:, 1] < 0).all()
    assert (logits.grad[:, 2] > 0).all()


def test_training_begins_with_given_weights(tmp_path):
    initial = TrainingState.start(replace(SMALL, seed=5)).network.state_dict()
    list(train(lambda: ABDOMENS, replace(SMALL, steps=1, learning_rate=0.0), tmp_path, initial=initial))
    found, _ = trained_network(tmp_path / CHECKPOINT, SMALL)
    assert all(torch.equal(t, initial[name]) for name, t in found.state_dict().items())
