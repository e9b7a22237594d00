"""A file of another program gives its tensors, and runs nothing."""

import json
import os
import warnings
from collections import OrderedDict

import pytest
import torch
from tests.transport.conftest import NETWORK, write_plan_text

from fibrolens.errors import ModelError, UsageError
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel
from fibrolens.transport.foreign import Origin, import_weights, read_tensors
from fibrolens.transport.verify import verify
from fibrolens.weights import load_model_folder

NETWORK_7 = new_network(NETWORK, 7)
STATE = NETWORK_7.state_dict()
ORIGIN = Origin("theirs", "400 CTs of their hospital")


def saved(content, path):
    torch.save(content, path)
    return path


def named(prefix):
    return {f"{prefix}{name}": tensor for name, tensor in STATE.items()}


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        OrderedDict(STATE),
        {"state_dict": STATE, "epoch": 3, "best": 0.5},
        {"model": named("module.")},
        {"optimizer": {"state": {}}, "net": named("module._orig_mod.")},
        {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in STATE.items()},
        {name: torch.nn.Parameter(tensor) if tensor.is_floating_point() else tensor for name, tensor in STATE.items()},
    ],
    ids=["plain", "ordered", "wrapped", "parallel", "compiled", "double", "parameters"],
)
def test_weights_arrive_as_a_model_folder_that_stages(content, toy, tmp_path):
    assert not import_weights(saved(content, tmp_path / "theirs.pth"), toy, tmp_path / "m", ORIGIN)
    model = load_model_folder(tmp_path / "m")
    assert all(torch.equal(model.weights[name], tensor) for name, tensor in STATE.items())
    assert (model.card["name"], model.card["trained_on"]) == ("theirs", "400 CTs of their hospital")
    assert "Research use only" in model.card["intended_use"]
    assert model.card["figures"] == {}
    verify(tmp_path / "m")
    assert StagingModel.load(tmp_path / "m").domain is None


def test_segmentation_weights_arrive_too(organs, tmp_path):
    from tests.segment.cascades import SMALL  # noqa: PLC0415

    from fibrolens.segment.vnet import Cascade  # noqa: PLC0415

    theirs = Cascade(SMALL).state_dict()
    import_weights(saved(theirs, tmp_path / "theirs.pth"), organs, tmp_path / "m", ORIGIN)
    assert load_model_folder(tmp_path / "m").segments


class Program:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"echo ran > {self.path}",)


@pytest.mark.parametrize("place", ["alone", "beside", "inside"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_holds_a_program_runs_nothing(toy, tmp_path, place, zipped):
    evil = Program(tmp_path / "ran")
    content = {"alone": evil, "beside": {"state_dict": STATE, "hook": evil}, "inside": {**STATE, "hook": evil}}[place]
    torch.save(content, tmp_path / "evil.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"evil\.pth is damaged or holds more than tensors"):
        import_weights(tmp_path / "evil.pth", toy, tmp_path / "m", ORIGIN)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "m").exists()


def test_a_whole_network_and_a_script_are_refused(toy, tmp_path):
    torch.save(NETWORK_7, tmp_path / "whole.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "script.pth"))
    for name in ("whole.pth", "script.pth"):
        with pytest.raises(ModelError, match="more than tensors"):
            read_tensors(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"PK\x03\x04 broken", b"\x80\x04K\x01."])
def test_a_damaged_file_is_said_so(tmp_path, content):
    (tmp_path / "broken.pth").write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.pth"):
        read_tensors(tmp_path / "broken.pth")


def test_a_missing_file_is_said_so(tmp_path):
    with pytest.raises(ModelError, match="is missing"):
        read_tensors(tmp_path / "none.pth")


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {},
        {"state_dict": {}},
        {"a": "text"},
        {"a": torch.zeros(2).to_sparse()},
        {"a": torch.zeros(2, dtype=torch.complex64)},
        {1: torch.zeros(2)},
        torch.zeros(3),
    ],
    ids=["list", "empty", "empty_inside", "text", "sparse", "complex", "numbered", "tensor"],
)
def test_what_is_no_state_dictionary_is_refused(tmp_path, content):
    with pytest.raises(ModelError, match="state_dict"):
        read_tensors(saved(content, tmp_path / "odd.pth"))


def changed(**changes):
    return {
        **{name: t for name, t in STATE.items() if name not in changes},
        **{n: t for n, t in changes.items() if t is not None},
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (changed(**{"head.bias": None}), r"head\.bias is missing"),
        (changed(extra=torch.zeros(1)), "extra is none of its tensors"),
        (changed(**{"head.bias": torch.zeros(7)}), r"head\.bias is \(7,\) instead of \(5,\)"),
        (changed(**{"head.bias": torch.full((5,), torch.nan)}), r"head\.bias holds values that are not finite"),
        (named("theirs."), r"and \d+ more"),
    ],
    ids=["missing", "unknown", "shape", "nan", "names"],
)
def test_weights_of_another_network_are_refused_by_name(toy, tmp_path, content, told):
    with pytest.raises(ModelError, match=told):
        import_weights(saved(content, tmp_path / "other.pth"), toy, tmp_path / "m", ORIGIN)
    assert not (tmp_path / "m").exists()


def test_a_plan_to_be_like_that_asks_for_more_memory_than_there_is_is_refused(toy, tmp_path):
    plan = json.loads((toy / "plan.json").read_text())
    plan["network"]["channels"] = [65536] * 4
    write_plan_text(toy, json.dumps(plan))
    with pytest.raises(ModelError, match=r"does not fit its plan\.json"):
        import_weights(saved(STATE, tmp_path / "theirs.pth"), toy, tmp_path / "m", ORIGIN)


def test_tensors_that_share_their_memory_are_kept_apart(tmp_path):
    base = torch.arange(10.0)
    found = read_tensors(saved({"a": base[:4], "b": base[2:6]}, tmp_path / "shared.pth"))
    assert found["a"].tolist() == [0, 1, 2, 3]
    assert found["a"].untyped_storage().data_ptr() != found["b"].untyped_storage().data_ptr()


def test_an_import_is_left_alone_or_replaced(toy, tmp_path):
    file = saved(STATE, tmp_path / "theirs.pth")
    import_weights(file, toy, tmp_path / "m", ORIGIN)
    assert import_weights(file, toy, tmp_path / "m", ORIGIN)
    with pytest.raises(UsageError, match="other inputs"):
        import_weights(file, toy, tmp_path / "m", Origin("another"))
    import_weights(file, toy, tmp_path / "m", Origin("another"), overwrite=True)
    assert load_model_folder(tmp_path / "m").card["name"] == "another"
    with pytest.raises(UsageError, match="not a fibrolens result"):
        import_weights(file, toy, toy, ORIGIN, overwrite=True)
