"""A hospital's packet: from a study, or from CTs that fixed weights have staged."""

import csv
import json
import shutil

import pytest
from tests.evaluate.hospitals import hospital

from fibrolens.errors import CohortError, InputError, UsageError
from fibrolens.evaluate.packet import Disclosure
from fibrolens.evaluate.sealed import read_packet, write_packet
from fibrolens.output import file_sha256
from fibrolens.plan import STAGES
from fibrolens.study.packet import is_study, staged_packet, study_packet

SHA = "c" * 64


@pytest.fixture
def staged(tmp_path):
    """60 staged CTs of a cohort of 62, two of which were refused; one more CT has no row."""
    folder, cases = tmp_path / "staged", hospital(5, 60, mix=(0.3, 0.1, 0.1, 0.2, 0.3))
    folder.mkdir()
    rows = [{"scan_id": case.scan_id, "status": "done"} for case in cases]
    rows += [{"scan_id": "refused", "status": "refused"}, {"scan_id": "stranger", "status": "done"}]
    for number, name in enumerate([*(case.scan_id for case in cases), "stranger"]):
        case = cases[min(number, len(cases) - 1)]
        (folder / name).mkdir()
        (folder / name / "result.json").write_text(json.dumps(result(number, case.probabilities)))
    table(folder / "summary.csv", rows)
    written = [
        {"patient_id": c.patient_id, "scan_id": c.scan_id, "stage": "|".join(f"F{k}" for k in c.stages)} for c in cases
    ]
    written += [{"patient_id": f"x{n}", "scan_id": name, "stage": "F0"} for n, name in enumerate(("refused", "away"))]
    written.append({"patient_id": "e", "scan_id": "excluded", "stage": "", "exclude": "biopsy lost"})
    table(tmp_path / "cohort.csv", [{"image": f"{row['scan_id']}.nii.gz", "age": "60", **row} for row in written])
    return folder


def result(number, probabilities):
    return {
        "model": {"sha256": SHA},
        "stage": {"probabilities": dict(zip(STAGES, probabilities, strict=True))},
        "markers": {"spleen_volume_ml": 150.0 + number, "lsn": None},
        "quality": {"forced": number < 6, "in_domain": None if number else False},
    }


def table(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(key for row in rows for key in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)


def test_staged_cts_are_joined_to_the_stages_by_their_scan_ids(staged, tmp_path):
    content = staged_packet(staged, tmp_path / "cohort.csv", Disclosure())
    write_packet(content, tmp_path / "p.json")
    packet = read_packet(tmp_path / "p.json")
    assert (packet.kind, packet.weights) == ("fixed weights", (SHA,))
    assert content["counts"]["scans"] == 60
    source = {"without_stage": None, "not_staged": None, "forced": 6, "unlike_training_data": None, "from": "staged"}
    assert content["source"] == source
    assert set(content["markers"]) == {"age_years", "spleen_volume_ml"}
    told = staged_packet(staged, tmp_path / "cohort.csv", Disclosure(least=1))["source"]
    assert (told["without_stage"], told["not_staged"], told["unlike_training_data"]) == (1, 2, 1)


def test_a_packet_of_staged_cts_names_nobody(staged, tmp_path):
    text = json.dumps(staged_packet(staged, tmp_path / "cohort.csv", Disclosure()))
    assert not any(word in text for word in ("h5s", "h5p", str(tmp_path), "nii", "biopsy"))


def test_cts_of_other_weights_are_refused(staged, tmp_path):
    path = staged / "h5s3" / "result.json"
    path.write_text(path.read_text().replace(SHA, "d" * 64))
    with pytest.raises(InputError, match=r"59 by cccccccccccc, 1 by dddddddddddd"):
        staged_packet(staged, tmp_path / "cohort.csv", Disclosure())


def test_a_table_whose_ids_are_others_is_refused(staged, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("patient_id,scan_id,image,stage\np1,q1,a.nii,F2\n")
    with pytest.raises(CohortError, match="column scan_id"):
        staged_packet(staged, other, Disclosure())
    other.write_text("patient_id,scan_id,image,stage\np1,h5s1,a.nii,F2\n,h5s1,b.nii,F9\n")
    with pytest.raises(CohortError) as told:
        staged_packet(staged, other, Disclosure())
    assert all(part in str(told.value) for part in ("patient_id is empty", "line 2 already", "F9"))


def test_a_folder_that_is_neither_is_refused(tmp_path):
    with pytest.raises(UsageError, match="neither"):
        staged_packet(tmp_path, tmp_path / "cohort.csv", Disclosure())
    assert not is_study(tmp_path)


def test_a_study_s_packet_is_of_its_own_networks(finished_study, tmp_path):
    content = study_packet(finished_study, Disclosure(least=2))
    write_packet(content, tmp_path / "p.json")
    packet = read_packet(tmp_path / "p.json")
    assert is_study(finished_study)
    assert packet.kind == "own cross-validation"
    weights = {file_sha256(path) for path in finished_study.glob("folds/*/weights.safetensors")}
    assert set(packet.weights) == weights
    evaluation = json.loads((finished_study / "evaluation.json").read_text())
    assert packet.thresholds["F4"].auc == evaluation["thresholds"]["F4"]["auc"]["value"]
    assert content["markers"]["liver_volume_ml"]["F4"]["scans"] == 5
    assert "p1" not in json.dumps(content["counts"])


def test_of_the_shortcut_audit_the_packet_tells_figures_and_no_name(finished_study, tmp_path):
    shutil.copytree(finished_study, tmp_path / "study")
    evaluation = json.loads((tmp_path / "study" / "evaluation.json").read_text())
    fact = {"fact": "site", "value": "St. Elsewhere", "threshold": "F4", "auc": 0.9, "p_adjusted": 0.001, "known": 10}
    thresholds = {"F4": {"auc": {"value": 0.8, "delong": None}, "positives": 3}, "F>=1": {"auc": None}}
    evaluation["shortcuts"] = {"level": "alarm", "p_value": 0.001, "thresholds": thresholds, "facts": [fact]}
    (tmp_path / "study" / "evaluation.json").write_text(json.dumps(evaluation))
    found = study_packet(tmp_path / "study", Disclosure(least=2))["shortcuts"]
    assert found == {
        "level": "alarm",
        "p_value": 0.001,
        "auc": {"F4": 0.8, "F>=1": None},
        "facts": [{"fact": "site", "threshold": "F4", "auc": 0.9, "p_adjusted": 0.001}],
    }


def test_a_study_that_is_not_finished_has_no_packet(finished_study, tmp_path):
    shutil.copytree(finished_study, tmp_path / "study")
    (tmp_path / "study" / "manifest.json").unlink()
    with pytest.raises(UsageError, match="not finished"):
        study_packet(tmp_path / "study", Disclosure())
