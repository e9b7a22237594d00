"""All that a training needs to go on after it was killed, in one file."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fibrolens.errors import ModelError
from fibrolens.plan import Plan
from fibrolens.staging.data import StagingCase
from fibrolens.staging.stopping import InnerSplit

#: Key of the file's own checksum.
CHECKSUM = "checksum"


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
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": t for name, t in state.items()}
        about = {"step": str(step), "looks": json.dumps(self.watch.looks)}
        save_aside(tensors, self.path, {CHECKSUM: checksum(tensors, about), **about, **self.made_of})

    def resume(self) -> int:
        """Load the file where there is one; returns the step to go on with.

        Raises:
            ModelError: it is damaged, or made of something else.
        """
        if not self.path.is_file():
            return 0
        try:
            with safe_open(self.path, framework="pt") as stream:
                metadata = stream.metadata() or {}
            tensors = load_file(self.path)
            _require_sound(tensors, metadata)
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"The checkpoint {self.path} is damaged ({error}); remove it to train from the start."
            ) from None
        for what, text in self.made_of.items():
            if metadata.get(what) != text:
                raise ModelError(
                    f"{self.path} was made with another {what}; train into another folder, or remove it to start again."
                )
        self.learner.load_state_dict(_under("learner.", tensors))
        self.average.update(_under("average.", tensors))
        self.watch.best = _under("best.", tensors)
        self.watch.looks = [(int(step), list(losses)) for step, losses in json.loads(metadata["looks"])]
        self._load_optimiser(_under("optimiser.", tensors))
        return int(metadata["step"])

    def _load_optimiser(self, tensors: Mapping[str, Tensor]) -> None:
        state: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            index, name = key.split(".")
            state.setdefault(int(index), {})[name] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state, "param_groups": groups})


def checksum(tensors: Mapping[str, Tensor], about: Mapping[str, str] | None = None) -> str:
    """Of names and values, and of texts about them; safetensors itself would not notice a changed byte."""
    found = zlib.crc32(json.dumps(about or {}, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found = zlib.crc32(tensor.detach().cpu().contiguous().numpy().tobytes(), zlib.crc32(name.encode(), found))
    return str(found)


def _require_sound(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    about = {name: metadata.get(name, "") for name in ("step", "looks")}
    if metadata.get(CHECKSUM) != checksum(tensors, about):
        raise SafetensorError("the checksum is wrong")


def made_of(
    cases: Sequence[StagingCase], plan: Plan, initial: Mapping[str, Tensor] | None, inner: Sequence[StagingCase]
) -> dict[str, str]:
    """What the weights of a step depend on: the plan without what does not change the result, scans, first weights."""
    content: dict[str, Any] = asdict(plan)
    content["training"].pop("checkpoint_every")
    scans = zlib.crc32(b"")
    for case in (*cases, *inner):
        scans = zlib.crc32(f"{case.scan_id} {case.stages}".encode(), zlib.crc32(case.image.tobytes(), scans))
        for known in (case.signs, case.chances, case.parts, case.covariates):
            scans = scans if known is None else zlib.crc32(known.tobytes(), scans)
    return {
        "plan": json.dumps(content, sort_keys=True),
        "set of scans": str(scans),
        "start": checksum(initial or {}),
    }


def save_aside(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> Path:
    """Write tensors aside and rename the file, so that it is whole or absent; returns `path`."""
    aside = path.with_suffix(".partial")
    save_file({name: t.contiguous() for name, t in tensors.items()}, aside, metadata=metadata)
    aside.replace(path)
    return path


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
