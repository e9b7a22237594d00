"""Named plans for studies and for the training on a user's cohort."""

from __future__ import annotations

from dataclasses import replace

from fibrolens.plan import LayerName, Plan, SegmentationPlan, read_plan
from fibrolens.staging.plans import small_plan
from fibrolens.weights import PLAN, shipped

#: The layers that know the signs; what stays to be learnt is how the stage is read from them.
BELOW_THE_HEAD: tuple[LayerName, ...] = ("conv1", "conv2", "conv3", "conv4", "hidden")


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
        plan.training, steps=200, batch=4, learning_rate=3e-4, warmup_steps=20, frozen=(), checkpoint_every=50
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
        checkpoint_every=50,
    )
    return replace(plan, training=training)


def demo_plan() -> Plan:
    """A few steps of fine-tuning per fold from the shipped weights, which were trained on other simulated patients."""
    plan = fine_tuning_plan(read_plan(shipped("lfs") / PLAN, Plan))
    return replace(plan, training=replace(plan.training, steps=30, batch=4, warmup_steps=5, checkpoint_every=15))
