"""ONNX files compute what torch computes, say what they are, and are not written where they do not."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.segment.cascades import SMALL
from tests.staged import CARD

from fibrolens.errors import ModelError, OutputError, UsageError
from fibrolens.export import onnx as module
from fibrolens.export.onnx import export_segmentation, export_staging
from fibrolens.plan import Plan
from fibrolens.segment.vnet import Cascade
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel, predict
from fibrolens.weights import save_model_folder

onnxruntime = pytest.importorskip("onnxruntime")
DOCS = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(scope="module")
def exported(model_folder, tmp_path_factory):
    return export_staging(model_folder, tmp_path_factory.mktemp("onnx") / "lfs.onnx")


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_it_is_checked_against_double_precision(exported):
    assert set(exported.differences) == {"logits", "probabilities", "map_conv3", "map_conv4"}
    assert max(exported.differences.values()) < 1e-5
    assert not exported.unchanged


def test_any_number_of_slabs_goes_in_and_maps_of_all_stages_come_out(exported, model_folder):
    slabs = torch.rand(3, 1, 16, 128, 128, generator=torch.Generator().manual_seed(5))
    network = StagingModel.load(model_folder).network
    expected = network.grad_cam(slabs, range(5), ("conv3", "conv4"))
    logits, chances, features, *maps = session(exported.path).run(None, {"slabs": slabs.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(features, network.features(slabs), atol=1e-5)
    np.testing.assert_allclose(logits, expected.logits, atol=1e-5)
    np.testing.assert_allclose(chances, expected.logits.softmax(1), atol=1e-5)
    for found, layer in zip(maps, ("conv3", "conv4"), strict=True):
        wanted = expected.raw[layer].transpose(0, 1).numpy()
        assert wanted.any()
        np.testing.assert_allclose(found, wanted, atol=1e-5 * wanted.max())


def test_the_documented_lines_give_stage_and_map_without_torch(exported, model_folder, monkeypatch):
    (code,) = (part.partition("```")[0] for part in DOCS.read_text().split("```python\n")[1:])
    scan = np.random.default_rng(3).random((16, 128, 128), dtype=np.float32)
    names = {"slabs": scan[None, None]}
    monkeypatch.chdir(exported.path.parent)
    exec(code, names)  # noqa: S102  (our own documentation)
    expected = predict(StagingModel.load(model_folder), scan, (0, 15), ["conv4"], range(5))
    np.testing.assert_allclose(names["probabilities"], expected.probabilities, atol=1e-6)
    wanted = expected.maps["conv4"]
    np.testing.assert_allclose(names["maps"][0], wanted, atol=1e-5 * wanted.max())


def test_the_file_says_what_it_is(exported, model_folder, plan):
    facts = session(exported.path).get_modelmeta().custom_metadata_map
    card = json.loads((model_folder / "card.json").read_text())
    assert facts["weights_sha256"] == card["weights_sha256"]
    assert facts["intended_use"] == CARD["intended_use"]
    assert json.loads(facts["plan"])["network"]["channels"] == list(plan.network.channels)
    assert json.loads(facts["recipe"])["maps"]["layers"]["conv3"] == {"cell": [4, 4, 4], "shift": [0.5, 0.5, 0.5]}


def test_the_same_weights_give_the_same_bytes_and_another_file_is_not_replaced(exported, model_folder, tmp_path):
    out = tmp_path / "again.onnx"
    out.write_bytes(b"something else")
    with pytest.raises(UsageError, match="another file"):
        export_staging(model_folder, out)
    assert out.read_bytes() == b"something else"
    assert not export_staging(model_folder, out, overwrite=True).unchanged
    assert export_staging(model_folder, out).unchanged
    assert out.read_bytes() == exported.path.read_bytes()


def test_a_file_that_computes_something_else_is_not_written(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TOLERANCE", 1e-12)
    with pytest.raises(ModelError, match="was not written"):
        export_staging(model_folder, tmp_path / "lfs.onnx")
    assert not list(tmp_path.iterdir())


def test_without_the_runtime_it_is_written_unchecked_and_without_onnx_refused(
    model_folder, exported, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    written = export_staging(model_folder, tmp_path / "lfs.onnx")
    assert written.differences is None
    assert written.path.read_bytes() == exported.path.read_bytes()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"fibrolens\[export\]"):
        export_staging(model_folder, tmp_path / "other.onnx")


@pytest.mark.parametrize("other", [{"covariates": ("age",)}, {"head": "ordinal"}])
def test_a_network_that_knows_more_than_the_image_or_has_another_head_is_refused(plan, tmp_path, other):
    older = replace(plan, network=replace(plan.network, **other))
    save_model_folder(tmp_path / "m", new_network(older.network, 0).state_dict(), older, CARD)
    with pytest.raises(ModelError, match="not exported"):
        export_staging(tmp_path / "m", tmp_path / "lfs.onnx")


@pytest.mark.parametrize("place", ["nowhere", "file"])
def test_a_folder_that_cannot_be_written_is_an_output_error(model_folder, tmp_path, place):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="could not be written"):
        export_staging(model_folder, tmp_path / place / "lfs.onnx")


def test_both_v_nets_of_any_size(tmp_path):
    torch.manual_seed(0)
    cascade = Cascade(SMALL).eval()
    save_model_folder(tmp_path / "m", cascade.state_dict(), SMALL, CARD)
    coarse, fine = export_segmentation(tmp_path / "m", tmp_path / "vnet.onnx")
    assert [one.path.name for one in (coarse, fine)] == ["vnet_coarse.onnx", "vnet_fine.onnx"]
    assert max(*coarse.differences.values(), *fine.differences.values()) < 1e-5
    image = torch.rand(1, 4, 11, 9, 14)
    (scores,) = session(fine.path).run(None, {"image": image.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(scores, cascade.fine(image), atol=1e-4)
    facts = session(coarse.path).get_modelmeta().custom_metadata_map
    assert facts["network"] == "coarse"
    assert json.loads(facts["recipe"])["coarse"]["classes"][3] == "aorta"
    with pytest.raises(ModelError):
        export_staging(tmp_path / "m", tmp_path / "lfs.onnx")


def test_the_default_plan_can_be_exported_as_any(tmp_path):
    plan = Plan()
    small = replace(plan, network=replace(plan.network, channels=(1, 1, 1, 1), hidden=2))
    smaller = replace(small, grid=replace(plan.grid, in_plane=(48, 40)))
    save_model_folder(tmp_path / "m", new_network(smaller.network, 0).state_dict(), smaller, CARD)
    assert export_staging(tmp_path / "m", tmp_path / "lfs.onnx").differences["logits"] < 1e-5
