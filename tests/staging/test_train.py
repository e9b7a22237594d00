import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fibrolens.errors import CohortError, ModelError
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan, TrainingPlan
from fibrolens.staging.checkpoint import made_of
from fibrolens.staging.data import StagingCase, draw_batch
from fibrolens.staging.network import new_network
from fibrolens.staging.stopping import STOPPING
from fibrolens.staging.train import CHECKPOINT, LOG, Learner, PartsHead, learning_rate, train

PLAN = Plan(
    grid=GridPlan(in_plane=(16, 16)),
    slab=SlabPlan(8, 4),
    network=NetworkPlan(channels=(2, 2, 3, 3), kernel=(3, 3, 3), pooled=(1, 2, 2), hidden=4, dropout=0.5),
    training=TrainingPlan(steps=6, batch=2, warmup_steps=2, checkpoint_every=3, learning_rate=0.02),
)


class KilledError(Exception):
    pass


class KillAfter:
    """A reporter that stops the training like a kill would, between two checkpoints."""

    def __init__(self, steps):
        self.left = steps

    def advance(self, n=1, note=""):
        self.left -= n
        if self.left == 0:
            raise KilledError


@pytest.fixture
def cases():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (6, 10, 16, 16), dtype=np.uint8)
    images[3:, :, :8] += 120
    return [StagingCase(str(k), str(k), (4 * (k >= 3),), image, 1, 8) for k, image in enumerate(images)]


@pytest.mark.parametrize("killed_after", [2, 4, 5])
def test_a_killed_training_ends_with_the_same_weights(cases, tmp_path, killed_after):
    whole = load_file(train(cases, PLAN, tmp_path / "whole"))
    with pytest.raises(KilledError):
        train(cases, PLAN, tmp_path / "killed", progress=KillAfter(killed_after))
    torch.rand(7)
    resumed = load_file(train(cases, PLAN, tmp_path / "killed"))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (tmp_path / "whole" / LOG).read_text() == (tmp_path / "killed" / LOG).read_text()


def with_signs(cases):
    return [replace(case, signs=np.array([float(case.stage), 1.0], np.float32)) for case in cases]


def planned(**training):
    return replace(PLAN, training=replace(PLAN.training, **training))


def learnable(**training):
    """A plan by which these few small pictures can be learnt."""
    plan = planned(shift_mm=1.5, rotation_deg=5.0, batch=4, **training)
    return replace(plan, network=replace(PLAN.network, dropout=0.0, hidden=8))


