"""Location maps of a layer from its activations and the gradient of a score with respect to them.

Each method is a function of the two, for any number of spatial axes; all are rectified, since a location map shows what
speaks for the score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

#: From activations and gradients ``n channels *feature`` to maps ``n *feature``.
Method = Callable[[Tensor, Tensor], Tensor]

#: Keeps the quotient of Grad-CAM++ finite where a channel is silent.
TINY = 1e-12


def grad_cam(activation: Float[Tensor, "n c ..."], gradient: Float[Tensor, "n c ..."]) -> Float[Tensor, "n ..."]:
    """A channel weighs as much as its gradient is on average over space (Selvaraju et al., ICCV 2017, eq. 1 and 2)."""
    return torch.relu((_over_space(gradient) * activation).sum(dim=1))


def grad_cam_pp(activation: Float[Tensor, "n c ..."], gradient: Float[Tensor, "n c ..."]) -> Float[Tensor, "n ..."]:
    """Grad-CAM++: places where the gradient is positive weigh by its higher derivatives.

    Chattopadhyay et al., WACV 2018, eq. 10, 11 and 19, with the exponential of the score as the class score: then its
    second and third derivatives are the powers of the first, which is exact for networks of rectified linear layers.
    """
    squared, cubed = gradient.square(), gradient.pow(3)
    everywhere = activation.sum(dim=_space(activation), keepdim=True)
    divisor = 2 * squared + everywhere * cubed
    share = torch.where(divisor.abs() > TINY, squared / divisor.masked_fill(divisor.abs() <= TINY, 1), 0)
    weights = (share * torch.relu(gradient)).sum(dim=_space(gradient), keepdim=True)
    return torch.relu((weights * activation).sum(dim=1))


def hires_cam(activation: Float[Tensor, "n c ..."], gradient: Float[Tensor, "n c ..."]) -> Float[Tensor, "n ..."]:
    """HiResCAM: each place weighs by its own gradient, so that the map shows only what the score was computed from.

    Draelos and Carin, arXiv:2011.08891, eq. 3. Where all behind the layer is linear, its sum before rectifying is the
    score without the bias.
    """
    return torch.relu((gradient * activation).sum(dim=1))


def layer_cam(activation: Float[Tensor, "n c ..."], gradient: Float[Tensor, "n c ..."]) -> Float[Tensor, "n ..."]:
    """LayerCAM: as HiResCAM, with the positive gradients alone (Jiang et al., IEEE TIP 2021;30:5875, eq. 6 to 8)."""
    return torch.relu((torch.relu(gradient) * activation).sum(dim=1))


def _over_space(values: Tensor) -> Tensor:
    return values.mean(dim=_space(values), keepdim=True)


def _space(values: Tensor) -> tuple[int, ...]:
    return tuple(range(2, values.dim()))


METHODS: Mapping[str, Method] = {
    "gradcam": grad_cam,
    "gradcam++": grad_cam_pp,
    "hirescam": hires_cam,
    "layercam": layer_cam,
}
