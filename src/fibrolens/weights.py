"""Model folders: weights, the plan that made them, and a card that says what they are for.

::

    <folder>/weights.safetensors   tensors by name; kernels as float16 or float32
             plan.json             every decision of the run that made them
             card.json             name, trained_on, intended_use, figures, seed, and the pins: weights_sha256,
                                   plan_sha256, domain_sha256 where there is a domain
             domain.safetensors    optional: the distribution of the training features
             calibration.json      optional: the threshold of the stage sets; see `fibrolens.staging.calibration`

Weights are never pickled, so that opening a folder runs nobody's code.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from fibrolens.errors import ModelError, OutputError
from fibrolens.jsonfile import read_json
from fibrolens.output import file_sha256, write_json
from fibrolens.plan import PLAN, read_plan, write_plan

WEIGHTS, CARD, DOMAIN = "weights.safetensors", "card.json", "domain.safetensors"
CALIBRATION = "calibration.json"
REFERENCE = "attention_reference.json"
#: What the training wrote about its weights, for people.
PAGE = "MODEL_CARD.md"
CARD_KEYS = ("name", "trained_on", "intended_use", "figures", "seed")
#: Where the card pins the SHA-256 of each file; folders of earlier versions have no pin of the plan.
PINS = {WEIGHTS: "weights_sha256", DOMAIN: "domain_sha256", PLAN: "plan_sha256"}

N = TypeVar("N", bound=nn.Module)
P = TypeVar("P")


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that was read and found whole.

    Args:
        path: the folder.
        weights: tensors by name, floating point ones as float32, or as float64 where they are stored so.
        card: what the model is; holds at least the keys of `CARD_KEYS`.
        sha256: of ``weights.safetensors``; it names these weights in every result.
        files_sha256: over all files of the folder that a result depends on.
        domain: tensors of the feature-domain check, or None where the folder has none.
        calibration: content of ``calibration.json``, or None where the folder has none.
        reference: content of ``attention_reference.json``, or None where the folder has none.
    """

    path: Path
    weights: Mapping[str, Tensor]
    card: Mapping[str, Any]
    sha256: str
    files_sha256: str
    domain: Mapping[str, Tensor] | None = None
    calibration: Mapping[str, Any] | None = None
    reference: Mapping[str, Any] | None = None

    def plan(self, kind: type[P]) -> P:
        """The folder's plan as the dataclass `kind`; raises ModelError where it is another kind of plan."""
        return read_plan(self.path / PLAN, kind)

    @property
    def segments(self) -> bool:
        """Whether these are the V-Nets that find the organs, rather than a network that stages."""
        return "coarse" in _read_json(self.path / PLAN)

    def filled(self, make: Callable[[], N]) -> N:
        """The network that `make` builds, with these weights.

        Raises:
            ModelError: there is no such network, or the weights are not its own.
        """
        try:
            # On no device first: a plan may ask for more memory than there is.
            with torch.device("meta"):
                self._require_fit(make())
            network = make()
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(f"The {PLAN} of {self.path} describes no network ({error}); restore the folder.") from None
        self.fill(network)
        return network

    def fill(self, network: nn.Module) -> None:
        """Put the weights into `network` and set it to evaluation.

        Raises:
            ModelError: names or shapes differ from the network of the plan.
        """
        self._require_fit(network)
        # Loading would silently drop what complex numbers hold more.
        if any(tensor.is_complex() for tensor in self.weights.values()):
            raise ModelError(f"{self.path / WEIGHTS} holds complex numbers; restore the folder as it was trained.")
        network.load_state_dict(dict(self.weights))
        network.eval()

    def _require_fit(self, network: nn.Module) -> None:
        """Raise ModelError where names or shapes of the weights are not those of the network."""
        expected = {name: tuple(t.shape) for name, t in network.state_dict().items()}
        found = {name: tuple(t.shape) for name, t in self.weights.items()}
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                raise ModelError(
                    f"{self.path / WEIGHTS} does not fit its {PLAN}: tensor {name} is {found.get(name, 'missing')}, "
                    f"the plan needs {expected.get(name, 'none')}. Restore the folder as it was trained."
                )


def shipped(name: str) -> Path:
    """Folder of the weights that come with the package.

    Args:
        name: ``lfs`` (staging) or ``vnet`` (segmentation).
    """
    return Path(__file__).parent / "shipped" / name


