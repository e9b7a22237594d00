"""Named plans for staging."""

from __future__ import annotations

from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan, TrainingPlan


def small_plan() -> Plan:
    """The plan of the shipped weights: small enough to train and to run on one CPU core.

    3 mm in the plane instead of 1.5 mm and half the channels of the default plan make a training step about 14 times
    cheaper; the last pooling keeps the slices, so that maps at conv4 have 10 mm x 24 mm x 24 mm cells.
    """
    return Plan(
        grid=GridPlan(spacing_mm=(5.0, 3.0, 3.0), in_plane=(128, 128)),
        slab=SlabPlan(slices=32, stride=8),
        network=NetworkPlan(
            channels=(8, 16, 32, 64),
            pools=((2, 2, 2), (2, 2, 2), (1, 2, 2)),
            pooled=(2, 4, 4),
            hidden=64,
            dropout=0.3,
        ),
        training=TrainingPlan(steps=4000, batch=4, learning_rate=1e-3, class_balance=0.5, checkpoint_every=100),
    )
