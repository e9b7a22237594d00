"""The null band: region figures of maps by networks that have learnt nothing, on the same scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from fibrolens.audit.maps import maps_of
from fibrolens.audit.randomise import CALIBRATED_ON, cascade, middle_windows
from fibrolens.audit.regions import region_masks
from fibrolens.audit.subjects import Shown
from fibrolens.evaluate.saliency.first_region import region_means
from fibrolens.evaluate.saliency.null_band import NullBand, null_bands, with_seeds
from fibrolens.explain.attention import NAMES
from fibrolens.explain.patterns import PATTERNS, pattern
from fibrolens.explain.recipe import MEAN, RECOMMENDED, Recipe, recipe
from fibrolens.explain.reference import PatternCount
from fibrolens.plan import STAGES
from fibrolens.staging.predict import StagingModel

#: The kinds of map that reports show.
SHOWN: tuple[Recipe, ...] = (
    recipe("gradcam", "conv3"),
    recipe("gradcam", "conv4"),
    recipe("gradcam", MEAN),
    RECOMMENDED,
)

#: Of each recipe and region the mean, NaN where there is none.
Means = dict[str, dict[str, float]]


def map_means(model: StagingModel, shown: Shown) -> tuple[int, Means]:
    """The predicted stage, and the region means of its maps of every kind that reports show."""
    predicted = int(maps_of(model, shown, 0, SHOWN[:1], controls=()).chances.argmax())
    found = maps_of(model, shown, predicted, SHOWN, controls=())
    masks = region_masks(shown.scan, found.inside)
    means = {}
    for one in SHOWN:
        array = found.arrays[one.name]
        own = region_means(array, masks) if array.any() else {}
        known = {name: own.get(name) for name in NAMES}
        means[one.name] = {name: float("nan") if mean is None else mean for name, mean in known.items()}
    return predicted, means


def null_bands_of(
    model: StagingModel,
    scans: Sequence[Shown],
    networks: int,
    seed: int,
    others: Sequence[StagingModel] = (),
    tick: Callable[[], object] = lambda: None,
) -> tuple[NullBand, ...]:
    """Null bands of the maps that reports show.

    Args:
        model: whose weights are drawn anew; its plan alone counts.
        scans: whose maps are measured.
        networks: how many networks are drawn.
        seed: of the draws.
        others: networks of the same plan that were trained with other seeds, for how far a figure moves between them.
        tick: called after each scan of each network.
    """
    windows = middle_windows(scans[:CALIBRATED_ON], model.plan)
    drawn = [cascade(model, seed + 1 + k, windows)[-1] for k in range(networks)]
    null = [[_measured(one, shown, tick) for shown in scans] for one in drawn]
    trained = [[_measured(one, shown, tick) for shown in scans] for one in others]
    found = []
    for one in SHOWN:
        bands = null_bands(_by_region(null, one.name))
        band = NullBand(one.method, one.layer, "predicted", networks, len(scans), bands)
        found.append(with_seeds(band, _by_region(trained, one.name)) if len(trained) > 1 else band)
    return tuple(found)


def pattern_counts(rows: Sequence[tuple[int, Means]]) -> tuple[PatternCount, ...]:
    """How often each pattern was found among the maps of each predicted stage.

    Args:
        rows: of each scan what `map_means` gives.
    """
    counts = []
    for one in SHOWN:
        for stage, name in enumerate(STAGES):
            own = [means[one.name] for predicted, means in rows if predicted == stage]
            found = Counter(pattern({k: None if np.isnan(v) else v for k, v in means.items()}) for means in own)
            counts += [PatternCount(one.method, one.layer, name, p, found[p], len(own)) for p in PATTERNS if own]
    return tuple(counts)


def _measured(model: StagingModel, shown: Shown, tick: Callable[[], object]) -> Means:
    _, means = map_means(model, shown)
    tick()
    return means


def _by_region(rows: Sequence[Sequence[Means]], name: str) -> dict[str, np.ndarray]:
    return {region: np.array([[means[name][region] for means in own] for own in rows]) for region in NAMES}
