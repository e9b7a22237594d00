"""The trainings of a study's folds with other seeds: their predictions, and the spread that they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fibrolens.evaluate.seeds import METHODS, seed_spread
from fibrolens.study.folder import SEEDS, Study
from fibrolens.study.plans import StudyPlan
from fibrolens.study.tables import PREDICTIONS_FILE, read_predictions, write_predictions


def collect_seeds(study: Study) -> None:
    """Write ``seeds/S/predictions.csv`` of every seed but the first, whose predictions are those of the study."""
    for seed in study.plan.other_seeds:
        cases = [case for job in study.seed_jobs(seed) for case in read_predictions(job.folder / PREDICTIONS_FILE)]
        write_predictions(cases, study.out / SEEDS / str(seed) / PREDICTIONS_FILE)


def evaluate_seeds(out: Path, plan: StudyPlan) -> dict[str, Any]:
    """``seeds`` of ``evaluation.json`` and its ``methods``; {} where there is a single seed.

    Args:
        out: folder of the study.
        plan: its plan.
    """
    if not plan.other_seeds:
        return {}
    places = {plan.staging.training.seed: out} | {seed: out / SEEDS / str(seed) for seed in plan.other_seeds}
    found = {seed: read_predictions(place / PREDICTIONS_FILE) for seed, place in places.items()}
    return {"seeds": seed_spread(found), "methods": METHODS}
