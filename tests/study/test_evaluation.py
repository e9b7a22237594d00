import json

import numpy as np
import pytest

from fibrolens.result import REGIONS
from fibrolens.study.evaluation import evaluate_study
from fibrolens.study.tables import ATTENTION, INNER, PREDICTIONS, write_table

LAYERS = ("conv3", "conv4", "mean")


@pytest.fixture
def study(tmp_path):
    """The tables of a study of ten patients, half of them F4, in five folds; without inner splits."""
    generator = np.random.default_rng(0)
    predictions, looked, cohort = [], [], []
    for n in range(10):
        known = {"scan_id": f"s{n}", "patient_id": f"p{n}", "fold": n // 2, "stage": "F4" if n % 2 else "F0"}
        raw = generator.random(5) + np.eye(5)[4 * (n % 2)]
        predictions.append(known | {f"p_F{k}": float(p) for k, p in enumerate(raw / raw.sum())})
        cohort.append(known | {"image": "gone.nii.gz", "reference": "histology"})
        for layer in LAYERS:
            row = known | {"predicted": known["stage"], "layer": layer, "scale": "mean1"}
            row |= {f"{region}_mean": float(generator.random() + n % 2) for region in REGIONS}
            looked.append(row | {f"{region}_share": 0.1 for region in REGIONS})
    write_table(predictions, PREDICTIONS, tmp_path / "predictions.csv")
    write_table(looked, ATTENTION, tmp_path / "attention.csv")
    write_table(cohort, ("patient_id", "scan_id", "image", "stage", "reference"), tmp_path / "cohort.csv")
    return tmp_path


def evaluated(folder):
    evaluate_study(folder, 0, {"steps_per_fold": 6})
    return json.loads((folder / "evaluation.json").read_text())


def test_evaluation_names_use_and_training_and_repeats_to_the_byte(study):
    content = evaluated(study)
    assert "Research use only" in content["intended_use"]
    assert content["training"] == {"steps_per_fold": 6}
    before = (study / "evaluation.json").read_bytes()
    evaluated(study)
    assert (study / "evaluation.json").read_bytes() == before


def test_every_region_of_every_layer_is_compared_by_true_and_by_predicted_stage(study):
    layers = evaluated(study)["attention"]["layers"]
    assert sorted(layers) == sorted(LAYERS)
    assert sorted(layers["mean"]["regions"]) == sorted(REGIONS)
    test = layers["mean"]["regions"]["spleen"]["true stage"]["F0_against_F4"]
    assert test["patients"] == [5, 5]
    assert test["p_adjusted"] >= test["p_value"]
    assert sorted(layers["mean"]["regions"]["spleen"]) == ["predicted stage", "true stage"]


def test_patterns_of_each_stage_add_up_to_its_scans(study):
    content = evaluated(study)
    assert "surface:" in content["patterns"]["rule"]
    f4 = content["patterns"]["layers"]["conv4"]["true stage"]["F4"]
    assert sorted(f4) == ["core", "mixed", "off_organ", "surface", "unknown"]
    assert sum(found["count"] for found in f4.values()) == 5
    assert {found["of"] for found in f4.values()} == {5}


def test_an_empty_cell_is_an_unknown_figure(study):
    text = (study / "attention.csv").read_text().splitlines()
    text[1:] = [",".join([*line.split(",")[:7], *[""] * 2 * len(REGIONS)]) for line in text[1:]]
    (study / "attention.csv").write_text("\n".join(text) + "\n")
    content = evaluated(study)
    assert content["patterns"]["layers"]["mean"]["true stage"]["F0"]["unknown"]["count"] == 5
    assert content["attention"]["layers"]["mean"]["regions"]["liver"]["true stage"]["F0_against_F4"]["p_value"] is None


def test_cuts_come_from_the_folds_inner_predictions_where_there_are_such(study):
    assert {cut["rule"] for cut in evaluated(study)["thresholds"]["F4"]["operating_point"]["cuts"]} == {"0.5"}
    (study / "folds" / "2").mkdir(parents=True)
    (study / "folds" / "2" / INNER).write_bytes((study / "predictions.csv").read_bytes())
    cuts = evaluated(study)["thresholds"]["F4"]["operating_point"]["cuts"]
    assert [(cut["positives"], cut["negatives"]) for cut in cuts] == [(0, 0), (0, 0), (5, 5), (0, 0), (0, 0)]
    assert cuts[2]["rule"] == "youden"


def test_controls_are_found_in_the_cohort_s_table(study):
    assert "no scan" in evaluated(study)["without_controls_reason"]
    text = (study / "cohort.csv").read_text()
    for name in ("s0", "s2"):
        text = text.replace(f"{name},gone.nii.gz,F0,histology", f"{name},gone.nii.gz,F0,imaging_negative")
    (study / "cohort.csv").write_text(text, encoding="utf-8-sig")
    content = evaluated(study)
    assert (content["controls"], content["without_controls"]["stages"]) == (2, {"F0": 3, "F4": 5})


def test_a_cohort_without_the_column_has_no_controls(study):
    lines = (study / "cohort.csv").read_text().splitlines()
    (study / "cohort.csv").write_text("\n".join(line.rsplit(",", 1)[0] for line in lines) + "\n")
    assert evaluated(study)["controls"] == 0
