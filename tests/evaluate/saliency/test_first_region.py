import numpy as np
import pytest

from fibrolens.evaluate.saliency.first_region import (
    PARTS,
    chance_first,
    ranks_first,
    region_means,
    rivals_of,
)

#: Two voxels each: surface, core, spleen, elsewhere; the last stands outside the coverage.
LAYOUT = np.array([[[1, 1, 2, 2, 3, 3, 4, 4]]])
MASKS = {
    "liver": LAYOUT <= 2,
    "liver_surface": LAYOUT == 1,
    "liver_core": LAYOUT == 2,
    "spleen": LAYOUT == 3,
    "elsewhere": LAYOUT == 4,
}


def means(surface, core, spleen, elsewhere):
    return region_means(np.array([[[surface, surface, core, core, spleen, spleen, elsewhere, elsewhere]]]), MASKS)


def test_a_region_s_density_is_its_mean_over_the_voxels_that_count():
    array = np.arange(8.0).reshape(1, 1, 8)
    inside = array < 5
    assert region_means(array, MASKS, inside) == {
        "liver": 1.5, "liver_surface": 0.5, "liver_core": 2.5, "spleen": 4.0, "elsewhere": None,
    }  # fmt: skip


def test_the_parts_of_a_region_are_those_whose_voxels_it_holds():
    within = {
        whole: {part for part in MASKS if part != whole and not (MASKS[part] & ~MASKS[whole]).any()} for whole in MASKS
    }
    assert {whole: parts for whole, parts in within.items() if parts} == {name: set(PARTS[name]) for name in PARTS}


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ((3, 2, 1, 0), {"liver_surface", "liver"}),
        ((2, 3, 1, 0), {"liver_core", "liver"}),
        ((4, 0, 3, 1), {"liver_surface"}),  # the liver's mean is 2: the spleen outdoes it
        ((1, 1, 3, 0), {"spleen"}),
        ((1, 1, 1, 1), set()),
        ((0, 0, 0, 0), set()),
        ((2, 2, 1, 0), {"liver"}),
    ],
)
def test_a_region_ranks_first_among_those_that_are_not_its_own_parts_or_its_whole(values, first):
    found = means(*values)
    assert {name for name in MASKS if ranks_first(found, name)} == first


def test_an_empty_region_is_no_rival_and_cannot_be_first():
    found = means(1, 2, 3, 0) | {"spleen": None}
    assert ranks_first(found, "liver_core") is True
    assert ranks_first(found, "spleen") is None
    assert ranks_first({"liver": 1.0, "liver_core": 2.0}, "liver") is None
    assert ranks_first(found, "kidney") is None


def test_parts_and_wholes_are_no_rivals():
    assert rivals_of(tuple(MASKS), "liver") == ("spleen", "elsewhere")
    assert rivals_of(tuple(MASKS), "liver_surface") == ("liver_core", "spleen", "elsewhere")


@pytest.mark.parametrize(("region", "chance"), [("liver", 1 / 3), ("liver_core", 1 / 4), ("spleen", 1 / 4)])
def test_chance_is_what_random_maps_get(region, chance):
    assert chance_first(tuple(MASKS), region) == pytest.approx(chance)
    if region != "liver":  # whose mean varies less than that of a small region, so that equal orders are an idea
        draws = np.random.default_rng(0).random((4000, 4))
        assert np.mean([ranks_first(means(*row), region) for row in draws]) == pytest.approx(chance, abs=0.03)
