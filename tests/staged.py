"""A simulated CT and small untrained networks, so that the pipeline runs in a second, for tests that stage."""

from dataclasses import dataclass, replace

import numpy as np
from tests.segment.cascades import SMALL

from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import Rendering, render, small_grid
from fibrolens.pipeline import Models
from fibrolens.plan import NetworkPlan, Plan, SlabPlan
from fibrolens.segment.predict import Segmentation, Segmenter
from fibrolens.segment.vnet import Cascade
from fibrolens.staging.network import new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.predict import StagingModel
from fibrolens.volume import Volume

CARD = {
    "name": "untrained",
    "trained_on": "nothing (simulated CT in tests)",
    "intended_use": "tests",
    "figures": {},
    "seed": 0,
}


@dataclass(frozen=True)
class TrueSegmenter(Segmenter):
    """Knows the organs of one simulated CT."""

    truth: Volume | None = None

    def segment(self, ct: Volume) -> Segmentation:
        """The true liver, spleen and aorta."""
        organs = self.truth.array
        labels = np.select([organs == Organ.LIVER, organs == Organ.SPLEEN], [1, 2], 0).astype(np.uint8)
        aorta = (organs == Organ.AORTA).astype(np.uint8)
        return Segmentation(ct.with_array(labels), ct.with_array(aorta), "truth")

    def glance(self, ct: Volume) -> Segmentation:
        """The same."""
        return self.segment(ct)


def simulated(stage: int = 4, seed: int = 4) -> Rendering:
    """A patient on the small grid whose CT carries what a file would tell."""
    patient = sample_patient(np.random.default_rng(seed), stage, "P1")
    rendering = render(patient, small_grid(patient))
    facts = (*rendering.hu.metadata, ("scan_id", "P1"), ("sha256", "0" * 64))
    return replace(rendering, hu=replace(rendering.hu, metadata=facts))


def untrained_models(truth: Volume) -> Models:
    """A tiny LFS network with random weights and a segmenter that knows `truth`."""
    network = NetworkPlan(channels=(2, 2, 4, 4), pools=((2, 2, 2), (2, 2, 2), (1, 2, 2)), pooled=(1, 2, 2), hidden=8)
    plan = replace(small_plan(), network=network, slab=SlabPlan(slices=32, stride=8))
    staging = StagingModel(Plan(plan.grid, plan.slab, network), new_network(network, 0).eval(), CARD, "a" * 64)
    return Models(staging, TrueSegmenter(Cascade(SMALL).eval(), SMALL, "truth", "b" * 64, truth=truth))
