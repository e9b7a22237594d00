"""Everything that is measured of one scan of the sample, each scan in a file of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.audit.ablation import ablate
from fibrolens.audit.cells import Cells
from fibrolens.audit.curves import Blocks, curve_areas, foretelling
from fibrolens.audit.localise import evidence, organs, pointed
from fibrolens.audit.maps import Maps, maps_of
from fibrolens.audit.randomise import CALIBRATED_ON, cascade, middle_windows
from fibrolens.audit.regions import region_masks
from fibrolens.audit.repeat import densities
from fibrolens.audit.robust import moved, noisy, step_of
from fibrolens.audit.subjects import Bench, Shown, Subject
from fibrolens.audit.training import TrainJob
from fibrolens.evaluate.saliency.repeatability import mean_pairwise_similarity
from fibrolens.evaluate.saliency.robustness import agreement_under_shift, max_sensitivity
from fibrolens.evaluate.saliency.similarity import structural_similarity
from fibrolens.explain.recipe import Recipe
from fibrolens.output import write_json
from fibrolens.progress import Reporter
from fibrolens.staging.predict import StagingModel

#: Scans of the sample, the first ones, that the costly checks look at: deletion and insertion, infidelity, sensitivity.
CURVES, INFIDELITY, SENSITIVITY = 12, 8, 8
#: Noises that the sensitivity is the worst of.
NOISES = 3
MEASURED, COARSE = "measured", "maps"


@dataclass(frozen=True)
class MeasureJob:
    """Some scans of one fold.

    Args:
        bench: the study.
        fold: whose network explains them.
        subjects: the scans.
        recipes: the maps.
        shuffled: network that learnt shuffled stages; seed: one of another seed; design: one of another design, or
            None where the study has rivals.
    """

    bench: Bench
    fold: int
    subjects: tuple[Subject, ...]
    recipes: tuple[Recipe, ...]
    shuffled: TrainJob
    seed: TrainJob
    design: TrainJob | None


def measured_file(work: Path, subject: Subject) -> Path:
    """What was measured of a scan."""
    return work / MEASURED / f"{subject.row.scan_id}.json"


def coarse_file(work: Path, subject: Subject) -> Path:
    """Its maps on cells, which are compared with other scans'."""
    return work / COARSE / f"{subject.row.scan_id}.npz"


def run_measure(job: MeasureJob, report: Reporter) -> None:
    """Measure the scans of a job, leaving out those that an earlier run did."""
    missing = [one for one in job.subjects if not measured_file(job.bench.work, one).exists()]
    report.advance(len(job.subjects) - len(missing))
    if not missing:
        return
    networks = Networks.of(job)
    for subject in missing:
        _measure(job, networks, subject)
        report.advance(note=subject.row.scan_id)


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks that a scan is explained by.

    Args:
        own: of its fold.
        randomised: after each step of the cascade.
        shuffled: that learnt shuffled stages.
        folds: of the other folds.
        seed: of another seed.
        designs: of other designs.
    """

    own: StagingModel
    randomised: tuple[StagingModel, ...]
    shuffled: StagingModel
    folds: tuple[StagingModel, ...]
    seed: StagingModel
    designs: tuple[StagingModel, ...]

    @classmethod
    def of(cls, job: MeasureJob) -> Networks:
        """Load and make them."""
        bench = job.bench
        own = bench.fold_model(job.fold)
        windows = middle_windows([bench.shown(one.row) for one in bench.subjects[:CALIBRATED_ON]], bench.plan)
        rivals = tuple(bench.rival_model(name, job.fold) for name in bench.rivals)
        return cls(
            own,
            tuple(cascade(own, bench.seed + 1 + job.fold, windows)),
            job.shuffled.model(),
            tuple(bench.fold_model(fold) for fold in range(bench.folds) if fold != job.fold),
            job.seed.model(),
            rivals if job.design is None else (job.design.model(),),
        )


@dataclass(frozen=True, eq=False)
class _Scan:
    """A scan and its own maps, with what its other maps are compared by."""

    job: MeasureJob
    subject: Subject
    shown: Shown
    maps: Maps
    cells: Cells

    def other(self, model: StagingModel, image: np.ndarray | None = None, controls: bool = False) -> Maps:
        """Maps of the same stage by another network, or of other grey levels."""
        chosen = {} if controls else {"controls": ()}
        return maps_of(model, self.shown, self.subject.predicted, self.job.recipes, image, **chosen)

    def similar(self, other: Maps) -> dict[str, float]:
        """Structural similarity of each recipe's map to its own."""
        mine, inside = self.maps.coarse(self.cells)
        theirs, _ = other.coarse(self.cells)
        return {name: structural_similarity(mine[name], theirs[name], inside) for name in theirs}


