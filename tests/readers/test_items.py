"""Which maps are shown, under which names, in which order."""

import itertools

import numpy as np
import pytest

from fibrolens.errors import UsageError
from fibrolens.evaluate.predicted import Predicted
from fibrolens.readers.items import EARLY, Wanted, draw_items, draw_order


def cases(count=60):
    """Every third scan is predicted to have F4, the others F0; every tenth patient has two scans."""
    chances = {0: (0.8, 0.05, 0.05, 0.05, 0.05), 1: (0.1, 0.1, 0.1, 0.1, 0.6)}
    return [Predicted(f"s{n}", f"p{n - (n % 10 == 9)}", n % 5, (0,), chances[n % 3 == 2]) for n in range(count)]


def drawn(seed=0, **wanted):
    return draw_items(cases(), Wanted(("A",), seed=seed, **wanted), np.random.default_rng(seed))


def test_all_maps_of_both_stages_a_fifth_of_controls_and_a_tenth_again():
    items = drawn()
    kinds = [item.kind for item in items]
    assert (kinds.count("map"), kinds.count("control"), kinds.count("repeat")) == (60, 12, 7)
    assert {item.predicted for item in items} == {"F0", "F4"}
    assert sum(item.predicted == "F4" for item in items if item.kind == "map") == 20


def test_so_many_of_each_stage():
    items = drawn(per_stage=5, stages=("F4",), controls=0.0, repeats=0.0)
    assert [(item.kind, item.predicted) for item in items] == [("map", "F4")] * 5
    assert len({item.scan_id for item in items}) == 5


def test_controls_show_scans_of_the_set_and_both_stages_alike():
    items = drawn(per_stage=10)
    maps = {item.scan_id for item in items if item.kind == "map"}
    controls = [item for item in items if item.kind == "control"]
    assert {item.scan_id for item in controls} <= maps
    assert sorted(item.predicted for item in controls) == ["F0", "F0", "F4", "F4"]
    assert len({item.seed for item in controls}) == 4


def test_a_repeat_is_the_same_map_under_another_name():
    items = {item.item: item for item in drawn(controls=1.0, repeats=0.5)}
    repeats = [item for item in items.values() if item.kind == "repeat"]
    assert len({item.of for item in repeats}) == len(repeats) == 60
    assert {items[item.of].kind for item in repeats} == {"map", "control"}
    for item in repeats:
        first = items[item.of]
        assert (item.scan_id, item.predicted, item.seed) == (first.scan_id, first.predicted, first.seed)
        assert item.item != first.item


def test_names_do_not_tell_kind_stage_or_scan():
    items = drawn()
    assert len({item.item for item in items}) == len(items)
    assert [item.item for item in items] == sorted(item.item for item in items)
    # In the order of the names kinds and stages are mixed: a name tells nothing.
    runs = sum(a.predicted != b.predicted for a, b in itertools.pairwise(items))
    assert runs > 15
    assert [item.item for item in drawn(seed=1)] != [item.item for item in items]
    assert drawn() == items


def test_every_reader_has_an_order_of_their_own_with_repeats_long_after():
    items, generator = drawn(), np.random.default_rng(0)
    orders = [draw_order(items, generator) for _ in range(3)]
    assert all(sorted(order) == [item.item for item in items] for order in orders)
    assert len(set(orders)) == 3
    for order in orders:
        for item in items:
            if item.of is not None:
                assert order.index(item.item) - order.index(item.of) > (1 - 2 * EARLY) * len(items) / 2


@pytest.mark.parametrize("wanted", [
    {"per_stage": 0}, {"controls": -0.1}, {"repeats": 1.5}, {"stages": ()}, {"stages": ("F5",)},
    {"stages": ("F0", "F0")},
])  # fmt: skip
def test_what_cannot_be_wanted(wanted):
    with pytest.raises(UsageError):
        Wanted(("A",), **wanted)


def test_a_stage_without_maps_is_wrong_use():
    with pytest.raises(UsageError, match="predicted to have F2"):
        drawn(stages=("F2",))
