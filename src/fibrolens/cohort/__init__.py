"""Cohort tables and their folds."""
