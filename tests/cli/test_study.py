"""`fibrolens study` and the verbs that repeat its steps, from the command line."""

import pytest
from tests.cli.test_train import PLAN
from tests.study.conftest import empty_figures, quick_organs, toy_cohort

from fibrolens import cli, engine
from fibrolens.plan import read_plan
from fibrolens.staging.network import new_network
from fibrolens.study.plans import StudyPlan
from fibrolens.weights import save_model_folder

__all__ = ["empty_figures", "quick_organs", "toy_cohort"]


@pytest.fixture
def start(tmp_path):
    """A model folder to begin with."""
    card = {"name": "toy", "trained_on": "nothing", "intended_use": "tests", "figures": {}, "seed": 0}
    save_model_folder(tmp_path / "start", new_network(PLAN.network, 3).state_dict(), PLAN, card)
    return tmp_path / "start"


def study(cohort, start, out, *options):
    return cli.main(["study", str(cohort), "--from", str(start), "--out", str(out), "--workers", "1", *options])


@pytest.mark.slow
@pytest.mark.usefixtures("quick_organs", "empty_figures")
def test_a_study_by_its_steps(toy_cohort, start, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engine, "MOST_WORKERS", 1)
    out, small = tmp_path / "study", ("--steps", "2", "--folds", "2", "--seed", "3", "--seeds", "2")
    assert study(toy_cohort, start, out, *small, "--prepare-only") == 0
    told = capsys.readouterr()
    assert "10 scans, 2 folds of at most 2 and 2 steps" in told.err
    assert f"fibrolens train {out}" in told.out
    plan = read_plan(out / "plan.json", StudyPlan)
    assert (plan.folds, plan.seeds, plan.other_seeds) == (2, 2, (4,))
    assert [(way.training.steps, way.training.seed) for way in plan.ways] == [(2, 3), (2, 3)]
    assert [bool(way.training.frozen) for way in plan.ways] == [True, False]
    assert plan.initial.startswith("toy (sha256 ")
    assert cli.main(["predict", str(out)]) == 2
    assert "fibrolens train" in capsys.readouterr().err
    for verb in ("train", "predict", "explain", "evaluate"):
        assert cli.main([verb, str(out), "--workers", "1"]) == 0
        assert "research use only" in capsys.readouterr().out
    assert (out / "manifest.json").is_file()
    assert (out / "figures" / "seeds.png").is_file()
    assert study(toy_cohort, start, out, *small) == 0
    assert str(out / "report.html") in capsys.readouterr().out
    assert study(toy_cohort, start, out, "--seed", "4") == 2
    assert "--overwrite" in capsys.readouterr().err


def test_other_criteria_come_from_a_file(toy_cohort, start, tmp_path, capsys):
    criteria = tmp_path / "criteria.json"
    criteria.write_text('{"lowest_age": 18}')
    assert study(toy_cohort, start, tmp_path / "study", "--criteria", str(criteria)) == 3
    assert "lowest_age" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("options", [
    ["--seed", "-1"], ["--seeds", "0"], ["--folds", "1"], ["--steps", "0"], ["--workers", "0"],
    ["--learn", "last-layer", "--from", "scratch"],
])  # fmt: skip
def test_impossible_options_are_wrong_use(tmp_path, options):
    assert cli.main(["study", str(tmp_path / "cohort.csv"), "--out", str(tmp_path / "study"), *options]) == 2


def test_a_study_s_folds_are_trained_by_its_own_plan(tmp_path, capsys):
    assert cli.main(["train", str(tmp_path), "--steps", "3"]) == 2
    assert "plan.json says how" in capsys.readouterr().err
    assert cli.main(["train", str(tmp_path)]) == 2
    assert "not a study" in capsys.readouterr().err


def test_training_on_a_cohort_needs_a_place_for_the_model(tmp_path, capsys):
    assert cli.main(["train", str(tmp_path / "cohort.csv")]) == 2
    assert "--out" in capsys.readouterr().err
