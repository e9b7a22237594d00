"""The toy study, for audits; see tests/study/conftest.py."""

from tests.study.conftest import finished_study, study_plan, toy_cohort, toy_plan

__all__ = ["finished_study", "study_plan", "toy_cohort", "toy_plan"]
