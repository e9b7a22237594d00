from dataclasses import asdict, replace

from tests.report.conftest import flow

from fibrolens.cohort.rules import Criteria
from fibrolens.plan import Plan, TrainingPlan
from fibrolens.report.methods import methods
from fibrolens.study.plans import StudyPlan

EARLY = Plan(training=TrainingPlan(check_every=20))


def text_of(plan, evaluation, inner_scans=(7, 8, 7, 8, 7)):
    study = asdict(StudyPlan(plan, also=(TrainingPlan(steps=77),)))
    training = evaluation["training"] | {"inner_scans": list(inner_scans), "ways": [0, 1, 0, 0, 1]}
    return dict(methods(plan, study, evaluation | {"training": training}, flow(), Criteria()))


def test_the_paragraphs_say_what_the_plan_and_the_evaluation_hold(evaluation):
    text = text_of(EARLY, evaluation)
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
    assert "all layers were trained too (77 steps of 4 slabs" in text["Training"]
    assert "in 2 of 5 folds" in text["Training"]
    assert "even share" in text["Location maps"]
    for part in evaluation["methods"].values():
        assert part in text["Statistics"]


def test_an_inner_split_is_claimed_of_the_folds_that_had_one_alone(evaluation):
    every, some, none = (text_of(EARLY, evaluation, scans) for scans in ((7, 8, 7, 8, 7), (2, 0, 2, 0, 0), (0,) * 5))
    assert "One in 5 of the patients of the other folds formed, in every fold, an inner" in every["Cross-validation"]
    assert "in folds 0, 2 alone, an inner split (2, 0, 2, 0, 0 scans)" in some["Cross-validation"]
    assert "Every 20 steps, in folds 0, 2 alone, the loss on the inner split" in some["Training"]
    assert "No fold had an inner split, for the patients are too few" in none["Cross-validation"]
    assert "looks" not in none["Training"]


def test_without_early_stopping_the_inner_split_gave_the_cuts_alone(evaluation):
    text = text_of(Plan(training=replace(TrainingPlan(), check_every=0, frozen=("conv1",))), evaluation)
    assert "no weight was fitted: it gave the cuts" in text["Cross-validation"]
    assert "looks" not in text["Training"]
    assert "conv1" in text["Training"]


def test_an_older_plan_without_flow_and_criteria_is_told_as_far_as_it_goes(evaluation):
    plan = Plan()
    text = dict(
        methods(plan, asdict(plan), evaluation | {"training": {"folds": 5, "initial_weights": "w"}}, None, None)
    )
    assert "5 folds" in text["Cross-validation"]
    assert "inner split" not in text["Cross-validation"] + text["Training"]
    assert "found" not in text["Study population"]
    assert "segmented" not in text["Image processing"]
