"""What a location map explains: a score as a function of the network's logits ``n k``, one number per input.

Every score is taken before the softmax, or as log-odds, where a probability would saturate and lose its gradient.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from fibrolens.errors import ExplanationError
from fibrolens.plan import STAGES

#: The index of an output, or a function of the logits ``n k`` that gives one score per input.
Target = int | Callable[[Tensor], Tensor]

EXPECTED = "expected"
AT_LEAST = "at_least_"
#: Every target with a name: a stage, at least a stage, the expected stage, and the contrast of the two ends.
NAMES = (*STAGES, *(f"{AT_LEAST}{name}" for name in STAGES[1:]), EXPECTED, f"{STAGES[-1]}-{STAGES[0]}")


def at_least(stage: int) -> Callable[[Float[Tensor, "n k"]], Float[Tensor, " n"]]:
    """Log-odds of P(F >= stage), for a stage from 1 on."""

    def score(logits: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        return logits[:, stage:].logsumexp(dim=1) - logits[:, :stage].logsumexp(dim=1)

    return score


def expected_stage(logits: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
    """The sum of k times the probability of stage k."""
    return torch.softmax(logits, dim=1) @ torch.arange(logits.shape[1], dtype=logits.dtype, device=logits.device)


def contrast(high: int, low: int) -> Callable[[Float[Tensor, "n k"]], Float[Tensor, " n"]]:
    """Logarithm of how much more probable stage `high` is than stage `low`."""

    def score(logits: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        return logits[:, high] - logits[:, low]

    return score


def against_far_end(stage: int) -> Callable[[Float[Tensor, "n k"]], Float[Tensor, " n"]]:
    """`contrast` of a stage with the end of the scale that lies farther from it: F0 from F2 on, F4 below.

    A stage's own logit holds what all logits have in common, which moves no probability; a contrast does not.
    """
    last = len(STAGES) - 1
    return contrast(stage, 0 if 2 * stage >= last else last)


def target(name: str) -> Target:
    """The target of a name of `NAMES`, or of any two stages, for example ``F3-F1``.

    Raises:
        ExplanationError: there is none of this name.
    """
    if name in STAGES:
        return STAGES.index(name)
    if name == EXPECTED:
        return expected_stage
    above = name.removeprefix(AT_LEAST)
    if name.startswith(AT_LEAST) and above in STAGES[1:]:
        return at_least(STAGES.index(above))
    high, _, low = name.partition("-")
    if high in STAGES and low in STAGES and high != low:
        return contrast(STAGES.index(high), STAGES.index(low))
    raise ExplanationError(f"There is no target {name!r}; choose one of {', '.join(NAMES)}.")
