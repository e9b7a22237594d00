"""Networks that forgot: weights drawn anew layer by layer, and a training on shuffled stages."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from fibrolens.audit.subjects import Shown
from fibrolens.plan import Plan
from fibrolens.staging.data import StagingCase
from fibrolens.staging.network import LFSNetwork, fast, new_network
from fibrolens.staging.predict import StagingModel
from fibrolens.transforms.slabs import Slabs

#: The cascade, from the scores to the image; after the last step nothing is left of the training.
STEPS = ("head", "hidden", "conv4", "conv3", "conv2", "conv1")
#: Scans whose windows the batch normalisation of random layers is measured on.
CALIBRATED_ON = 6


def cascade(model: StagingModel, seed: int, windows: Tensor) -> list[StagingModel]:
    """The networks after each of `STEPS`; each step draws one more layer anew (Adebayo et al., NeurIPS 2018).

    A random layer's batch normalisation knows nothing of what now runs through it, which would let everything behind
    fall silent or saturate, so that its mean and variance are measured on `windows`; weights and shifts are those of a
    new network.

    Args:
        model: a trained network; it is not touched.
        seed: of the new weights.
        windows: ``n 1 s h w``, in [0, 1].
    """
    network, fresh = copy.deepcopy(model.network), new_network(model.plan.network, seed)
    found = []
    for step in STEPS:
        network.get_submodule(step).load_state_dict(fresh.get_submodule(step).state_dict())
        known = copy.deepcopy(network)
        settle(known, STEPS[: STEPS.index(step) + 1], windows)
        found.append(replace(model, network=fast(known.eval())))
    return found


def settle(network: LFSNetwork, layers: Sequence[str], windows: Tensor) -> None:
    """Measure mean and variance of the batch normalisation in `layers` on `windows`."""
    modules = [one for layer in layers for one in network.get_submodule(layer).modules()]
    norms = [one for one in modules if isinstance(one, nn.BatchNorm3d)]
    network.eval()
    before = [one.momentum for one in norms]
    for one in norms:
        one.reset_running_stats()
        # None is the plain mean over the windows.
        one.momentum = None
        one.train()
    with torch.no_grad():
        for window in windows if norms else ():
            network(window[None])
    for one, momentum in zip(norms, before, strict=True):
        one.momentum = momentum
        one.eval()


def middle_windows(shown: Sequence[Shown], plan: Plan) -> Tensor:
    """The middle window of each scan, ``n 1 s h w`` in [0, 1]."""
    return torch.stack([_middle(one.seen(plan).case, plan) for one in shown])


def _middle(case: StagingCase, plan: Plan) -> Tensor:
    slabs = Slabs.over(case.liver_first, case.liver_last, len(case.image), plan.slab)
    windows = slabs.extract(torch.from_numpy(case.image.astype(np.float32) / 255.0))
    return windows[len(windows) // 2][None]


def shuffled(cases: Sequence[StagingCase], generator: np.random.Generator) -> list[StagingCase]:
    """The same scans with the stages dealt out anew among the patients; all scans of a patient go together."""
    patients = list(dict.fromkeys(case.patient_id for case in cases))
    own = {case.patient_id: case.stages for case in cases}
    other = dict(zip(patients, (patients[k] for k in generator.permutation(len(patients))), strict=True))
    return [replace(case, stages=own[other[case.patient_id]]) for case in cases]
