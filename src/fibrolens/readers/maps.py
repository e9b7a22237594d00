"""The pictures of one scan: its map, maps of networks with random weights, and either of them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fibrolens.audit.randomise import STEPS, settle
from fibrolens.audit.regions import seen_by
from fibrolens.cohort.table import CohortRow
from fibrolens.errors import GeometryError
from fibrolens.explain.attention import attention
from fibrolens.explain.patterns import pattern
from fibrolens.io import read_volume
from fibrolens.io.nifti import read_nifti
from fibrolens.output import write_json
from fibrolens.plan import STAGES, Plan
from fibrolens.progress import Reporter
from fibrolens.readers.item import Item
from fibrolens.readers.shown import KINDS
from fibrolens.report.mr import shown_as_ct
from fibrolens.report.readers_picture import reading_picture
from fibrolens.staging.covariates import covariates
from fibrolens.staging.data import StagingCase
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.predict import StagingModel, predict_seen
from fibrolens.study.modality import is_mr
from fibrolens.study.organs import Segmentations
from fibrolens.study.prepare import PreparedScan, prepare_scan
from fibrolens.transforms import ToNetworkGrid
from fibrolens.transforms.slabs import Slabs
from fibrolens.view import scaled_map
from fibrolens.volume import Volume

#: Networks that are tried for a control until one's map is not zero everywhere: a blank map would give itself away.
MOST_DRAWS = 50


@dataclass(frozen=True)
class PictureJob:
    """The pictures of one scan.

    Args:
        row: the scan.
        plan: of the network of its fold.
        map_file: its location map, scale ``mean1``, on the network grid.
        segmentations: where its organs are.
        items: what is drawn.
        out: folder of the pictures.
        top: upper end of the colour scale.
        maps: which kind of map, by its name in `KINDS`.
    """

    row: CohortRow
    plan: Plan
    map_file: Path
    segmentations: Segmentations
    items: tuple[Item, ...]
    out: Path
    top: float
    maps: str = "paper"


def draw_scan(job: PictureJob, report: Reporter) -> None:
    """Write ``<item>.png`` of every item, and ``<item>.json`` of a control: its pattern and its seed.

    Raises:
        InputError: the CT or a mask cannot be used.
        GeometryError: the map does not lie on the grid of the CT.
    """
    ct = read_volume(job.row.image)
    labels = job.segmentations.labels(job.row, ct)
    grid = ToNetworkGrid.fit(ct, job.plan.grid)
    seen = grid.forward_hu(ct)
    ground = shown_as_ct(seen, grid.window) if is_mr(job.row) else seen
    marks = grid.forward_labels(labels)
    own = Volume(*read_nifti(job.map_file), source=job.map_file.name)
    if not own.geometry.same_grid(ground.geometry):
        raise GeometryError(f"{job.map_file} does not lie on the grid of {job.row.image}; run the study anew.")
    scan = (
        prepare_scan(job.row, ct, labels, job.plan.grid) if any(item.seed is not None for item in job.items) else None
    )
    for item in job.items:
        shown = own
        if item.seed is not None and scan is not None:
            found = control(scan, job, item)
            shown = marks.with_array(found.array)
            write_json({"pattern": found.pattern, "seed": found.seed}, job.out / f"{item.item}.json")
        reading_picture(ground, shown, marks, job.top, item.item, job.out / f"{item.item}.png")
        report.advance()


@dataclass(frozen=True, eq=False)
class Control:
    """A map without training.

    Args:
        array: scale ``mean1``, on the network grid.
        pattern: that is computed of it.
        seed: that drew the weights.
    """

    array: np.ndarray
    pattern: str
    seed: int


def control(scan: PreparedScan, job: PictureJob, item: Item) -> Control:
    """The map of the stage of a scan's own map, by a network whose weights were all drawn anew.

    A network whose map is zero everywhere is passed over, and the next seed is taken.
    """
    seed = item.seed or 0
    for number in range(seed, seed + MOST_DRAWS):
        found = _control(scan, job, item, number)
        if found.array.any():
            break
    return found


def _control(scan: PreparedScan, job: PictureJob, item: Item, seed: int) -> Control:
    known = covariates(job.plan.network.covariates, job.row.values)
    seen = seen_by(replace(scan, case=replace(scan.case, covariates=known)), job.plan)
    network = new_network(job.plan.network, seed)
    # Without it everything behind a random layer may fall silent, see `fibrolens.audit.randomise.cascade`.
    settle(network, STEPS, _windows(seen.case, job.plan))
    model = StagingModel(job.plan, fast(network.eval()), {"name": f"random weights, seed {seed}"}, "")
    recipe, target = KINDS[job.maps].recipe, STAGES.index(item.predicted)
    prediction = predict_seen(model, seen, recipe.layers, (target,), recipe.explain)
    array = scaled_map(prediction, 0, recipe.layers, scan.body)
    regions = attention(scan.labels.with_array(array), scan.labels, scan.body, prediction.coverage, scan.depth)
    means = {name: None if found is None else found.mean for name, found in regions.items()}
    return Control(array, pattern(means), seed)


def _windows(case: StagingCase, plan: Plan) -> Tensor:
    """Every window of a scan, ``n 1 s h w`` in [0, 1]."""
    slabs = Slabs.over(case.liver_first, case.liver_last, len(case.image), plan.slab)
    return slabs.extract(torch.from_numpy(case.image.astype(np.float32) / 255.0))[:, None]


def scale_top(files: Sequence[Path]) -> float:
    """Upper end of the colours of a set, 2 at least: in half of its maps less than 0.5 % of the map lies above."""
    highs = [float(np.percentile(seen, 99.5)) for path in files if (seen := _positive(path)).size]
    return max(2.0, float(np.ceil(2 * np.median(highs)) / 2)) if highs else 2.0


def _positive(path: Path) -> np.ndarray:
    values = read_nifti(path)[0]
    return values[values > 0]
