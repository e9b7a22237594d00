"""How a location map is made: the method and the layers, by one name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from fibrolens.explain.location_maps import INTEGRATED, location_maps
from fibrolens.explain.passes import LocationMaps
from fibrolens.explain.targets import Target

#: From a network, a batch, targets and layers to their maps; `location_maps` and the `adapters` are such functions.
Explainer = Callable[[nn.Module, Tensor, Sequence[Target], Sequence[str]], LocationMaps]

MEAN = "mean"
#: Whose maps the layer called ``mean`` averages.
MEAN_OF = ("conv3", "conv4")


@dataclass(frozen=True)
class Recipe:
    """A way to make a location map.

    Args:
        method: its name, for example ``gradcam``.
        layer: where, or ``mean`` of the third and the last convolution.
        explain: what makes it.
    """

    method: str
    layer: str
    explain: Explainer

    @property
    def name(self) -> str:
        """Of method and layer, for example ``gradcam conv4``."""
        return f"{self.method} {self.layer}"

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the network that maps are made at; where there are several, their mean is shown."""
        return MEAN_OF if self.layer == MEAN else (self.layer,)


def recipe(method: str, layer: str) -> Recipe:
    """The recipe of one of `location_maps.NAMES`."""
    return Recipe(method, layer, partial(location_maps, method=method))


#: What names the place that was planted in simulated patients most often of all; it does not pass every test either
#: (docs/audit.md).
RECOMMENDED = recipe(INTEGRATED, "conv3")
