"""Named plans for staging."""

from __future__ import annotations

from fibrolens.plan import PAPER_MIX, GridPlan, NetworkPlan, Plan, SlabPlan, TrainingPlan


def small_plan() -> Plan:
    """The plan of the shipped weights: small enough to train and to run on one CPU core.

    3 mm in the plane instead of 1.5 mm, half the channels of the default plan, and a first convolution that steps by
    two make a training step some 50 times cheaper; the first and the last pooling keep the slices, so that maps at
    conv4 have 20 mm x 24 mm x 24 mm cells. Normalising everywhere makes a training sure: without it, some never leave
    the start. Size and brightness are evidence (spleen volume, enhancement), so that the augmentation changes them
    little.
    """
    return Plan(
        grid=GridPlan(spacing_mm=(5.0, 3.0, 3.0), in_plane=(128, 128)),
        slab=SlabPlan(slices=32, stride=8),
        network=NetworkPlan(
            channels=(8, 16, 32, 64),
            stride=(2, 2, 2),
            pools=((1, 2, 2), (2, 1, 1), (1, 2, 2)),
            pooled=(2, 4, 4),
            hidden=64,
            dropout=0.3,
            normalise="all",
        ),
        training=TrainingPlan(
            steps=12000,
            batch=4,
            learning_rate=1e-3,
            class_balance=0.5,
            prior=tuple(float(n) for n in PAPER_MIX),
            signs_weight=0.5,
            soft_stages=1.0,
            parts_weight=0.5,
            scale=0.03,
            noise_hu=4.0,
            offset_hu=5.0,
            checkpoint_every=100,
        ),
    )
