import json
import shutil

from fibrolens.study.evaluation import evaluate_study


def test_evaluation_names_use_training_and_every_layer(finished_study, tmp_path):
    for name in ("predictions.csv", "attention.csv"):
        shutil.copy(finished_study / name, tmp_path)
    evaluate_study(tmp_path, 0, {"steps_per_fold": 6})
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert "Research use only" in content["intended_use"]
    assert content["training"] == {"steps_per_fold": 6}
    assert sorted(content["attention"]["layers"]) == ["conv3", "conv4", "mean"]
    assert content["thresholds"] == json.loads((finished_study / "evaluation.json").read_text())["thresholds"]
