"""A MONAI bundle: what MONAI asks for is there, and MONAI computes from it what `stage` computes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.staged import CARD, simulated

from fibrolens.errors import ModelError, UsageError
from fibrolens.export.bundle import SCHEMA, export_bundle
from fibrolens.io import write_nifti
from fibrolens.phantom.labels import Organ
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel, predict
from fibrolens.view import NetworkView
from fibrolens.weights import save_model_folder

# What MONAI and ignite warn of while they are loaded is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")

#: By MONAI's schema of 2024-07-25.
REQUIRED = {
    "schema", "version", "monai_version", "pytorch_version", "numpy_version", "required_packages_version", "task",
    "description", "authors", "copyright", "network_data_format",
}  # fmt: skip
REQUIRED_OF_TENSORS = {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range"}


@pytest.fixture(scope="module")
def bundle(model_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "lfs"
    assert not export_bundle(model_folder, out)
    return out


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A simulated CT with its labels, as files for MONAI."""
    folder = tmp_path_factory.mktemp("data")
    rendering = simulated()
    labels = rendering.hu.with_array((rendering.labels.array == Organ.LIVER).astype(np.uint8))
    for name, volume in (("images", rendering.hu), ("labels", labels)):
        (folder / name).mkdir()
        write_nifti(volume, folder / name / "P1.nii.gz")
    return folder, rendering.hu, labels


def test_monai_gives_the_probabilities_of_stage(monai, bundle, scan, model_folder, tmp_path):
    folder, ct, labels = scan
    monai.bundle.run(
        config_file=str(bundle / "configs" / "inference.json"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        bundle_root=str(bundle),
        dataset_dir=str(folder),
        output_dir=str(tmp_path / "eval"),
    )
    told = json.loads((tmp_path / "eval" / "P1.json").read_text())
    model = StagingModel.load(model_folder)
    view = NetworkView.of(ct, labels, model.plan.grid)
    expected = predict(model, view.image.array, view.liver_range, ()).probabilities
    np.testing.assert_allclose(list(told["stage"]["probabilities"].values()), expected, atol=1e-4)
    assert told["intended_use"].startswith("Research use only")


def parsed(monai, bundle, scan):
    parser = monai.bundle.ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    parser["bundle_root"], parser["dataset_dir"] = str(bundle), str(scan[0])
    return parser


def test_every_part_that_monai_knows_by_name_is_there(monai, bundle, scan):
    workflow = monai.bundle.ConfigWorkflow(
        config_file=str(bundle / "configs" / "inference.json"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        workflow_type="infer",
        bundle_root=str(bundle),
        dataset_dir=str(scan[0]),
    )
    workflow.initialize()
    assert workflow.check_properties() == []


def test_monais_grad_cam_is_the_map_of_the_recipe(monai, bundle, scan):
    parser = parsed(monai, bundle, scan)
    network, (item,) = parser.get_parsed_content("network"), parser.get_parsed_content("dataset")
    slab = item["image"].as_tensor()[:1, None]
    expected = network.grad_cam(slab, [3], ("conv4",)).maps["conv4"][0, 0]
    found = monai.visualize.GradCAM(network, "conv4", postprocessing=lambda maps: maps)(slab, class_idx=3)[0, 0]
    assert expected.any()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * float(expected.max()))


def test_the_metadata_hold_what_the_schema_requires(bundle):
    told = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert told["schema"] == SCHEMA
    assert set(told) >= REQUIRED
    tensors = [*told["network_data_format"]["inputs"].values(), *told["network_data_format"]["outputs"].values()]
    assert all(set(tensor) >= REQUIRED_OF_TENSORS for tensor in tensors)
    assert told["network_data_format"]["inputs"]["image"]["spatial_shape"] == [16, 128, 128]
    assert told["intended_use"] == CARD["intended_use"]


def test_the_models_folder_is_one_of_ours_without_any_pickle(bundle, model_folder):
    assert StagingModel.load(bundle / "models").sha256 == StagingModel.load(model_folder).sha256
    files = {path.name for path in bundle.rglob("*") if path.is_file()}
    assert files == {
        "metadata.json", "inference.json", "maps.json", "weights.safetensors", "plan.json", "card.json", "README.md",
        "model_card.md", "manifest.json",
    }  # fmt: skip


def test_the_same_bundle_is_left_alone_and_another_folder_is_not_replaced(bundle, model_folder, tmp_path):
    before = (bundle / "manifest.json").stat().st_mtime_ns
    assert export_bundle(model_folder, bundle)
    assert (bundle / "manifest.json").stat().st_mtime_ns == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(UsageError):
        export_bundle(model_folder, tmp_path / "mine", overwrite=True)


def test_networks_that_see_a_part_are_refused(plan, tmp_path):
    part = replace(plan, region="liver_only")
    save_model_folder(tmp_path / "m", new_network(part.network, 0).state_dict(), part, CARD)
    with pytest.raises(ModelError, match="part of the scan"):
        export_bundle(tmp_path / "m", tmp_path / "out")
    assert not (tmp_path / "out").exists()
