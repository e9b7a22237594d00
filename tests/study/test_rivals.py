import csv
import json
import shutil
from dataclasses import replace

import pytest
from tests.study.conftest import quick_networks

from fibrolens.errors import UsageError
from fibrolens.staging.modes import MODES
from fibrolens.study.folder import Study
from fibrolens.study.plans import RivalPlan
from fibrolens.study.rival_plans import default_panels
from fibrolens.study.run import run_study
from fibrolens.study.steps import Running, run_step

NAMES = ("liver-only", "liver-patch")


@pytest.fixture(scope="module")
def compared(toy_cohort, study_plan, tmp_path_factory):
    """A finished study with two other networks and every marker model; to be read only."""
    rivals = tuple(RivalPlan(name, MODES[name].plan(study_plan.staging)) for name in NAMES)
    plan = replace(study_plan, rivals=rivals, panels=default_panels())
    with quick_networks():
        return run_study(toy_cohort, tmp_path_factory.mktemp("rivals") / "study", plan, how=Running(1))


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_rivals_are_fitted_and_tested_on_the_same_folds(compared):
    for name in NAMES:
        for fold in range(5):
            own, other = (
                place / "folds" / str(fold) / "split.json" for place in (compared / "rivals" / name, compared)
            )
            assert own.read_text() == other.read_text()
        found = table(compared / "rivals" / name / "predictions.csv")
        main = table(compared / "predictions.csv")
        assert [(r["scan_id"], r["fold"]) for r in found] == [(r["scan_id"], r["fold"]) for r in main]


@pytest.mark.slow
def test_evaluation_table_and_figure_hold_every_system(compared):
    evaluation = json.loads((compared / "evaluation.json").read_text())
    systems = {system["name"]: system for system in evaluation["rivals"]}
    assert list(systems)[:3] == ["study", *NAMES]
    assert systems["liver-only"]["against"] == "study"
    assert systems["spleen_volume_ml"]["kind"] == "markers"
    assert systems["lsn"]["reason"] == "measured in too few scans"
    assert "rivals_multiplicity" in evaluation["methods"]
    rows = table(compared / "tables" / "rivals.csv")
    assert {row["system"] for row in rows} == set(systems)
    assert (compared / "figures" / "rivals.png").stat().st_size > 5000
    assert "Other systems on the same folds" in (compared / "report.html").read_text()


@pytest.mark.slow
def test_training_again_trains_the_rivals_too(compared, toy_cohort, tmp_path):
    again = tmp_path / "study"
    shutil.copytree(compared, again)
    study = Study.open(again, toy_cohort)
    study.discard("train")
    assert not list((again / "rivals").rglob("weights.safetensors"))
    run_step(study, "train", Running(1))
    for place in ("rivals/liver-only/folds/3", "rivals/liver-patch/folds/0", "folds/2"):
        made, before = (folder / place / "weights.safetensors" for folder in (again, compared))
        assert made.read_bytes() == before.read_bytes()


@pytest.mark.slow
def test_predicting_needs_the_rivals_weights(compared, toy_cohort, tmp_path):
    again = tmp_path / "study"
    shutil.copytree(compared, again)
    (again / "rivals" / "liver-only" / "folds" / "1" / "weights.safetensors").unlink()
    study = Study.open(again, toy_cohort)
    study.discard("predict")
    with pytest.raises(UsageError, match="fold 1 is not done with train"):
        run_step(study, "predict", Running(1))
