"""The study: five folds on a cohort, every scan staged and explained by the fold that never saw its patient."""

from fibrolens.study.plans import StudyPlan, adapting_plan, demo_plan, fine_tuning_plan, scratch_plan
from fibrolens.study.run import Networks, run_study
from fibrolens.study.steps import Running

__all__ = [
    "Networks",
    "Running",
    "StudyPlan",
    "adapting_plan",
    "demo_plan",
    "fine_tuning_plan",
    "run_study",
    "scratch_plan",
]
