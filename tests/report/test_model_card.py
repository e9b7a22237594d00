"""The model card of a study's networks."""

import json
import re
import shutil

import pytest

from fibrolens.output import file_sha256
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.model_card import write_model_card


@pytest.fixture(scope="module")
def study(evaluated, tmp_path_factory):
    out = tmp_path_factory.mktemp("card") / "study"
    shutil.copytree(evaluated, out)
    for fold in range(2):
        (out / "folds" / str(fold)).mkdir(parents=True)
        (out / "folds" / str(fold) / "weights.safetensors").write_text(f"fold {fold}")
    write_model_card(Facts.read(out), out)
    return out


def card(study) -> str:
    return (study / "model_card.md").read_text()


def test_the_card_says_what_it_is_for_and_what_not(study):
    assert "Research use only. Not a medical device" in card(study)
    assert "## Intended use" in card(study)
    assert "diagnosis or treatment of any patient" in card(study)
    assert "External testing: None" in card(study)


def test_weights_are_named_by_their_hash(study):
    digests = [file_sha256(study / "folds" / str(fold) / "weights.safetensors") for fold in range(2)]
    assert all(digest in card(study) for digest in digests)
    assert json.loads((study / "model_card.json").read_text())["weights_sha256"] == digests


def test_figures_are_those_of_the_evaluation(study, evaluation):
    found = json.loads((study / "model_card.json").read_text())["figures"]
    for name, threshold in evaluation["thresholds"].items():
        assert found[name]["auc"]["value"] == threshold["auc"]["value"]
        assert found[name]["sensitivity"] == threshold["operating_point"]["sensitivity"]
        assert f"{threshold['auc']['value']:.2f} [" in card(study)


def test_groups_shortcuts_and_calibration_are_told_or_said_to_be_absent(study, tmp_path):
    content = json.loads((study / "evaluation.json").read_text())
    for subject in ("subgroups", "shortcuts", "calibration"):
        content.pop(subject, None)
    shutil.copytree(study, tmp_path / "older")
    (tmp_path / "older" / "evaluation.json").write_text(json.dumps(content))
    write_model_card(Facts.read(tmp_path / "older"), tmp_path / "older")
    told = card(tmp_path / "older")
    assert "Not evaluated." in told
    assert "was not audited" in told
    assert "Calibration was not measured" in told
    content["shortcuts"] = {"level": "alarm"}
    (tmp_path / "older" / "evaluation.json").write_text(json.dumps(content))
    write_model_card(Facts.read(tmp_path / "older"), tmp_path / "older")
    assert "the figures above may owe to that" in card(tmp_path / "older")


def test_tables_are_whole_and_no_scan_is_named(study):
    lines = [line for line in card(study).splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in lines)
    assert not re.search(r"\b[sp]\d+\b", card(study))
