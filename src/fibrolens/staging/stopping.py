"""Early stopping: which weights of a training do best on scans that it is not fitted on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fibrolens.output import write_json
from fibrolens.plan import Plan
from fibrolens.staging.data import StagingCase
from fibrolens.staging.network import LFSNetwork
from fibrolens.staging.peers import ALONE, Peers
from fibrolens.staging.predict import StagingModel, predict_case

STOPPING = "stopping.json"
#: No probability counts as less, so that one scan cannot decide alone.
LEAST = 1e-6


@dataclass
class InnerSplit:
    """Looks at the inner split while a network is trained, and keeps the weights that did best on it.

    Args:
        cases: the scans of the inner split; without any nothing is looked at.
        plan: how often is looked, and how many looks without a better one end the training.
        peers: processes that share the scans of a look.
        looks: step of each look so far, and the loss of each scan.
        best: the weights of the best look.
    """

    cases: Sequence[StagingCase]
    plan: Plan
    peers: Peers = ALONE
    looks: list[tuple[int, list[float]]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def due(self, step: int) -> bool:
        """Whether to look after `step` steps: before the first, every so often, and after the last."""
        every, last = self.plan.training.check_every, self.plan.training.steps
        return bool(self.cases) and every > 0 and (step % every == 0 or step == last)

    def look(self, step: int, network: LFSNetwork, weights: Mapping[str, Tensor]) -> None:
        """Measure `weights` on the inner split and keep them where they are the best so far.

        Args:
            step: after how many steps they are.
            network: whose weights they are; it is not changed.
            weights: what would be used if the training ended here.
        """
        looked = deepcopy(network)
        looked.load_state_dict(dict(weights))
        losses = self._losses(StagingModel(self.plan, looked.eval(), {}, ""))
        if np.mean(losses) < min(self._means(), default=math.inf):
            self.best = {name: tensor.clone() for name, tensor in weights.items()}
        self.looks.append((step, losses))

    def _losses(self, model: StagingModel) -> list[float]:
        """Of every scan, each measured by one of the peers, so that all of them decide alike."""
        losses, own = np.zeros(len(self.cases)), self.peers.rows(len(self.cases))
        losses[own.start : own.stop] = inner_losses(model, self.cases[own.start : own.stop])
        self.peers.add_up([torch.from_numpy(losses)])
        return [float(loss) for loss in losses]

    @property
    def over(self) -> bool:
        """Whether the last looks have all been worse than an earlier one."""
        means = self._means()
        return bool(means) and len(means) - 1 - int(np.argmin(means)) >= self.plan.training.patience

    def write(self, folder: Path) -> None:
        """Write ``stopping.json``: every look, and which step's weights were kept; nothing without an inner split."""
        if self.looks:
            means = self._means()
            kept, losses = self.looks[int(np.argmin(means))]
            looks = [{"step": step, "loss": mean} for (step, _), mean in zip(self.looks, means, strict=True)]
            content = {"scans": len(self.cases), "looks": looks, "kept_step": kept, "kept_losses": losses}
            write_json(content, folder / STOPPING)

    def _means(self) -> list[float]:
        return [float(np.mean(losses)) for _, losses in self.looks]


def inner_losses(model: StagingModel, cases: Sequence[StagingCase]) -> list[float]:
    """Minus the logarithm of the probability of the stages that each reference allows, scan by scan."""
    losses = []
    for case in cases:
        found = predict_case(model, case).probabilities
        losses.append(-math.log(max(float(found[list(case.stages)].sum()), LEAST)))
    return losses
