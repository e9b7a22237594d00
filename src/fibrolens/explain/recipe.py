"""How a location map is made: the method and the layers, by one name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from fibrolens.explain.location_maps import INTEGRATED, location_maps
from fibrolens.explain.passes import LocationMaps
from fibrolens.explain.targets import Target, against_far_end

#: From a network, a batch, targets and layers to their maps; `location_maps` and the `adapters` are such functions.
Explainer = Callable[[nn.Module, Tensor, Sequence[Target], Sequence[str]], LocationMaps]

#: The method of `contrast_maps`.
CONTRAST = "contrast"
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


def contrast_maps(model: nn.Module, x: Tensor, targets: Sequence[Target], layers: Sequence[str]) -> LocationMaps:
    """Layer integrated gradients of each stage against the far end of the scale; see `targets.against_far_end`.

    Args:
        model: of the stages; as for `location_maps`, like the rest.
        x: a batch.
        targets: stages by their number; a function of the logits is explained as it is.
        layers: names of modules.
    """
    scores = [against_far_end(one) if isinstance(one, int) else one for one in targets]
    return location_maps(model, x, scores, layers, INTEGRATED)


def recipe(method: str, layer: str) -> Recipe:
    """The recipe of one of `location_maps.NAMES`, or of `CONTRAST`."""
    explain = contrast_maps if method == CONTRAST else partial(location_maps, method=method)
    return Recipe(method, layer, explain)


#: What names the place that was planted in simulated patients most often of all; it does not pass every test either
#: (docs/audit.md).
RECOMMENDED = recipe(CONTRAST, "conv2")
