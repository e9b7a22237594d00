"""All that a training needs to go on after it was killed, in one file."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fibrolens.errors import ModelError
from fibrolens.plan import Plan
from fibrolens.staging.data import StagingCase
from fibrolens.staging.stopping import InnerSplit
from fibrolens.tensorfile import checksum, load_checked, memory_of, remember, save_checked, under


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training and the file that keeps it.

    Args:
        path: the file.
        made_of: what the weights of a step depend on, see `made_of`; a file made of something else is refused.
        learner: the network and what its training needs.
        optimiser: with the memory of its steps.
        average: running mean of the weights, or empty.
        watch: the looks at the inner split so far.
    """

    path: Path
    made_of: Mapping[str, str]
    learner: nn.Module
    optimiser: torch.optim.Optimizer
    average: dict[str, Tensor]
    watch: InnerSplit

    def save(self, step: int) -> None:
        """Write the file after `step` steps; it is whole or absent."""
        tensors = {f"learner.{name}": t for name, t in self.learner.state_dict().items()}
        tensors |= {f"average.{name}": t for name, t in self.average.items()}
        tensors |= {f"best.{name}": t for name, t in self.watch.best.items()}
        tensors |= {f"optimiser.{name}": t for name, t in memory_of(self.optimiser).items()}
        save_checked(tensors, self.path, {"step": str(step), "looks": json.dumps(self.watch.looks), **self.made_of})

    def resume(self) -> int:
        """Load the file where there is one; returns the step to go on with.

        Raises:
            ModelError: it is damaged, or made of something else.
        """
        if not self.path.is_file():
            return 0
        tensors, metadata = load_checked(self.path)
        for what, text in self.made_of.items():
            if metadata.get(what) != text:
                raise ModelError(
                    f"{self.path} was made with another {what}; train into another folder, or remove it to start again."
                )
        self.learner.load_state_dict(under("learner.", tensors))
        self.average.update(under("average.", tensors))
        self.watch.best = under("best.", tensors)
        self.watch.looks = [(int(step), list(losses)) for step, losses in json.loads(metadata["looks"])]
        remember(self.optimiser, under("optimiser.", tensors))
        return int(metadata["step"])


def made_of(
    cases: Sequence[StagingCase], plan: Plan, initial: Mapping[str, Tensor] | None, inner: Sequence[StagingCase]
) -> dict[str, str]:
    """What the weights of a step depend on: the plan without what does not change the result, scans, first weights."""
    content: dict[str, Any] = asdict(plan)
    content["training"].pop("checkpoint_every")
    return {
        "plan": json.dumps(content, sort_keys=True),
        "set of scans": f"{_checksum(cases)} {_checksum(inner)}",
        "start": checksum(initial or {}),
    }


def _checksum(cases: Sequence[StagingCase]) -> str:
    """Of all that batches of these cases may hold, and of their number and order."""
    found = zlib.crc32(str(len(cases)).encode())
    for case in cases:
        liver = (case.liver_first, case.liver_last)
        known = (case.image, case.signs, case.chances, case.parts, case.covariates)
        about = [None if array is None else (array.shape, array.dtype.str) for array in known]
        found = zlib.crc32(repr((case.scan_id, case.stages, liver, about)).encode(), found)
        for array in known:
            if array is not None:
                found = zlib.crc32(np.ascontiguousarray(array).data, found)
    return str(found)
