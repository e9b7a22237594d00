from dataclasses import asdict, replace

from tests.report.conftest import flow

from fibrolens.cohort.rules import Criteria
from fibrolens.plan import Plan, TrainingPlan
from fibrolens.report.methods import methods
from fibrolens.study.plans import StudyPlan


def text_of(plan, evaluation, **changed):
    study = asdict(StudyPlan(plan, decision="all layers: 3 of 9 scans are known")) | changed
    return dict(methods(plan, study, evaluation, flow(), Criteria()))


def test_the_paragraphs_say_what_the_plan_and_the_evaluation_hold(evaluation):
    text = text_of(Plan(training=TrainingPlan(check_every=20)), evaluation)
    assert "48 CT scans of 46 patients" in text["Study population"]
    assert "F2 or F3 1" in text["Study population"]
    assert "age of 16 years or more" in text["Study population"]
    assert "51 scans of 49 patients were found; 3 were excluded" in text["Study population"]
    assert "no such column: portal venous phase." in text["Study population"]
    assert "5 folds" in text["Cross-validation"]
    assert "One in 5" in text["Cross-validation"]
    assert "[-125, 225] HU" in text["Image processing"]
    assert "16, 32, 64, 128 channels" in text["Network"]
    assert "Every 20 steps" in text["Training"]
    assert "shipped weights" in text["Training"]
    assert "3 of 9 scans are known" in text["Training"]
    assert "even share" in text["Location maps"]
    for part in evaluation["methods"].values():
        assert part in text["Statistics"]


def test_without_early_stopping_no_inner_split_is_claimed(evaluation):
    text = text_of(Plan(training=replace(TrainingPlan(), check_every=0, frozen=("conv1",))), evaluation)
    assert "stopped" not in text["Cross-validation"]
    assert "looks" not in text["Training"]
    assert "conv1" in text["Training"]


def test_an_older_plan_without_flow_and_criteria_is_told_as_far_as_it_goes(evaluation):
    plan = Plan()
    text = dict(methods(plan, asdict(plan), evaluation, None, None))
    assert "5 folds" in text["Cross-validation"]
    assert "found" not in text["Study population"]
    assert "segmented" not in text["Image processing"]
