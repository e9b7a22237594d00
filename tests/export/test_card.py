"""The model card says what the folder knows, and what it does not."""

import pytest
from tests.full_disk import full_disk
from tests.segment.cascades import SMALL
from tests.staged import CARD

from fibrolens.errors import ModelError, OutputError, UsageError
from fibrolens.export.card import export_card
from fibrolens.segment.vnet import Cascade
from fibrolens.weights import load_model_folder, save_model_folder, shipped


def card(folder, tmp_path, **options):
    out = tmp_path / "card.md"
    export_card(folder, out, **options)
    return out.read_text()


def test_the_card_of_the_shipped_weights(tmp_path):
    told = card(shipped("lfs"), tmp_path)
    files = load_model_folder(shipped("lfs"))
    assert told.startswith("# Model card: lfs-small\n\n**Research use only.")
    assert f"`{files.sha256}`" in told
    assert "| auc at least F2 | 0.9153 |" in told
    assert "hold the true stage in 90% of scans like these: 1368 simulated CTs" in told
    assert "These weights have never seen a patient." in told
    assert "- diagnosis or treatment of any patient" in told
    assert '"spacing_mm"' in told


def test_what_a_folder_does_not_know_is_said(model_folder, tmp_path):
    told = card(model_folder, tmp_path)
    assert "The folder holds none: nothing here says how well" in told
    for missing in ("No stage sets", "No domain check", "without training"):
        assert missing in told
    assert "As those who trained it" not in told


def test_the_card_of_the_v_nets_says_nothing_of_stages(tmp_path):
    save_model_folder(tmp_path / "m", Cascade(SMALL).state_dict(), SMALL, CARD)
    told = card(tmp_path / "m", tmp_path)
    assert "Two V-Nets" in told
    assert "stage sets" not in told


def test_another_file_is_not_replaced(model_folder, tmp_path):
    out = tmp_path / "card.md"
    out.write_text("mine")
    with pytest.raises(UsageError, match="another file"):
        export_card(model_folder, out)
    assert not export_card(model_folder, out, overwrite=True)
    assert export_card(model_folder, out)


def test_a_folder_without_a_model_and_a_place_that_is_none(model_folder, tmp_path):
    with pytest.raises(ModelError, match="missing"):
        export_card(tmp_path, tmp_path / "card.md")
    with pytest.raises(OutputError, match="could not be written"):
        export_card(model_folder, tmp_path / "nowhere" / "card.md")


def test_a_card_that_finds_no_room_leaves_the_one_before(model_folder, tmp_path):
    out = tmp_path / "card.md"
    out.write_text("of another model")

    with full_disk(), pytest.raises(OutputError, match="could not be written"):
        export_card(model_folder, out, overwrite=True)

    assert out.read_text() == "of another model"
