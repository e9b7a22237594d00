"""How a stage is read from the last fully connected layer: softmax, cumulative link, or regression."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, softplus

from fibrolens.plan import STAGES, HeadName

#: Standard deviation, in stages, of the stage around the regressed number where a probability is made of it.
SPREAD = 1.0
MIDDLE = (len(STAGES) - 1) / 2


class OrdinalHead(nn.Module):
    """Cumulative link: P(F >= k) is the logistic function of one score less the cut of k, the cuts ascending.

    The proportional-odds model of McCullagh (J R Stat Soc B 1980;42:109) on the last layer's features.

    Args:
        inputs: features.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.score = nn.Linear(inputs, 1, bias=False)
        self.first = nn.Parameter(torch.tensor([-1.5]))
        self.gaps = nn.Parameter(torch.full((len(STAGES) - 2,), 0.5))

    @property
    def cuts(self) -> Float[Tensor, " 4"]:
        """The cuts of F1 to F4."""
        return torch.cat([self.first, self.first + softplus(self.gaps).cumsum(0)])

    def forward(self, features: Float[Tensor, "n f"]) -> Float[Tensor, "n 5"]:
        """Logarithm of the probability of F0 to F4; its softmax is the probability itself."""
        above = self.score(features) - self.cuts
        # log(sigmoid(a) - sigmoid(b)) for a > b without the loss of digits of a difference of nearly equal numbers.
        upper, lower = above[:, :-1], above[:, 1:]
        between = logsigmoid(upper) + logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
        return torch.cat([logsigmoid(-above[:, :1]), between, logsigmoid(above[:, -1:])], dim=1)


class RegressionHead(nn.Module):
    """The number of the stage, 0 to 4, as Yasaka et al. regress it (Eur Radiol 2018, doi 10.1007/s00330-018-5499-7).

    Args:
        inputs: features.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.number = nn.Linear(inputs, 1)
        nn.init.constant_(self.number.bias, MIDDLE)

    def forward(self, features: Float[Tensor, "n f"]) -> Float[Tensor, "n 5"]:
        """Scores whose softmax is a normal distribution around the number, `SPREAD` wide, at the five stages.

        They are linear in the number (what all stages share is left out), so that P(F >= k) rises with it.
        """
        stages = torch.arange(len(STAGES), dtype=features.dtype, device=features.device)
        return ((stages - MIDDLE) * self.number(features) - stages.square() / 2) / SPREAD**2


def regressed(logits: Float[Tensor, "n 5"]) -> Float[Tensor, " n"]:
    """The number that a `RegressionHead` made these scores of."""
    last = len(STAGES) - 1
    return ((logits[:, -1] - logits[:, 0]) * SPREAD**2 + last**2 / 2) / last


def new_head(name: HeadName, inputs: int) -> nn.Module:
    """The head of a plan."""
    if name == "ordinal":
        return OrdinalHead(inputs)
    return RegressionHead(inputs) if name == "regression" else nn.Linear(inputs, len(STAGES))
