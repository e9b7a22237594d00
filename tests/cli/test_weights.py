"""`fibrolens weights` from the command line."""

import pytest
import torch

from fibrolens import cli
from fibrolens.weights import load_model_folder, shipped


def told(capsys, *arguments, status=0):
    assert cli.main(["weights", *map(str, arguments)]) == status
    said = capsys.readouterr()
    return said.err if status else said.out


def test_the_shipped_weights_are_verified_without_being_named(capsys):
    page = told(capsys, "verify")
    for name in ("lfs", "vnet"):
        assert f"{shipped(name)}: weights.safetensors {load_model_folder(shipped(name)).sha256}" in page


def test_they_are_bundled_verified_and_installed(capsys, tmp_path):
    bundle = tmp_path / "weights.zip"
    assert "lfs, vnet" in told(capsys, "bundle", "--out", bundle)
    assert "every file of lfs, vnet is as listed" in told(capsys, "verify", bundle)
    assert "verified and installed" in told(capsys, "install", bundle, "--out", tmp_path / "models")
    assert "installed before" in told(capsys, "install", bundle, "--out", tmp_path / "models")
    assert load_model_folder(tmp_path / "models" / "lfs").sha256 == load_model_folder(shipped("lfs")).sha256


def test_one_bad_folder_among_good_ones_is_named_and_ends_with_status_4(capsys, tmp_path):
    assert cli.main(["weights", "verify", str(shipped("lfs")), str(tmp_path / "none"), str(shipped("vnet"))]) == 4
    said = capsys.readouterr()
    assert "is missing" in said.err
    assert str(tmp_path / "none") in said.err
    assert said.out.count("weights.safetensors") == 2


def test_a_foreign_file_is_imported(capsys, tmp_path):
    weights = load_model_folder(shipped("lfs")).weights
    torch.save({"state_dict": dict(weights)}, tmp_path / "theirs.pth")
    given = ("import", tmp_path / "theirs.pth", "--out", tmp_path / "m", "--trained-on", "their CTs")
    assert "tensors alone" in told(capsys, *given)
    assert load_model_folder(tmp_path / "m").card["trained_on"] == "their CTs"
    assert "does not fit" in told(capsys, *given[:3], tmp_path / "n", "--what", "segmentation", status=4)


def test_an_action_is_needed(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["weights"])
    assert stop.value.code == 2
    assert "usage: fibrolens weights" in capsys.readouterr().err