def _measure(job: MeasureJob, networks: Networks, subject: Subject) -> None:
    shown = job.bench.shown(subject.row)
    maps = maps_of(networks.own, shown, subject.predicted, job.recipes)
    scan = _Scan(job, subject, shown, maps, Cells.about(job.bench.plan.grid.spacing_mm))
    row: dict[str, Any] = {
        "scan_id": subject.row.scan_id,
        "number": subject.number,
        "fold": job.fold,
        "predicted": subject.predicted,
        "stages": list(subject.row.stages),
        "regions": densities(shown, maps),
    }
    row |= _forgetting(scan, networks) | _repeating(scan, networks) | _robust(scan, networks)
    row |= _removing(scan, networks)
    masks = organs(shown)
    if min(subject.row.stages) == subject.predicted == 4:
        masks |= evidence(job.bench, subject.row)
    row["localisation"] = pointed(maps, masks, shown.scan.labels.geometry.spacing)
    _keep_coarse(scan)
    # The figures come last: where they are, all is there.
    file = measured_file(job.bench.work, subject)
    file.parent.mkdir(exist_ok=True)
    write_json(row, file)


def _forgetting(scan: _Scan, networks: Networks) -> dict[str, Any]:
    steps = [scan.similar(scan.other(model, controls=True)) for model in networks.randomised]
    shuffled = scan.similar(scan.other(networks.shuffled, controls=True))
    return {"cascade": {name: [step[name] for step in steps] for name in shuffled}, "shuffled": shuffled}


def _repeating(scan: _Scan, networks: Networks) -> dict[str, Any]:
    own = densities(scan.shown, scan.maps)
    others = [scan.other(model) for model in networks.folds]
    seed = scan.other(networks.seed)
    all_coarse = [one.coarse(scan.cells)[0] for one in (scan.maps, *others)]
    inside = scan.cells.inside(scan.maps.inside)
    names = [one.name for one in scan.job.recipes]
    designs = [scan.similar(scan.other(model)) for model in networks.designs]
    return {
        "folds": [own, *(densities(scan.shown, one) for one in others)],
        "folds_ssim": {name: mean_pairwise_similarity([one[name] for one in all_coarse], inside) for name in names},
        "seeds": [own, densities(scan.shown, seed)],
        "seeds_ssim": scan.similar(seed),
        "designs": {name: float(np.mean([one[name] for one in designs])) for name in names},
    }


def _robust(scan: _Scan, networks: Networks) -> dict[str, Any]:
    generator = scan.job.bench.generator(2, scan.subject.number)
    count = NOISES if scan.subject.number < SENSITIVITY else 1
    grid = scan.job.bench.plan.grid
    noises = [scan.other(networks.own, noisy(scan.shown.grey, grid, generator)) for _ in range(count)]
    found: dict[str, Any] = {"noise": scan.similar(noises[0])}
    if count == NOISES:
        found["sensitivity"] = {
            name: max_sensitivity(scan.maps.arrays[name], [one.arrays[name] for one in noises], scan.maps.inside)
            for name in found["noise"]
        }
    return found | {"shift": _shifted(scan, networks)}


def _shifted(scan: _Scan, networks: Networks) -> dict[str, float]:
    step = step_of(scan.cells)
    mine, inside = scan.maps.coarse(scan.cells)
    image = moved(scan.shown.grey, step)
    body, labels = moved(scan.shown.scan.body, step), scan.shown.scan.labels
    there = scan.shown.at(image, labels.with_array(moved(labels.array, step)), body)
    other = maps_of(networks.own, there, scan.subject.predicted, scan.job.recipes, controls=())
    theirs, _ = other.coarse(scan.cells)
    by = (0, 1, 1)
    return {name: agreement_under_shift(mine[name], theirs[name], by, inside).ssim for name in theirs}


def _removing(scan: _Scan, networks: Networks) -> dict[str, Any]:
    """Ablation, and for the first scans curves and infidelity."""
    shown, maps, subject = scan.shown, scan.maps, scan.subject
    found: dict[str, Any] = {"ablation": ablate(networks.own, shown, region_masks(shown.scan, maps.inside))}
    blocks = Blocks(networks.own, shown, subject.predicted, maps.inside)
    costly: dict[str, tuple[int, Callable[[Blocks, Maps, np.random.Generator], Mapping[str, Any]]]] = {
        "curves": (CURVES, curve_areas),
        "infidelity": (INFIDELITY, foretelling),
    }
    for number, (name, (scans, check)) in enumerate(costly.items()):
        if subject.number < scans:
            found[name] = check(blocks, maps, scan.job.bench.generator(3 + number, subject.number))
    return found


def _keep_coarse(scan: _Scan) -> None:
    coarse, inside = scan.maps.coarse(scan.cells)
    file = coarse_file(scan.job.bench.work, scan.subject)
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as stream:
        arrays = {name: one.astype(np.float16) for name, one in coarse.items()}
        np.savez_compressed(stream, allow_pickle=False, inside=inside, **arrays)


def load_measured(work: Path, subject: Subject) -> dict[str, Any]:
    """Read what `run_measure` wrote of a scan."""
    return dict(json.loads(measured_file(work, subject).read_text(encoding="utf-8")))
