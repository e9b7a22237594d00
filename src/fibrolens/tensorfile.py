"""Files of tensors that appear whole, and checkpoints that vouch for every byte of theirs."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from fibrolens.errors import ModelError

#: Key of a checkpoint's own checksum.
CHECKSUM = "checksum"


def save_aside(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> Path:
    """Write tensors aside and rename the file, so that it is whole or absent; returns `path`.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    aside = path.with_suffix(".partial")
    # What safetensors writes itself fails with an error of its own, which nobody takes for one of the disk.
    aside.write_bytes(save({name: t.contiguous() for name, t in tensors.items()}, metadata))
    aside.replace(path)
    return path


def save_checked(tensors: Mapping[str, Tensor], path: Path, about: Mapping[str, str]) -> None:
    """Write a checkpoint, whole or not at all, with texts about it and a checksum of both."""
    save_aside(tensors, path, {**about, CHECKSUM: checksum(tensors, about)})


def load_checked(path: Path, device: str = "cpu") -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors that `save_checked` wrote, on a device, and the texts about them.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            about = dict(stream.metadata() or {})
        tensors = load_file(path, device=device)
    except (OSError, SafetensorError) as error:
        raise unusable(path, str(error)) from None
    if about.pop(CHECKSUM, None) != checksum(tensors, about):
        raise unusable(path, "the checksum is wrong")
    return tensors, about


def unusable(path: Path, reason: str) -> ModelError:
    """The error for a checkpoint from which a training cannot go on."""
    return ModelError(f"The checkpoint {path} is damaged ({reason}); remove it to train from the start.")


def checksum(tensors: Mapping[str, Tensor], about: Mapping[str, str] | None = None) -> str:
    """Of names and values, and of texts about them; safetensors itself would not notice a changed byte."""
    found = zlib.crc32(json.dumps(dict(about or {}), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        found = zlib.crc32(tensor.detach().cpu().contiguous().numpy().tobytes(), zlib.crc32(name.encode(), found))
    return str(found)


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def memory_of(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser keeps of its steps, as tensors named ``index.name``."""
    kept = optimiser.state_dict()["state"].items()
    return {f"{index}.{name}": tensor for index, memory in kept for name, tensor in memory.items()}


def remember(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser back what `memory_of` took from it."""
    memory: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".")
        memory.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({"state": memory, "param_groups": optimiser.state_dict()["param_groups"]})
