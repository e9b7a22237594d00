"""`fibrolens export onnx`, `bundle` and `card` from the command line."""

from pathlib import Path

import pytest

from fibrolens import cli
from fibrolens.export.onnx import Exported
from fibrolens.weights import shipped


@pytest.fixture
def asked(monkeypatch):
    """Stands for the exports themselves, which tests/export checks; keeps what they were asked."""
    told = []

    def staging(folder, out, overwrite):
        told.append((folder, overwrite))
        return Exported(out, {"logits": 4e-7}, unchanged=False)

    def segmentation(folder, out, overwrite):
        told.append((folder, overwrite))
        return [Exported(Path("a_coarse.onnx"), None, unchanged=False), Exported(Path("a_fine.onnx"), None, True)]

    def same(folder, out, overwrite):
        told.append((folder, overwrite))
        return False

    monkeypatch.setattr("fibrolens.export.onnx.export_staging", staging)
    monkeypatch.setattr("fibrolens.export.onnx.export_segmentation", segmentation)
    monkeypatch.setattr("fibrolens.export.bundle.export_bundle", same)
    monkeypatch.setattr("fibrolens.export.card.export_card", same)
    return told


def test_the_shipped_staging_network_is_exported_and_the_difference_told(asked, capsys):
    assert cli.main(["export", "onnx", "--out", "lfs.onnx"]) == 0
    assert asked == [(shipped("lfs"), False)]
    told = capsys.readouterr().out
    assert "lfs.onnx: largest difference from torch in double precision: logits 4.0e-07; research use only" in told


def test_both_v_nets_and_what_was_not_checked(asked, capsys):
    assert cli.main(["export", "onnx", "--what", "segmentation", "--out", "a.onnx", "--overwrite"]) == 0
    assert asked == [(shipped("vnet"), True)]
    coarse, fine = capsys.readouterr().out.splitlines()
    assert coarse.startswith("a_coarse.onnx: not checked, since ONNX Runtime is not installed (pip install")
    assert fine.startswith("a_fine.onnx: the same as before; not checked")


@pytest.mark.parametrize("kind", ["bundle", "card"])
def test_bundle_and_card_of_own_weights(asked, capsys, kind):
    assert cli.main(["export", kind, "--model", "mine", "--out", "there"]) == 0
    assert asked == [(Path("mine"), False)]
    assert capsys.readouterr().out.startswith("there: ")


def test_another_ending_and_a_folder_without_a_model(capsys, tmp_path):
    assert cli.main(["export", "onnx", "--out", "lfs.pt"]) == 2
    assert "needs the ending .onnx" in capsys.readouterr().err
    assert cli.main(["export", "bundle", "--model", str(tmp_path), "--out", str(tmp_path / "out")]) == 4
    assert "weights.safetensors is missing" in capsys.readouterr().err
