import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from fibrolens.errors import ModelError
from fibrolens.output import file_sha256
from fibrolens.plan import NetworkPlan, SegmentationPlan
from fibrolens.staging.network import LFSNetwork, new_network
from fibrolens.weights import digest, load_model_folder, save_model_folder, shipped

PLAN = NetworkPlan(channels=(2, 2, 3, 3), kernel=(3, 3, 3), pooled=(1, 2, 2), hidden=4)
SEGMENTATION = SegmentationPlan()
CARD = {"name": "toy", "trained_on": "nothing", "intended_use": "tests", "figures": {"auc": 0.5}, "seed": 1}


@pytest.fixture
def weights():
    return new_network(PLAN, 1).state_dict()


@pytest.fixture
def folder(tmp_path, weights):
    save_model_folder(tmp_path / "toy", weights, SEGMENTATION, CARD)
    return tmp_path / "toy"


def test_a_folder_comes_back_as_it_was_saved(folder, weights):
    model = load_model_folder(folder)
    assert all(torch.equal(model.weights[name], t) for name, t in weights.items())
    assert model.plan(SegmentationPlan) == SEGMENTATION
    assert model.card["figures"] == {"auc": 0.5}
    assert model.card["weights_sha256"] == model.sha256
    assert model.domain is None
    assert {p.name for p in folder.iterdir()} == {"weights.safetensors", "plan.json", "card.json"}


def test_equal_models_give_equal_bytes(tmp_path, weights):
    a, b = (save_model_folder(tmp_path / name, weights, SEGMENTATION, CARD) for name in "ab")
    assert a == b
    assert (tmp_path / "a" / "card.json").read_bytes() == (tmp_path / "b" / "card.json").read_bytes()


def test_half_precision_is_stored_small_and_read_as_float32(tmp_path, weights):
    save_model_folder(tmp_path / "half", weights, SEGMENTATION, CARD, half=True)
    stored = load_file(tmp_path / "half" / "weights.safetensors")
    assert stored["conv2.0.weight"].dtype == torch.float16
    assert stored["conv2.1.running_var"].dtype == torch.float32
    read = load_model_folder(tmp_path / "half").weights
    assert all(t.dtype in (torch.float32, torch.int64) for t in read.values())
    torch.testing.assert_close(read["conv2.0.weight"], weights["conv2.0.weight"], atol=1e-3, rtol=1e-3)


def test_saving_again_replaces_the_folder(folder, weights):
    save_model_folder(folder, weights, SEGMENTATION, {**CARD, "name": "second"}, domain={"mean": torch.zeros(2)})
    model = load_model_folder(folder)
    assert model.card["name"] == "second"
    assert model.domain is not None
    save_model_folder(folder, weights, SEGMENTATION, CARD)
    assert load_model_folder(folder).domain is None


def test_fill_sets_weights_and_evaluation(folder, weights):
    network = LFSNetwork(PLAN)
    load_model_folder(folder).fill(network)
    assert not network.training
    assert torch.equal(network.head.weight, weights["head.weight"])


def test_weights_of_another_shape_are_refused_by_name(folder):
    wider = LFSNetwork(NetworkPlan(channels=(2, 2, 3, 4), kernel=(3, 3, 3), pooled=(1, 2, 2), hidden=4))
    with pytest.raises(ModelError, match=r"weights\.safetensors.*conv4"):
        load_model_folder(folder).fill(wider)