def save_model_folder(
    path: Path,
    weights: Mapping[str, Tensor],
    plan: Any,
    card: Mapping[str, Any],
    *,
    domain: Mapping[str, Tensor] | None = None,
    half: bool = False,
) -> str:
    """Write a model folder aside and put it in place of `path`; no dates, so equal models give equal bytes.

    Args:
        path: the folder; its parents are made where needed.
        weights: tensors by name.
        plan: the plan dataclass that made them.
        card: the keys of `CARD_KEYS`, and whatever else a reader should know.
        domain: tensors of the feature-domain check.
        half: store kernels and matrices as float16. Vectors stay float32: they are small, and running variances
            can leave the range of float16.

    Returns:
        SHA-256 of the weights file.

    Raises:
        ModelError: the card lacks a key.
        OutputError: the folder cannot be written.
    """
    missing = [key for key in CARD_KEYS if key not in card]
    if missing:
        raise ModelError(f"The card of {path} lacks {', '.join(missing)}; a model is not saved without them.")
    aside = path.with_name(f".{path.name}.partial")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        # Bytes written by us get the permissions that the user's umask asks for; save_file makes files private.
        (aside / WEIGHTS).write_bytes(save({k: _stored(t, half) for k, t in weights.items()}))
        if domain is not None:
            (aside / DOMAIN).write_bytes(save({k: t.contiguous() for k, t in domain.items()}))
        write_plan(plan, aside / PLAN)
        pins = {key: file_sha256(aside / name) for name, key in PINS.items() if (aside / name).is_file()}
        write_json({**card, **pins}, aside / CARD)
        shutil.rmtree(path, ignore_errors=True)
        aside.rename(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}. Choose another folder.") from error
    return pins[PINS[WEIGHTS]]


def load_model_folder(path: Path) -> ModelFolder:
    """Read a model folder and check that it is whole.

    Raises:
        ModelError: a file is missing or corrupt, or the tensors are not those that the card pins or the calibration
            describes.
    """
    for name in (WEIGHTS, PLAN, CARD):
        if not (path / name).is_file():
            raise ModelError(
                f"{path / name} is missing; point to a folder that fibrolens train wrote, or install again."
            )
    card = _read_card(path / CARD)
    digest = _pinned(path / WEIGHTS, card)
    if PINS[PLAN] in card:
        _pinned(path / PLAN, card)
    weights = _read_tensors(path / WEIGHTS)
    domain = None
    if (path / DOMAIN).is_file():
        _pinned(path / DOMAIN, card)
        domain = _read_tensors(path / DOMAIN)
    beside = {
        name: _read_beside(path / name, digest) if (path / name).is_file() else None
        for name in (CALIBRATION, REFERENCE)
    }
    return ModelFolder(path, weights, card, digest, _of_all(path), domain, beside[CALIBRATION], beside[REFERENCE])


def _of_all(path: Path) -> str:
    """SHA-256 over the files of a folder, but for the page, which is for people."""
    names = (WEIGHTS, PLAN, CARD, DOMAIN, CALIBRATION, REFERENCE)
    found = [(name, file_sha256(path / name)) for name in names if (path / name).is_file()]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and tensor.is_floating_point() and tensor.ndim > 1 else tensor


def _pinned(path: Path, card: Mapping[str, Any]) -> str:
    """SHA-256 of a file of tensors, which must be the one that the card pins."""
    found, pinned = file_sha256(path), card.get(PINS[path.name])
    if pinned is None:
        raise ModelError(
            f"{path.parent / CARD} lacks {PINS[path.name]}, which says that {path.name} is the file it means; restore "
            "the folder or train again."
        )
    if found != pinned:
        raise ModelError(
            f"{path} is not the file that {CARD} pins: its SHA-256 begins with {found[:12]}, the card's with "
            f"{str(pinned)[:12]}; restore the folder."
        )
    return found


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} is damaged ({error}); restore it or train again.") from None
    tensors = {name: _computable(tensor, name, path) for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path} holds values that are not finite in {name}; restore it or train again.")
    return tensors


def _computable(tensor: Tensor, name: str, path: Path) -> Tensor:
    """Short floating point numbers as float32: torch stores more kinds of them than it, or NumPy, computes with."""
    try:
        return tensor.float() if tensor.is_floating_point() and tensor.dtype != torch.float64 else tensor
    except (NotImplementedError, RuntimeError):
        raise ModelError(
            f"{path} holds {name} as {tensor.dtype}, with which nothing can be computed; store it as float32."
        ) from None


def _read_card(path: Path) -> dict[str, Any]:
    card = _read_json(path)
    missing = [key for key in CARD_KEYS if key not in card]
    if missing:
        raise ModelError(f"{path} lacks {', '.join(missing)}; restore it or train again.")
    return card


def _read_beside(path: Path, weights_sha256: str) -> dict[str, Any]:
    """What was measured of the weights, and is worth nothing beside others."""
    content = _read_json(path)
    if content.get("weights_sha256") != weights_sha256:
        raise ModelError(
            f"{path} was made for other weights (SHA-256 differs); remove it, or make it again for these weights."
        )
    return content


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON ({error}); restore it or train again.") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no JSON object; restore it or train again.")
    return content


def digest(weights: Mapping[str, Tensor] | None) -> str | None:
    """SHA-256 over names and values."""
    if weights is None:
        return None
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