def test_a_killed_training_with_signs_and_averaging_ends_with_the_same_weights(cases, tmp_path):
    plan = planned(signs_weight=1.0, averaging=0.5)
    whole = load_file(train(with_signs(cases), plan, tmp_path / "whole"))
    with pytest.raises(KilledError):
        train(with_signs(cases), plan, tmp_path / "killed", progress=KillAfter(4))
    resumed = load_file(train(with_signs(cases), plan, tmp_path / "killed"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_signs_are_learnt_but_their_head_is_not_written(cases, tmp_path):
    plan = planned(signs_weight=1.0)
    taught = load_file(train(with_signs(cases), plan, tmp_path / "taught"))
    assert taught.keys() == new_network(PLAN.network, 0).state_dict().keys()
    untaught = load_file(train(cases, plan, tmp_path / "untaught"))
    assert not torch.equal(taught["conv1.0.weight"], untaught["conv1.0.weight"])


def test_signs_without_weight_or_of_some_cases_only_change_nothing(cases, tmp_path):
    plain = load_file(train(cases, PLAN, tmp_path / "plain"))
    unweighted = load_file(train(with_signs(cases), PLAN, tmp_path / "unweighted"))
    some = [*with_signs(cases)[:3], *cases[3:]]
    partly = load_file(train(some, planned(signs_weight=1.0), tmp_path / "partly"))
    for name, tensor in plain.items():
        assert torch.equal(tensor, unweighted[name])
        assert torch.equal(tensor, partly[name])


def with_chances(cases, chances):
    return [replace(case, chances=np.array(chances, np.float32)) for case in cases]


def slope(learner, batch, probabilities):
    """Gradient of the loss where the network says `probabilities`, which the training shifts."""
    logits = (torch.tensor(probabilities).log() - learner.shift).repeat(len(batch.allowed), 1).requires_grad_()
    return torch.autograd.grad(learner.stage_loss(logits, batch), logits)[0]


def test_soft_stages_learn_the_chances_of_the_signs(cases):
    chances = [0.2, 0.1, 0.1, 0.1, 0.5]
    some = with_chances(cases, chances)
    # As many F0 as F4 are drawn, and the prior is that of the cases: nothing is shifted.
    at_best = slope(Learner(planned(soft_stages=1.0), some), draw_batch(some, PLAN, 0), chances)
    assert torch.allclose(at_best, torch.zeros(2, 5), atol=1e-6)


def test_soft_stages_shift_the_chances_to_how_often_a_stage_is_drawn(cases):
    plan = planned(soft_stages=1.0, prior=(4.0, 1.0, 1.0, 1.0, 1.0))
    some = with_chances(cases, [0.8, 1e-6, 1e-6, 1e-6, 0.2])
    at_best = slope(Learner(plan, some), draw_batch(some, plan, 0), [0.5, 1e-6, 1e-6, 1e-6, 0.5])
    assert torch.allclose(at_best, torch.zeros(2, 5), atol=1e-4)


def test_the_loss_of_a_set_is_that_of_its_summed_probability(cases):
    some = [replace(case, stages=(0, 1)) for case in cases]
    learner, batch = Learner(PLAN, some), draw_batch(some, PLAN, 0)
    logits = torch.tensor([[1.0, 2.0, 0.5, -1.0, 0.0]] * 2)
    expected = -(logits[0] + learner.shift).softmax(0)[:2].sum().log()
    assert learner.stage_loss(logits, batch).item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_set_is_trained_on(cases, tmp_path):
    some = [replace(case, stages=(2, 3)) if case.stage == 4 else case for case in cases]
    weights = load_file(train(some, learnable(steps=60), tmp_path))
    network = new_network(learnable().network, 0)
    network.load_state_dict(weights)
    slabs = torch.from_numpy(np.stack([case.image[1:9] for case in cases])).float()[:, None] / 255
    with torch.no_grad():
        chances = network.eval()(slabs).softmax(1)
    assert (chances[3:, 2:4].sum(1) > 0.7).all()
    assert (chances[:3, 0] > 0.7).all()


def test_chances_without_share_or_of_some_cases_only_change_nothing(cases, tmp_path):
    plain = load_file(train(cases, PLAN, tmp_path / "plain"))
    known = with_chances(cases, [0.2] * 5)
    unweighted = load_file(train(known, PLAN, tmp_path / "unweighted"))
    partly = load_file(train([*known[:3], *cases[3:]], planned(soft_stages=1.0), tmp_path / "partly"))
    wholly = load_file(train(known, planned(soft_stages=1.0), tmp_path / "wholly"))
    for name, tensor in plain.items():
        assert torch.equal(tensor, unweighted[name])
        assert torch.equal(tensor, partly[name])
    assert not torch.equal(plain["head.weight"], wholly["head.weight"])


def with_parts(cases):
    return [replace(case, parts=(case.image > 110).astype(np.uint8)) for case in cases]


def test_parts_are_learnt_but_their_head_is_not_written(cases, tmp_path):
    taught = load_file(train(with_parts(cases), planned(parts_weight=1.0), tmp_path / "taught"))
    assert taught.keys() == new_network(PLAN.network, 0).state_dict().keys()
    untaught = load_file(train(cases, PLAN, tmp_path / "untaught"))
    assert not torch.equal(taught["conv4.0.weight"], untaught["conv4.0.weight"])


def test_the_head_of_the_parts_learns_what_fills_each_cell():
    rng = np.random.default_rng(0)
    parts = torch.from_numpy(np.kron(rng.integers(0, 3, (2, 2, 4, 4)), np.ones((1, 4, 4, 4))).astype(np.uint8))
    cells = torch.stack([(parts[:, ::4, ::4, ::4] == number).float() for number in (1, 2)], 1)
    shares = torch.tensor([0.3, 0.3])
    head = PartsHead(2, shares)
    spread = (cells - 0.3).square().mean((0, 2, 3, 4)) / shares
    torch.testing.assert_close(head.loss(cells, parts), spread.mean())
    with torch.no_grad():
        head.read.weight.copy_(torch.eye(2)[:, :, None, None, None])
        head.read.bias.zero_()
    assert head.loss(cells, parts) < 1e-6
    assert head.loss(cells.flip(4), parts) > 0.5


def test_a_part_that_hardly_occurs_does_not_outweigh_the_others():
    rare, common = PartsHead(1, torch.tensor([1e-6])), PartsHead(1, torch.tensor([1e-3]))
    cells, parts = torch.zeros(1, 1, 2, 2, 2), torch.ones(1, 4, 4, 4, dtype=torch.uint8)
    torch.testing.assert_close(rare.loss(cells, parts), common.loss(cells, parts), rtol=0.01, atol=0)


def test_parts_without_weight_or_of_some_cases_only_change_nothing(cases, tmp_path):
    plain = load_file(train(cases, PLAN, tmp_path / "plain"))
    unweighted = load_file(train(with_parts(cases), PLAN, tmp_path / "unweighted"))
    some = [*with_parts(cases)[:3], *cases[3:]]
    partly = load_file(train(some, planned(parts_weight=1.0), tmp_path / "partly"))
    for name, tensor in plain.items():
        assert torch.equal(tensor, unweighted[name])
        assert torch.equal(tensor, partly[name])


def test_averaged_weights_lie_between_those_of_the_steps(cases, tmp_path):
    steps = [load_file(train(cases, planned(steps=n, learning_rate=0.01), tmp_path / str(n))) for n in (1, 2)]
    # Both steps lie in the warm-up, whose rates do not depend on the number of steps.
    half = planned(steps=2, learning_rate=0.01, averaging=0.5)
    mean = load_file(train(cases, half, tmp_path / "mean"))
    expected = (steps[0]["head.weight"] + steps[1]["head.weight"]) / 2
    torch.testing.assert_close(mean["head.weight"], expected)


def test_frozen_layers_stay_as_they_are(cases, tmp_path):
    initial = new_network(PLAN.network, 9).state_dict()
    tuned = load_file(train(cases, planned(frozen=("conv1", "conv2")), tmp_path, initial=initial))
    same = {name for name in tuned if torch.equal(tuned[name], initial[name])}
    assert {name for name in tuned if name.startswith(("conv1", "conv2"))} <= same
    assert not {"conv3.0.weight", "conv3.1.running_mean", "head.weight"} & same


def test_training_leaves_the_global_generator_as_it_was(cases, tmp_path):
    before = torch.random.get_rng_state()
    train(cases, PLAN, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("known", ["signs", "chances", "parts"])
def test_other_knowledge_of_the_same_scans_is_another_training(cases, tmp_path, known):
    plan = planned(signs_weight=1.0, parts_weight=1.0)
    complete = with_parts(with_chances(with_signs(cases), [0.2] * 5))
    train(complete, plan, tmp_path)
    other = [replace(case, **{known: getattr(case, known) + 1}) for case in complete]
    with pytest.raises(ModelError, match="set of scans"):
        train(other, plan, tmp_path)


def test_the_seed_decides(cases, tmp_path):
    other = replace(PLAN, training=replace(PLAN.training, seed=1))
    a, b = (load_file(train(cases, p, tmp_path / str(k))) for k, p in enumerate((PLAN, other)))
    assert not torch.equal(a["head.weight"], b["head.weight"])


def test_the_loss_falls_where_stages_differ_plainly(cases, tmp_path):
    plan = replace(PLAN, training=replace(PLAN.training, steps=80, batch=4, warmup_steps=5))
    train(cases, plan, tmp_path)
    losses = [json.loads(line)["loss"] for line in (tmp_path / LOG).read_text().splitlines()]
    assert len(losses) == 80
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])


def test_initial_weights_are_where_it_starts(cases, tmp_path):
    plan = replace(PLAN, training=replace(PLAN.training, steps=1, learning_rate=0.0, weight_decay=0.0))
    initial = new_network(PLAN.network, 9).state_dict()
    tuned = load_file(train(cases, plan, tmp_path, initial=initial))
    assert torch.equal(tuned["head.weight"], initial["head.weight"])


def test_learning_rate_warms_up_and_falls_to_zero():
    plan = TrainingPlan(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(step, plan) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == max(rates) == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0)


def test_a_checkpoint_of_other_scans_or_another_start_is_refused(cases, tmp_path):
    train(cases, PLAN, tmp_path)
    with pytest.raises(ModelError, match="another set of scans"):
        train(cases[:-1], PLAN, tmp_path)
    other = new_network(PLAN.network, seed=99).state_dict()
    with pytest.raises(ModelError, match="another start"):
        train(cases, PLAN, tmp_path, initial=other)


@pytest.mark.parametrize("change", [{"liver_first": 2}, {"liver_last": 7}])
def test_a_checkpoint_is_not_gone_on_with_where_a_mask_was_corrected(cases, tmp_path, change):
    train(cases, PLAN, tmp_path)
    with pytest.raises(ModelError, match="another set of scans"):
        train([replace(cases[0], **change), *cases[1:]], PLAN, tmp_path)


def test_scans_to_train_on_are_told_from_those_of_the_inner_split(cases):
    a, b = cases[:2]
    made = [made_of(*split)["set of scans"] for split in (([a, b], PLAN, None, []), ([a], PLAN, None, [b]))]
    assert made[0] != made[1]


def test_another_plan_or_a_damaged_checkpoint_is_refused(cases, tmp_path):
    train(cases, PLAN, tmp_path)
    with pytest.raises(ModelError, match="another plan"):
        train(cases, replace(PLAN, training=replace(PLAN.training, batch=3)), tmp_path)
    whole = (tmp_path / CHECKPOINT).read_bytes()
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    for damaged in (b"not a checkpoint", whole[:-8], changed, whole.replace(b'"step":"', b'"step":"9', 1)):
        (tmp_path / CHECKPOINT).write_bytes(damaged)
        with pytest.raises(ModelError, match="damaged"):
            train(cases, PLAN, tmp_path)


def test_no_case_is_refused(tmp_path):
    with pytest.raises(CohortError):
        train([], PLAN, tmp_path)


def test_a_killed_training_with_an_inner_split_ends_with_the_same_weights(cases, tmp_path):
    plan = planned(check_every=1, patience=9)
    some, inner = cases[1:-1], (cases[0], cases[-1])
    whole = load_file(train(some, plan, tmp_path / "whole", inner=inner))
    with pytest.raises(KilledError):
        train(some, plan, tmp_path / "killed", progress=KillAfter(5), inner=inner)
    resumed = load_file(train(some, plan, tmp_path / "killed", inner=inner))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (tmp_path / "whole" / STOPPING).read_bytes() == (tmp_path / "killed" / STOPPING).read_bytes()
