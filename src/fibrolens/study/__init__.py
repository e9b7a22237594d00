"""The study: five folds on a cohort, every scan staged and explained by the fold that never saw its patient."""
