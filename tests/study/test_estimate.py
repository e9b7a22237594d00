from dataclasses import replace

from fibrolens.cohort.criteria import select
from fibrolens.cohort.table import read_cohort
from fibrolens.study.estimate import ScanTrial, TrainingTrial, Trial, estimate, told
from fibrolens.study.folder import Study
from fibrolens.study.plans import RivalPlan


def study(toy_cohort, study_plan, tmp_path):
    return Study(tmp_path / "study", study_plan, select(read_cohort(toy_cohort), study_plan.criteria))


def test_the_sentence_counts_rounds_of_folds_and_both_kinds_of_scans(study_plan):
    scan = ScanTrial(2.0, 5.0, 10.0, 1.0)
    training = TrainingTrial(study_plan.staging.training, 10.0, 0.5)
    trial = Trial(((scan, 8), (replace(scan, seconds=7.0), 2)), (training,), 1.5, 100.0, 590.0)
    # Two folds at a time are three rounds of 6 steps; 2 inner patients are looked at 5 times and predicted once, and so
    # are the fold's 2 scans.
    seconds = 3 * (6 * 10 + (2 * 6 + 2) * 0.5) + (8 * 2 + 2 * 7 + 10 * 1.5) / 2
    assert seconds == 223.5
    assert told(study_plan, trial, 2) == (
        "10 scans, 5 folds of at most 6 steps, 2 at a time: at most about 3 min 44 s on this machine, 1.2 GB of "
        "memory and 0.2 GB of disk, of which 0.0 GB stay."
    )


def test_rivals_are_counted(study_plan):
    training = TrainingTrial(study_plan.staging.training, 10.0, 0.5)
    scan = ScanTrial(2.0, 5.0, 10.0, 1.0)
    one, two = (Trial(((scan, 10),), (training,) * n, 1.5, 100.0, 590.0) for n in (1, 2))
    alone = told(study_plan, one, 2)
    with_rival = told(replace(study_plan, rivals=(RivalPlan("liver-only", study_plan.staging),)), two, 2)
    assert "steps, 2 at a time: at most about 3 min 38 s" in alone
    assert "steps and 1 other network, 2 at a time: at most about 7 min 0 s" in with_rival


def test_every_seed_trains_the_studys_own_network_and_no_rival(study_plan):
    training = TrainingTrial(study_plan.staging.training, 10.0, 0.5)
    trial = Trial(((ScanTrial(2.0, 5.0, 10.0, 1.0), 10),), (training, training), 1.5, 100.0, 590.0)
    plan = replace(study_plan, rivals=(RivalPlan("liver-only", study_plan.staging),))
    assert "steps and 1 other network, 2 at a time: at most about 7 min 0 s" in told(plan, trial, 2)
    more = told(replace(plan, seeds=3), trial, 2)
    # Two more trainings of 3 min 21 s.
    assert "steps by 3 seeds and 1 other network, 2 at a time: at most about 13 min 42 s" in more


def test_a_trial_writes_nothing_in_the_study(toy_cohort, study_plan, tmp_path):
    assert "10 scans" in estimate(study(toy_cohort, study_plan, tmp_path), 1)
    assert not (tmp_path / "study").exists()
