"""Staging one scan: mean softmax over overlapping slabs, location maps put together on the network grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fibrolens.explain.integrated import INPUT
from fibrolens.explain.location_maps import location_maps
from fibrolens.explain.recipe import Explainer
from fibrolens.explain.reference import AttentionReference
from fibrolens.explain.targets import Target
from fibrolens.plan import Plan
from fibrolens.staging.calibration import StageCalibration
from fibrolens.staging.data import StagingCase
from fibrolens.staging.device import Device
from fibrolens.staging.domain import DomainModel
from fibrolens.staging.network import LFSNetwork, fast
from fibrolens.staging.seen import Seen
from fibrolens.transforms.slabs import Slabs
from fibrolens.weights import load_model_folder


@dataclass(frozen=True, eq=False)
class StagingModel:
    """A trained LFS network with the plan that made it and the card that says what it is for.

    Args:
        plan: grid, slabs and network that the weights need.
        network: the network in evaluation mode.
        card: name, trained_on, intended_use, figures, seed.
        sha256: of the weights file.
        domain: check whether a scan is like the training scans; None where the folder has none.
        calibration: gives the stage sets; None where the folder has none.
        reference: what its maps are without training, and how frequent their patterns; None where the folder has none.
        device: where the network is.
        files_sha256: of the whole folder that it was read from; empty where it was not.
    """

    plan: Plan
    network: LFSNetwork
    card: Mapping[str, Any]
    sha256: str
    domain: DomainModel | None = None
    calibration: StageCalibration | None = None
    reference: AttentionReference | None = None
    device: Device = field(default_factory=Device)
    files_sha256: str = ""

    @classmethod
    def load(cls, folder: Path, device: Device | None = None) -> StagingModel:
        """Read a model folder.

        Args:
            folder: the model folder.
            device: where the network shall run; the processor where None.

        Raises:
            ModelError: a file is missing or damaged, or the weights do not fit the plan.
        """
        files = load_model_folder(folder)
        plan = files.plan(Plan)
        network = files.filled(lambda: LFSNetwork(plan.network))
        domain = None if files.domain is None else DomainModel.from_tensors(files.domain)
        sets = None if files.calibration is None else StageCalibration.from_dict(files.calibration, folder)
        known = None if files.reference is None else AttentionReference.from_dict(files.reference, folder)
        device = device or Device()
        placed = device.place(fast(network))
        return cls(plan, placed, files.card, files.sha256, domain, sets, known, device, files.files_sha256)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says about one scan.

    Args:
        probabilities: F0 to F4, summing to 1: mean softmax of the windows.
        logits: scores before the softmax, one row per window.
        targets: what the maps explain: stages (0 to 4), or functions of the logits.
        maps: per layer, unscaled values on the network grid, one map per target; mean of the windows where they
            overlap, 0 on slices that no window covered. Empty where no layer was asked for.
        coverage: per slice, how many windows covered it.
        features: activations of the first fully connected layer, mean of the windows.
    """

    probabilities: Float[np.ndarray, " 5"]
    logits: Float[np.ndarray, "n 5"]
    targets: tuple[Target, ...]
    maps: Mapping[str, Float[np.ndarray, "t d h w"]]
    coverage: Float[np.ndarray, " d"]
    features: Float[np.ndarray, " f"]

    @property
    def predicted(self) -> int:
        """The most probable stage, 0 to 4."""
        return int(self.probabilities.argmax())