@pytest.mark.parametrize("name", ["weights.safetensors", "plan.json", "card.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_model_folder(folder)


def test_truncated_weights_are_refused(folder):
    content = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"weights\.safetensors is not the file that card\.json pins"):
        load_model_folder(folder)


def test_weights_that_the_card_does_not_describe_are_refused(folder, weights):
    save_file({name: t + 1 for name, t in weights.items()}, folder / "weights.safetensors")
    with pytest.raises(ModelError, match="SHA-256"):
        load_model_folder(folder)


def test_weights_that_are_not_finite_are_refused(tmp_path, weights):
    broken = {**weights, "head.bias": torch.full((5,), torch.nan)}
    save_model_folder(tmp_path / "nan", broken, SEGMENTATION, CARD)
    with pytest.raises(ModelError, match=r"head\.bias"):
        load_model_folder(tmp_path / "nan")


def test_a_card_must_say_what_the_model_is(folder, tmp_path, weights):
    with pytest.raises(ModelError, match="intended_use"):
        save_model_folder(
            tmp_path / "x", weights, SEGMENTATION, {"name": "x", "trained_on": "y", "figures": {}, "seed": 0}
        )
    (folder / "card.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(ModelError, match=r"card\.json lacks"):
        load_model_folder(folder)


def test_shipped_folders_lie_inside_the_package():
    assert shipped("lfs").parts[-3:] == ("fibrolens", "shipped", "lfs")


def test_the_digest_depends_on_names_and_values():
    one = digest({"a": torch.ones(2), "b": torch.zeros(2)})
    assert one == digest({"b": torch.zeros(2), "a": torch.ones(2)})
    assert one != digest({"a": torch.zeros(2), "b": torch.ones(2)})
    assert digest(None) is None


def test_a_plan_that_asks_for_more_memory_than_there_is_is_refused(folder):
    huge = replace(PLAN, channels=(65536,) * 4, hidden=65536)
    with pytest.raises(ModelError, match=r"does not fit its plan\.json"):
        load_model_folder(folder).filled(lambda: LFSNetwork(huge))


def test_a_network_that_cannot_be_built_is_refused(folder):
    with pytest.raises(ModelError, match="describes no network"):
        load_model_folder(folder).filled(lambda: torch.nn.Conv3d(0, 2, -3))


def test_complex_weights_are_refused(tmp_path, weights):
    name = next(iter(weights))
    save_model_folder(tmp_path / "toy", weights | {name: weights[name].to(torch.complex64)}, SEGMENTATION, CARD)
    with pytest.raises(ModelError, match="holds complex numbers"):
        load_model_folder(tmp_path / "toy").filled(lambda: LFSNetwork(PLAN))


#: Those that this version of torch knows.
SHORT = [
    getattr(torch, name)
    for name in ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu")
    if hasattr(torch, name)
]


def stored_as(folder, kind):
    """The folder with its first tensor of ones, stored as numbers of this kind."""
    tensors = load_file(folder / "weights.safetensors")
    name = min(tensors)
    save_file(tensors | {name: torch.ones(4).to(kind)}, folder / "weights.safetensors")
    card = json.loads((folder / "card.json").read_text())
    card["weights_sha256"] = file_sha256(folder / "weights.safetensors")
    (folder / "card.json").write_text(json.dumps(card))
    return name


@pytest.mark.parametrize("kind", SHORT, ids=str)
def test_short_floating_point_numbers_are_read_as_float32_and_have_a_digest(folder, kind):
    name = stored_as(folder, kind)
    weights = load_model_folder(folder).weights
    assert weights[name].dtype == torch.float32
    assert weights[name].tolist() == [1.0] * 4
    assert digest(weights) == digest(dict(weights))


@pytest.mark.parametrize("kind", [torch.float64, torch.int64, torch.uint16, torch.uint64, torch.bool], ids=str)
def test_other_numbers_stay_what_they_are_and_have_a_digest(folder, kind):
    name = stored_as(folder, kind)
    weights = load_model_folder(folder).weights
    assert weights[name].dtype == kind
    assert digest(weights) == digest(dict(weights))


@pytest.mark.skipif(not hasattr(torch, "float4_e2m1fn_x2"), reason="this version of torch has no such numbers")
def test_numbers_with_which_nothing_can_be_computed_are_refused(folder, monkeypatch):
    packed = torch.zeros(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    monkeypatch.setattr("fibrolens.weights.load_file", lambda path: {"conv": packed})
    with pytest.raises(ModelError, match=r"holds conv as torch\.float4_e2m1fn_x2"):
        load_model_folder(folder)


@pytest.mark.parametrize("name", ["plan.json", "card.json", "calibration.json", "attention_reference.json"])
def test_every_file_that_a_result_depends_on_is_in_the_hash_of_the_folder(folder, name):
    before = load_model_folder(folder)
    content = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
    # A card of an earlier version has no pin of the plan.
    card = json.loads((folder / "card.json").read_text())
    del card["plan_sha256"]
    (folder / "card.json").write_text(json.dumps(card))
    unpinned = load_model_folder(folder)
    (folder / name).write_text(json.dumps(content | {"weights_sha256": before.sha256}, indent=7))

    after = load_model_folder(folder)

    assert after.sha256 == before.sha256
    assert len({before.files_sha256, unpinned.files_sha256, after.files_sha256}) == 3


def test_a_plan_that_is_not_the_one_of_the_card_is_refused(folder):
    (folder / "plan.json").write_text((folder / "plan.json").read_text() + " ")
    with pytest.raises(ModelError, match=r"plan\.json is not the file that card\.json pins"):
        load_model_folder(folder)
