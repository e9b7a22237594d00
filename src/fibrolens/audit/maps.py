"""All kinds of map of one scan by one network, with as few passes as they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fibrolens.audit.cells import Cells
from fibrolens.audit.controls import CONTROLS
from fibrolens.audit.regions import covered_body
from fibrolens.audit.subjects import Shown
from fibrolens.explain.cam import cam_maps
from fibrolens.explain.integrated import INPUT
from fibrolens.explain.methods import METHODS
from fibrolens.explain.passes import LocationMaps
from fibrolens.explain.recipe import Recipe
from fibrolens.explain.targets import Target
from fibrolens.staging.predict import StagingModel, predict_seen
from fibrolens.view import scaled_map

Map = Float[np.ndarray, "d h w"]


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of one scan.

    Args:
        arrays: of each recipe, scale ``mean1``, network grid.
        inside: the body on covered slices.
        chances: of F0 to F4.
    """

    arrays: Mapping[str, Map]
    inside: Bool[np.ndarray, "d h w"]
    chances: Float[np.ndarray, " 5"]

    def coarse(self, cells: Cells) -> tuple[dict[str, Map], Bool[np.ndarray, "a b c"]]:
        """Means over cells, and the cells that count."""
        return {name: cells.means(one, self.inside) for name, one in self.arrays.items()}, cells.inside(self.inside)


def control_name(recipe: Recipe) -> str:
    """A control is called by its method alone."""
    return recipe.method


def names_of(recipes: Sequence[Recipe]) -> list[str]:
    """The recipes' names, then the controls'."""
    return [*(one.name for one in recipes), *map(control_name, CONTROLS)]


def maps_of(
    model: StagingModel,
    shown: Shown,
    target: int,
    recipes: Sequence[Recipe],
    image: np.ndarray | None = None,
    controls: Sequence[Recipe] = CONTROLS,
) -> Maps:
    """Every recipe's map of a scan, and the controls'.

    Args:
        model: the network.
        shown: the scan.
        target: the stage that is explained.
        recipes: of `audit.recipes`.
        image: other grey levels, 0 to 255.
        controls: which of them.
    """
    seen, body = shown.seen(model.plan, image), shown.scan.body
    together = _Together(tuple(recipes))
    prediction = predict_seen(model, seen, together.keys, (target,), together)
    arrays = {
        one.name: scaled_map(prediction, 0, [_key(one.method, layer) for layer in one.layers], body) for one in recipes
    }
    for one in controls:
        found = predict_seen(model, seen, one.layers, (target,), one.explain)
        arrays[control_name(one)] = scaled_map(found, 0, one.layers, body)
    return Maps(arrays, covered_body(shown.scan, prediction), prediction.probabilities)


@dataclass(frozen=True)
class _Together:
    """Explains by all recipes; its "layers" are pairs of method and layer."""

    recipes: tuple[Recipe, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_key(one.method, layer) for one in self.recipes for layer in one.layers))

    def __call__(self, model: nn.Module, x: Tensor, targets: Sequence[Target], layers: Sequence[str]) -> LocationMaps:
        cams = [one for one in self.recipes if one.method in METHODS]
        methods = list(dict.fromkeys(one.method for one in cams))
        raw: dict[str, Tensor] = {}

        def every(activation: Tensor, gradient: Tensor) -> Tensor:
            return torch.stack([METHODS[method](activation, gradient) for method in methods])

        found = cam_maps(model, x, targets, _layers(cams), every)
        for layer in _layers(cams):
            raw |= {_key(method, layer): found.raw[layer][:, n] for n, method in enumerate(methods)}
        for one in self.recipes:
            if one.method not in METHODS:
                own = one.explain(model, x, targets, one.layers).raw
                raw |= {_key(one.method, layer): own[layer] for layer in one.layers}
        return LocationMaps(found.logits, {key: raw[key] for key in layers}, found.size)


def _layers(recipes: Sequence[Recipe]) -> list[str]:
    return list(dict.fromkeys(layer for one in recipes for layer in one.layers))


def _key(method: str, layer: str) -> str:
    return INPUT if layer == INPUT else f"{method} {layer}"
