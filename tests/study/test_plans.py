from dataclasses import replace

import pytest

from fibrolens.plan import Plan, TrainingPlan, read_plan, write_plan
from fibrolens.staging.plans import small_plan
from fibrolens.study.plans import (
    StudyPlan,
    adapting_plan,
    demo_plan,
    fine_tuning_plan,
    scratch_plan,
    with_training,
)
from fibrolens.weights import shipped


def network_of(plan):
    return plan.grid, plan.slab, plan.network


def test_the_demo_fine_tunes_the_shipped_network_for_a_few_steps():
    plan = demo_plan().staging
    assert network_of(plan) == network_of(read_plan(shipped("lfs") / "plan.json", Plan))
    assert plan.training.steps <= 60
    assert plan.training.learning_rate < small_plan().training.learning_rate


def test_fine_tuning_keeps_the_network_and_is_short_and_careful():
    base = replace(small_plan(), training=TrainingPlan(steps=9000, seed=5, signs_weight=1.0, soft_stages=1.0))
    plan = fine_tuning_plan(base)
    assert network_of(plan) == network_of(base)
    assert plan.training.steps <= 100
    assert plan.training.learning_rate < small_plan().training.learning_rate
    assert plan.training.signs_weight == plan.training.soft_stages == 0.0
    assert plan.training.frozen == ("conv1", "conv2", "conv3", "conv4", "hidden")


def test_adapting_to_other_cts_learns_all_layers():
    plan = adapting_plan(small_plan())
    assert network_of(plan) == network_of(small_plan())
    assert plan.training.frozen == ()
    assert plan.training.learning_rate < small_plan().training.learning_rate


def test_a_training_from_scratch_uses_the_network_of_the_shipped_weights_and_knows_no_signs():
    assert network_of(scratch_plan()) == network_of(small_plan())
    assert scratch_plan().training.signs_weight == 0.0


def test_every_way_to_train_has_the_same_network_and_its_own_training():
    last, every = fine_tuning_plan(small_plan()), adapting_plan(small_plan())
    ways = StudyPlan(last, also=(every.training,)).ways
    assert [network_of(way) for way in ways] == [network_of(small_plan())] * 2
    assert [way.training for way in ways] == [last.training, every.training]


def test_seed_and_steps_are_set_together():
    training = with_training(small_plan(), 7, 17).training
    assert (training.seed, training.steps) == (7, 17)
    assert with_training(small_plan(), 7).training.steps == small_plan().training.steps


def test_a_study_plan_survives_its_file(tmp_path):
    plan = StudyPlan(fine_tuning_plan(small_plan()), also=(adapting_plan(small_plan()).training,), folds=3)
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json", StudyPlan) == plan


def test_folds_need_two_parts():
    with pytest.raises(ValueError, match="at least 2"):
        StudyPlan(small_plan(), folds=1)
