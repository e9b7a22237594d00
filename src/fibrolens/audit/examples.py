"""One patient per arm of the known truth, for a picture: what was planted, and what every kind of map makes of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from fibrolens.audit.known_truth import F4, ArmJob, TruthPlan, trained
from fibrolens.audit.maps import maps_of
from fibrolens.audit.regions import region_masks
from fibrolens.audit.simulated import SimulatedScan, load_simulated
from fibrolens.audit.subjects import Shown
from fibrolens.evaluate.saliency.first_region import ranks_first, region_means
from fibrolens.evaluate.saliency.known_truth import TRUE_REGIONS
from fibrolens.explain.recipe import MEAN, RECOMMENDED, Recipe, recipe
from fibrolens.report.audit_examples import TruthExample
from fibrolens.staging.predict import StagingModel

#: Whose maps the figure shows: the paper's layer, the mean of two layers, and what is recommended.
SHOWN = (recipe("gradcam", "conv4").name, recipe("gradcam", MEAN).name, RECOMMENDED.name)


def truth_examples(truth: TruthPlan, work: Path, names: Collection[str] = SHOWN) -> dict[str, TruthExample]:
    """Of each arm the first F4 that its first network stages correctly.

    Args:
        truth: the test.
        work: its folder, see `measure_truth`.
        names: of the recipes of `truth` whose maps are made.

    Returns:
        Of each arm the slice with most of the planted sign, with the maps of F4. An arm that is not measured yet, or
        whose network stages no F4 correctly, is left out.
    """
    found = {}
    for arm in truth.arms:
        job = ArmJob(truth, arm, 0, work)
        number = _first(job)
        if number is not None:
            scan = load_simulated(job.scans(looked_at=True), truth.roster(arm, looked_at=True), number)
            found[arm] = _example(trained(job), scan, job, [one for one in truth.recipes if one.name in names])
    return found


def _first(job: ArmJob) -> int | None:
    """Number of the first patient whose maps were measured."""
    if not job.maps.exists():
        return None
    rows = json.loads(job.maps.read_text(encoding="utf-8"))
    return next((number for number, row in enumerate(rows) if row["maps"]), None)


def _example(model: StagingModel, found: SimulatedScan, job: ArmJob, recipes: Sequence[Recipe]) -> TruthExample:
    maps = maps_of(model, Shown(found.scan), F4, recipes, controls=())
    masks = region_masks(found.scan, maps.inside)
    first = {
        name: ranks_first(region_means(array, masks), TRUE_REGIONS[job.arm]) for name, array in maps.arrays.items()
    }
    planted = np.asarray(found.evidence[job.arm] > 0)
    index = int((planted & maps.inside).sum(axis=(1, 2)).argmax())
    _, row_mm, column_mm = found.scan.labels.geometry.spacing
    return TruthExample(
        scan_id=found.scan.case.scan_id,
        slice_index=index,
        image=found.scan.case.image[index],
        labels=found.scan.labels.array[index],
        evidence=planted[index],
        maps={name: array[index] for name, array in maps.arrays.items()},
        first=first,
        pixel=(row_mm, column_mm),
    )
