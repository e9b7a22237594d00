"""Named plans for studies."""

from __future__ import annotations

from dataclasses import replace

from fibrolens.plan import Plan
from fibrolens.staging.plans import small_plan


def demo_plan() -> Plan:
    """A few steps of fine-tuning per fold from the shipped weights, which were trained on other simulated patients."""
    plan = small_plan()
    training = replace(plan.training, steps=30, learning_rate=2e-4, warmup_steps=5, checkpoint_every=15)
    return replace(plan, training=training)
