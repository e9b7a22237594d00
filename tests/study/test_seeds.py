"""A study by several seeds: the first is its result, whatever the others find."""

import csv
import json
import shutil
from dataclasses import replace

import pytest

from fibrolens.study.folder import Study
from fibrolens.study.run import run_study
from fibrolens.study.steps import Running, run_step

pytestmark = pytest.mark.slow  # trains networks by two seeds


@pytest.fixture(scope="module")
def seeded(toy_cohort, study_plan, tmp_path_factory):
    """The finished study of the toy cohort again, with a second seed; to be read only."""
    plan = replace(study_plan, seeds=2)
    return run_study(toy_cohort, tmp_path_factory.mktemp("seeds") / "study", plan, how=Running(1))


def table(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_result_is_that_of_the_first_seed_alone(seeded, finished_study):
    assert (seeded / "predictions.csv").read_bytes() == (finished_study / "predictions.csv").read_bytes()
    evaluation, alone = (json.loads((out / "evaluation.json").read_text()) for out in (seeded, finished_study))
    assert evaluation["thresholds"] == alone["thresholds"]
    assert "seeds" not in alone
    assert "seed_spread" in evaluation["methods"]
    spread = evaluation["seeds"]
    assert (spread["result"], spread["seeds"]) == (0, [0, 1])
    for name in ("F>=2", "F>=3", "F4"):
        assert spread["thresholds"][name]["auc"]["per_seed"][0] == alone["thresholds"][name]["auc"]["value"]


def test_the_other_seed_is_another_training_on_the_same_folds(seeded):
    for fold in range(5):
        own, other = (place / "folds" / str(fold) for place in (seeded, seeded / "seeds" / "1"))
        assert (own / "split.json").read_bytes() == (other / "split.json").read_bytes()
        assert (own / "weights.safetensors").read_bytes() != (other / "weights.safetensors").read_bytes()
        assert json.loads((other / "plan.json").read_text())["training"]["seed"] == 1
        assert not (other / "attention.csv").exists()
    first, second = table(seeded / "predictions.csv"), table(seeded / "seeds" / "1" / "predictions.csv")
    assert [(row["scan_id"], row["fold"]) for row in first] == [(row["scan_id"], row["fold"]) for row in second]
    assert [row["p_F4"] for row in first] != [row["p_F4"] for row in second]


def test_report_tables_and_figure_show_the_spread(seeded, finished_study):
    page = (seeded / "report.html").read_text(encoding="utf-8")
    assert "AUC, seed 0 (the result)" in page
    assert "Fig. 16" in page
    assert "Every fold was trained 2 times, with the seeds from 0 on" in page
    assert len(table(seeded / "tables" / "seed_scans.csv")) == 10
    assert {row["figure"] for row in table(seeded / "tables" / "seeds.csv")} >= {"seed 0", "seed 1", "mean", "sd"}
    assert (seeded / "figures" / "seeds.svg").exists()
    assert "over the seeds" not in (finished_study / "report.html").read_text(encoding="utf-8")


def test_predicting_again_predicts_by_every_seed_with_the_weights_that_stand(seeded, toy_cohort, tmp_path):
    again = tmp_path / "study"
    shutil.copytree(seeded, again)
    study = Study.open(again, toy_cohort)
    weights = (again / "seeds" / "1" / "folds" / "0" / "weights.safetensors").stat().st_mtime_ns
    study.discard("predict")
    assert not list(again.glob("**/folds/*/predictions.csv"))
    run_step(study, "predict", Running(1))
    for place in ("", "seeds/1"):
        for fold in range(5):
            path = f"{place}/folds/{fold}/predictions.csv".lstrip("/")
            assert (again / path).read_bytes() == (seeded / path).read_bytes()
    assert (again / "seeds" / "1" / "folds" / "0" / "weights.safetensors").stat().st_mtime_ns == weights
