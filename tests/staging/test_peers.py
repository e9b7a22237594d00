"""Two processes that share each batch learn what one process learns."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.peer_processes import in_processes
from tests.staging.test_train import PLAN, KillAfter, KilledError
from torch import nn

from fibrolens.errors import UsageError
from fibrolens.staging.data import StagingCase
from fibrolens.staging.packed import packed
from fibrolens.staging.peers import ALONE, PLACE, Peers, joined
from fibrolens.staging.shared_norm import share_norms
from fibrolens.staging.stopping import STOPPING
from fibrolens.staging.train import LOG, WEIGHTS, train

#: Everything that a loss may hold, in batches that two cannot share evenly, with an inner split.
RICH = replace(
    PLAN,
    network=replace(PLAN.network, normalise="all"),
    training=replace(
        PLAN.training, batch=3, steps=7, signs_weight=1.0, parts_weight=1.0, averaging=0.5, check_every=2, patience=9
    ),
)
ACTIVATIONS = torch.randn((5, 3, 2, 4, 4), generator=torch.Generator().manual_seed(0)) * 3 + 1


def rich_cases():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (8, 10, 16, 16), dtype=np.uint8)
    images[4:, :, :8] += 120
    return [
        StagingCase(
            str(k), str(k), (4 * (k >= 4),), image, 1, 8,
            signs=np.array([float(k), 1.0], np.float32), parts=(image > 110).astype(np.uint8),
        )
        for k, image in enumerate(images)
    ]  # fmt: skip


def learnt(peers, folder):
    """Train; then go on with what one process had begun; then train on packed images."""
    cases = rich_cases()
    train(cases[::2], RICH, folder / "whole", inner=cases[1::2], peers=peers)
    train(cases[::2], RICH, folder / "killed", inner=cases[1::2], peers=peers)
    train(packed(cases[::2], folder / "images", peers), RICH, folder / "packed", inner=cases[1::2], peers=peers)


def normalised(peers, folder):
    """Output, gradients and statistics of a batch normalisation, each process with its rows."""
    norm = nn.Sequential(nn.BatchNorm3d(3))
    if peers.size > 1:
        share_norms(norm)
    x = ACTIVATIONS[peers.rows(5).start : peers.rows(5).stop].clone().requires_grad_()
    out = norm(x)
    out.pow(3).sum().backward()
    kept = {"out": out.detach(), "gradient": x.grad, **norm.state_dict()}
    kept |= {"weight.grad": norm[0].weight.grad, "bias.grad": norm[0].bias.grad}
    peers.add_up([kept["weight.grad"], kept["bias.grad"]])
    save_file({name: tensor.contiguous() for name, tensor in kept.items()}, folder / f"norm{peers.rank}of{peers.size}")


def both(peers, folder):
    learnt(peers, folder)
    normalised(peers, folder)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """What two processes left; one process had begun ``killed``."""
    folder = tmp_path_factory.mktemp("shared")
    cases = rich_cases()
    with pytest.raises(KilledError):
        train(cases[::2], RICH, folder / "killed", inner=cases[1::2], progress=KillAfter(5))
    in_processes(2, both, folder)
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    cases = rich_cases()
    train(cases[::2], RICH, folder, inner=cases[1::2])
    normalised(ALONE, folder)
    return folder


def losses(folder):
    return [json.loads(line)["loss"] for line in (folder / LOG).read_text().splitlines()]


@pytest.mark.parametrize("name", ["whole", "killed"])
def test_two_processes_have_the_losses_and_the_weights_of_one(shared, alone, name):
    np.testing.assert_allclose(losses(shared / name), losses(alone), rtol=1e-5)
    expected, found = load_file(alone / WEIGHTS), load_file(shared / name / WEIGHTS)
    assert expected.keys() == found.keys()
    for key in expected:
        # AdamW makes steps as long by a gradient that is hardly more than its rounding.
        torch.testing.assert_close(found[key], expected[key], rtol=1e-4, atol=1e-5)


def test_two_processes_stop_where_one_stops(shared, alone):
    found, expected = (json.loads((folder / STOPPING).read_text()) for folder in (shared / "whole", alone))
    assert found["kept_step"] == expected["kept_step"]
    np.testing.assert_allclose(found["kept_losses"], expected["kept_losses"], rtol=1e-5)


def test_images_that_the_leading_process_packed_are_seen_by_all(shared):
    found, expected = (load_file(shared / name / WEIGHTS) for name in ("packed", "whole"))
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_a_shared_batch_normalisation_is_that_of_the_whole_batch(shared, alone):
    expected = load_file(alone / "norm0of1")
    first, second = (load_file(shared / f"norm{rank}of2") for rank in (0, 1))
    for name in ("out", "gradient"):
        torch.testing.assert_close(torch.cat([first[name], second[name]]), expected[name], rtol=1e-4, atol=1e-4)
    for name in expected.keys() - {"out", "gradient"}:
        torch.testing.assert_close(first[name], expected[name], rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(second[name], first[name], rtol=0, atol=0)


def test_rows_are_shared_out_whole():
    shares = [Peers(rank, 3).rows(7) for rank in range(3)]
    assert [row for share in shares for row in share] == list(range(7))
    assert [len(share) for share in shares] == [2, 2, 3]
    assert ALONE.rows(4) == range(4)


def surrounded(monkeypatch, **environment):
    """What a cluster or torchrun leaves in the environment, and nothing else of theirs."""
    for name in PLACE:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


#: What torchrun tells the first of two processes.
TOLD = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29555"}


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "2"}, {"WORLD_SIZE": "many"}, TOLD | {"WORLD_SIZE": "1"}])
def test_alone_nothing_is_exchanged(monkeypatch, environment):
    surrounded(monkeypatch, **environment)
    with joined() as peers:
        values = torch.ones(3)
        peers.add_up([values])
        peers.wait()
    assert peers == ALONE
    assert peers.leads
    assert values.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("wrong", [{"RANK": "first"}, {"WORLD_SIZE": "many"}, {"MASTER_PORT": "here"}])
def test_processes_that_cannot_be_joined_are_wrong_use(monkeypatch, wrong):
    surrounded(monkeypatch, **TOLD | wrong)
    with pytest.raises(UsageError, match=r"cannot be joined by WORLD_SIZE, RANK.*start it by torchrun"), joined():
        pass


def test_more_processes_than_slabs_are_refused(tmp_path):
    with pytest.raises(UsageError, match="4 processes cannot share a batch of 3"):
        train(rich_cases(), RICH, tmp_path, peers=Peers(0, 4))
