"""Weights of another program's ``.pth`` or ``.pt`` file as a model folder: the one place that opens such a file.

Such a file is a pickle, which may hold a program beside its numbers. PyTorch's loader for weights alone is used, which
builds tensors and plain containers and refuses to call anything else; what it gives is then compared with our network,
tensor by tensor, and written as safetensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fibrolens.errors import ModelError
from fibrolens.output import file_sha256, is_done, output_folder
from fibrolens.plan import Plan, SegmentationPlan
from fibrolens.result import INTENDED_USE
from fibrolens.transport.verify import network_of
from fibrolens.weights import ModelFolder, load_model_folder, save_model_folder

#: Under which training programs keep the weights beside other things, in the order they are looked for.
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "network", "net", "weights")
#: What wrappers of networks put before every name.
PREFIXES = ("module.", "_orig_mod.", "model.", "network.", "net.")
#: Names of tensors that a message lists at most.
MOST_NAMES = 3
NOT_TOLD = "not told by who imported them"


@dataclass(frozen=True)
class Origin:
    """What is known of the weights.

    Args:
        name: of the model, for its card.
        trained_on: in words.
    """

    name: str
    trained_on: str = NOT_TOLD


def import_weights(file: Path, like: Path, out: Path, origin: Origin, overwrite: bool = False) -> bool:
    """Write the tensors of a foreign file as a model folder.

    Args:
        file: what ``torch.save`` wrote: a state dictionary, alone or under one of `WRAPPERS`.
        like: a model folder whose plan describes the same network.
        out: the model folder to write; it has no domain check and no stage sets, which belong to other weights.
        origin: what the card says of the weights.
        overwrite: another import may be replaced.

    Returns:
        Whether the same import stood there before.

    Raises:
        ModelError: the file holds more than tensors, or they do not fit the network.
        UsageError: `out` holds something else.
        OutputError: `out` cannot be written.
    """
    model = load_model_folder(like)
    plan: Any = model.plan(SegmentationPlan if model.segments else Plan)
    weights = _fitting(read_tensors(file), model, file)
    run = {
        "command": "weights import",
        "file_sha256": file_sha256(file),
        "plan_sha256": file_sha256(like / "plan.json"),
        "name": origin.name,
        "trained_on": origin.trained_on,
    }
    if is_done(out, run, overwrite):
        return True
    card: dict[str, Any] = {
        "name": origin.name,
        "trained_on": origin.trained_on,
        "intended_use": INTENDED_USE,
        "figures": {},
        "seed": None,
        "imported_sha256": run["file_sha256"],
    }
    with output_folder(out, run) as made:
        save_model_folder(made, weights, plan, card)
    return False


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a foreign file by their names, without what wrappers put before them.

    Raises:
        ModelError: it cannot be read, or what stands there is not names and tensors alone.
    """
    if not file.is_file():
        raise ModelError(f"{file} is missing; give the file that torch.save wrote.")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001  (a hostile or damaged file may raise anything, whose words need not be repeated)
        raise ModelError(
            f"{file} is damaged or holds more than tensors, which may be a program; it is not opened. Ask for its "
            "state dictionary, saved alone."
        ) from None
    return _unwrapped(_state_dictionary(content, file))


def _state_dictionary(content: Any, file: Path) -> dict[str, Tensor]:
    inner = content
    if isinstance(content, Mapping):
        inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), content)
    if not isinstance(inner, Mapping) or not inner:
        raise ModelError(f"{file} holds no state dictionary; save network.state_dict() alone.")
    for name, tensor in inner.items():
        if not isinstance(name, str) or not _is_plain(tensor):
            raise ModelError(f"{file} holds something else than plain tensors; save network.state_dict() alone.")
    return {name: _stored(tensor) for name, tensor in inner.items()}


def _is_plain(value: Any) -> bool:
    """Whether this is numbers in memory, rather than a sparse, quantised or complex tensor or none at all."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized or value.is_meta:
        return False
    return not value.is_complex()


def _stored(tensor: Tensor) -> Tensor:
    """A copy of its own: tensors of a file may share their memory."""
    tensor = tensor.detach()
    return (tensor.float() if tensor.is_floating_point() else tensor).clone().contiguous()


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names without a prefix that all of them have."""
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return _unwrapped({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors


def _fitting(found: dict[str, Tensor], model: ModelFolder, file: Path) -> dict[str, Tensor]:
    """The tensors, which must be those of the network: names, shapes, and finite."""
    expected = {name: tuple(t.shape) for name, t in network_of(model).state_dict().items()}
    wrong = [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{name} is none of its tensors" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != tuple(found[name].shape):
            wrong.append(f"{name} is {tuple(found[name].shape)} instead of {expected[name]}")
        elif not torch.isfinite(found[name]).all():
            wrong.append(f"{name} holds values that are not finite")
    if wrong:
        more = f"; and {len(wrong) - MOST_NAMES} more" if len(wrong) > MOST_NAMES else ""
        raise ModelError(
            f"{file} does not fit the network of {model.path}: {'; '.join(wrong[:MOST_NAMES])}{more}. Give a model "
            "folder with its plan by --like."
        )
    return found