def predict(
    model: StagingModel,
    image: Float[np.ndarray, "d h w"],
    liver_range: tuple[int, int],
    layers: Sequence[str] = ("conv3", "conv4"),
    targets: Sequence[Target] | None = None,
    covariates: Float[np.ndarray, " c"] | None = None,
    explain: Explainer = location_maps,
) -> Prediction:
    """Stage one scan.

    Args:
        model: the trained network.
        image: the scan on the network grid, windowed to [0, 1].
        liver_range: first and last slice (inclusive) that show liver, as in training.
        layers: layers to make location maps at; none for the stage alone.
        targets: what to explain; the predicted stage where not given.
        covariates: what the last layer knows of the patient, standardised; None is the average patient.
        explain: what makes the maps; Grad-CAM where not given.

    Raises:
        ExplanationError: the network has no such layer.
    """
    slabs = Slabs.over(*liver_range, len(image), model.plan.slab)
    put = model.device.put
    windows = slabs.extract(put(torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))))[:, None]
    known = None if covariates is None else put(torch.from_numpy(covariates.astype(np.float32)))
    logits, features = _stage(model, windows, known)
    probabilities = torch.softmax(logits.double(), dim=1).mean(dim=0)
    explained = (int(probabilities.argmax()),) if targets is None else tuple(targets)
    maps = _maps(model, windows, explained, layers, explain) if layers else {}
    merged = {layer: slabs.merge(windows_maps)[0].cpu().numpy() for layer, windows_maps in maps.items()}
    _, coverage = slabs.merge(torch.zeros(len(windows), slabs.size, 1, 1))
    return Prediction(
        probabilities.numpy(), logits.numpy(), explained, merged, coverage.numpy(), features.mean(dim=0).numpy()
    )


def predict_case(
    model: StagingModel,
    case: StagingCase,
    layers: Sequence[str] = (),
    targets: Sequence[Target] | None = None,
    explain: Explainer = location_maps,
) -> Prediction:
    """Stage a scan that was prepared for training, from its stored grey levels; arguments as for `predict`."""
    image = case.image.astype(np.float32) / np.float32(255.0)
    return predict(model, image, (case.liver_first, case.liver_last), layers, targets, case.covariates, explain)


def predict_seen(
    model: StagingModel,
    seen: Seen,
    layers: Sequence[str] = (),
    targets: Sequence[Target] | None = None,
    explain: Explainer = location_maps,
) -> Prediction:
    """Stage what a plan sees of a scan, with maps and coverage in their places of the whole scan."""
    found = predict_case(model, seen.case, layers, targets, explain)
    maps = {layer: seen.back(array) for layer, array in found.maps.items()}
    return replace(found, maps=maps, coverage=seen.covered(found.coverage))


def _stage(
    model: StagingModel, windows: Float[Tensor, "n 1 s h w"], covariates: Float[Tensor, " c"] | None
) -> tuple[Float[Tensor, "n 5"], Float[Tensor, "n f"]]:
    """Logits and features of all windows, in ordinary memory."""
    with torch.no_grad():
        features = model.device.over(windows, lambda some: {"f": model.network.features(some)})["f"]
        known = None if covariates is None else covariates.expand(len(features), -1)
        return model.network.scores(features, known).cpu(), features.cpu()


def _maps(
    model: StagingModel,
    windows: Float[Tensor, "n 1 s h w"],
    targets: tuple[Target, ...],
    layers: Sequence[str],
    explain: Explainer,
) -> dict[str, Float[Tensor, "n t s h w"]]:
    """Raw maps of each window at its full size."""
    network = model.network
    found = model.device.over(windows, lambda some: explain(network, some, targets, layers).maps, axis=1)
    by_window = {layer: found[layer].transpose(0, 1) for layer in layers}
    # A map of the input lies where the input does.
    return {layer: maps if layer == INPUT else _centred(maps, network.stride) for layer, maps in by_window.items()}


def _centred(maps: Float[Tensor, "n t s h w"], stride: tuple[int, int, int]) -> Float[Tensor, "n t s h w"]:
    """Maps moved to where the network looked.

    A convolution that steps by `stride` looks around the first voxel of each step, while enlarging a map puts its cells
    on the middle of the step: every later layer lies half a step (less half a voxel) too far along each axis.
    """
    for axis, step in enumerate(stride, start=2):
        whole, part = divmod((step - 1) / 2, 1)
        at = torch.arange(maps.shape[axis], device=maps.device) + int(whole)
        here, next_one = (maps.index_select(axis, i.clamp(max=maps.shape[axis] - 1)) for i in (at, at + 1))
        maps = torch.lerp(here, next_one, part) if part else here
    return maps
