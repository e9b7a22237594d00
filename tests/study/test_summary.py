import json
import shutil

from fibrolens.evaluate.study import Predicted
from fibrolens.study.summary import evaluate_study, typical


def case(name: str, stage: int, own: float) -> Predicted:
    chances = [(1 - own) / 4] * 5
    chances[stage] = own
    return Predicted(name, name, 0, (stage,), tuple(chances))


def test_typical_scans_are_the_middle_ones_of_f0_and_f4_right_or_wrong():
    cases = [case(f"a{k}", 0, k / 10) for k in range(6)] + [case("b", 4, 0.9), case("c", 2, 0.9)]
    assert [c.scan_id for c in typical(cases)] == ["a2", "a3", "b"]
    assert [c.scan_id for c in typical([case("c", 2, 0.9)])] == []


def test_evaluation_names_use_training_and_every_layer(finished_study, tmp_path):
    for name in ("predictions.csv", "attention.csv"):
        shutil.copy(finished_study / name, tmp_path)
    evaluate_study(tmp_path, 0, {"steps_per_fold": 6})
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert "Research use only" in content["intended_use"]
    assert content["training"] == {"steps_per_fold": 6}
    assert sorted(content["attention"]["layers"]) == ["conv3", "conv4", "mean"]
    assert content["thresholds"] == json.loads((finished_study / "evaluation.json").read_text())["thresholds"]
