"""Plans for studies and for the training on a user's cohort."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from fibrolens.cohort.criteria import Criteria
from fibrolens.plan import SCHEMA_VERSION, LayerName, Plan, SegmentationPlan, TrainingPlan
from fibrolens.segment.segmenters import SegmenterName
from fibrolens.staging.modes import LFS
from fibrolens.staging.plans import small_plan
from fibrolens.weights import load_model_folder, shipped

#: The layers that know the signs; what stays to be learnt is how the stage is read from them.
BELOW_THE_HEAD: tuple[LayerName, ...] = ("conv1", "conv2", "conv3", "conv4", "hidden")

Learnt = Literal["auto", "last-layer", "all"]


@dataclass(frozen=True)
class RivalPlan:
    """Another network on the folds of a study, trained from random weights.

    Args:
        name: a key of `fibrolens.staging.modes.MODES`.
        staging: grid, slabs, network and training; the grid is the study's.
    """

    name: str
    staging: Plan


@dataclass(frozen=True)
class PanelPlan:
    """A model of measured markers on the folds of a study.

    Args:
        name: in the tables.
        markers: columns of ``markers.csv``, or of the cohort's table.
        network: whether it knows the score of the study's network too.
    """

    name: str
    markers: tuple[str, ...]
    network: bool = False


@dataclass(frozen=True)
class StudyPlan:
    """Every decision of a study; ``plan.json`` of its folder.

    Args:
        staging: grid, slabs, network and training of every fold; its seed decides all that is drawn.
        also: other trainings that every fold tries where it has an inner split, which decides between them.
        criteria: who is in the study.
        folds: parts of the cohort; each is predicted by a network that never saw its patients.
        inner_folds: one in so many patients of the other folds is kept for early stopping and for the cuts.
        learnt: which layers are trained: the last, all, or (``auto``) both ways in every fold.
        initial: what the training begins with, in words; initial_trained_on: what that was trained on.
        segmenter: what finds the organs that a row has no mask of.
        mode: name of what the networks of the study are, a key of `fibrolens.staging.modes.MODES`.
        rivals: networks that are compared with them.
        panels: marker models that are compared with them.
        seeds: how often every fold is trained, each time with the next seed; the first is the study's result, the
            others show how much of it is chance.
    """

    staging: Plan
    also: tuple[TrainingPlan, ...] = ()
    criteria: Criteria = field(default_factory=Criteria)
    folds: int = 5
    inner_folds: int = 5
    learnt: Learnt = "all"
    initial: str = "random weights"
    initial_trained_on: str = ""
    segmenter: SegmenterName = "fibrolens"
    mode: str = LFS
    rivals: tuple[RivalPlan, ...] = ()
    panels: tuple[PanelPlan, ...] = ()
    seeds: int = 1
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if min(self.folds, self.inner_folds) < 2:
            raise ValueError(f"folds and inner_folds must be at least 2; they are {self.folds} and {self.inner_folds}")
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1; it is {self.seeds}")

    @property
    def ways(self) -> tuple[Plan, ...]:
        """The plan of each training that a fold tries."""
        return (self.staging, *(replace(self.staging, training=training) for training in self.also))

    @property
    def other_seeds(self) -> tuple[int, ...]:
        """The seeds of the trainings that show the spread alone."""
        first = self.staging.training.seed
        return tuple(range(first + 1, first + self.seeds))


def with_training(plan: Plan, seed: int, steps: int | None = None) -> Plan:
    """The plan with another seed, and with other steps where they are given."""
    training = replace(plan.training, seed=seed)
    return replace(plan, training=training if steps is None else replace(training, steps=steps))


def fine_tuning_plan(base: Plan) -> Plan:
    """A short training of the last layer, from weights that were trained on CTs of the same kind.

    The other layers have learnt from more patients than a cohort has, and would only forget.

    Args:
        base: plan of those weights, whose grid, slab and network stay as they are.
    """
    training = replace(
        base.training,
        steps=60,
        batch=8,
        learning_rate=2e-4,
        warmup_steps=6,
        prior=(),
        signs_weight=0.0,
        soft_stages=0.0,
        parts_weight=0.0,
        averaging=0.0,
        frozen=BELOW_THE_HEAD,
        check_every=10,
        checkpoint_every=20,
        seed=0,
    )
    return replace(base, training=training)


def adapting_plan(base: Plan) -> Plan:
    """A training of all layers from weights that were trained on CTs of another kind, such as simulated ones.

    Args:
        base: plan of those weights, whose grid, slab and network stay as they are.
    """
    plan = fine_tuning_plan(base)
    training = replace(
        plan.training,
        steps=200,
        batch=4,
        learning_rate=3e-4,
        warmup_steps=20,
        frozen=(),
        check_every=20,
        checkpoint_every=50,
    )
    return replace(plan, training=training)


def segmentation_tuning_plan(base: SegmentationPlan, steps: int = 300, seed: int = 0) -> SegmentationPlan:
    """A short training of both V-Nets; a step takes some six seconds on one core.

    Examples and boxes are as large as in the first training, for instance normalisation sees the whole of them.

    Args:
        base: plan of the weights to begin with, whose grids and networks stay as they are.
        steps: training steps.
        seed: decides the examples and which patients are held out.
    """
    return replace(
        base,
        crops=base.crops[:1],
        steps=steps,
        batch=1,
        learning_rate=2e-4,
        warmup_steps=max(1, steps // 15),
        average_steps=max(1, steps // 6),
        checkpoint_every=10,
        seed=seed,
    )


def scratch_plan() -> Plan:
    """A training on one cohort alone, from random weights."""
    plan = small_plan()
    training = replace(
        plan.training,
        steps=300,
        warmup_steps=30,
        prior=(),
        signs_weight=0.0,
        soft_stages=0.0,
        parts_weight=0.0,
        check_every=60,
        checkpoint_every=50,
    )
    return replace(plan, training=training)


def demo_plan() -> StudyPlan:
    """A few steps of fine-tuning per fold from the shipped weights, which were trained on other simulated patients."""
    folder = load_model_folder(shipped("lfs"))
    plan, card = fine_tuning_plan(folder.plan(Plan)), folder.card
    training = replace(plan.training, steps=30, batch=4, warmup_steps=5, check_every=10, checkpoint_every=15)
    staging = replace(plan, training=training)
    return StudyPlan(staging, learnt="last-layer", initial="shipped weights", initial_trained_on=card["trained_on"])
