from fibrolens.staging.plans import small_plan
from fibrolens.study.plans import demo_plan


def test_the_demo_fine_tunes_the_shipped_network_for_a_few_steps():
    assert (demo_plan().grid, demo_plan().slab, demo_plan().network) == (
        small_plan().grid,
        small_plan().slab,
        small_plan().network,
    )
    assert demo_plan().training.steps <= 60
    assert demo_plan().training.learning_rate < small_plan().training.learning_rate
