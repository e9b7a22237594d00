import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from fibrolens.evaluate.saliency.effects import NO_CHANGE, TOO_FEW, effects, scan_agreement

REGIONS = ("liver_surface", "liver_core", "spleen", "elsewhere")
NAN = float("nan")


def row(*values):
    return np.array(values, dtype=float)


def cohort(scans: int = 40, noise: float = 0.3, seed: int = 0):
    """Changes of the score, and densities that follow them but for noise."""
    generator = np.random.default_rng(seed)
    change = generator.random((scans, 4))
    return change + noise * generator.normal(size=change.shape), change


def run(density, change, patient=None, **options):
    owner = np.arange(len(density)) if patient is None else patient
    return effects(REGIONS, density, change, owner, np.random.default_rng(0), replicates=300, **options)


def test_a_scan_s_agreement_is_the_rank_correlation_of_densities_and_changes():
    density, change = row(1.4, 0.9, 2.0, 0.4), row(0.3, 0.1, 0.2, -0.05)
    found = scan_agreement(density, change)
    assert found.rank == pytest.approx(spearmanr(density, change).statistic)
    assert found.top1 is False
    assert found.chance == 0.25
    assert scan_agreement(change * 5, change).rank == pytest.approx(1.0)
    assert scan_agreement(change * 5, change).top1 is True


def test_a_fall_counts_more_than_a_rise():
    assert scan_agreement(row(1, 2, 3), row(0.5, 0.1, -0.9)).rank == pytest.approx(-1.0)


def test_ties_share_ranks_and_a_map_with_two_tops_names_none():
    density, change = row(2, 2, 1, 0), row(0.3, 0.2, 0.2, 0.0)
    found = scan_agreement(density, change)
    assert found.rank == pytest.approx(spearmanr(density, change).statistic)
    assert found.top1 is False
    either = scan_agreement(row(3, 2, 1, 0), row(0.3, 0.3, 0.2, 0.0))
    assert (either.top1, either.chance) == (True, 0.5)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_map_counts_as_no_agreement_and_is_not_left_out(value):
    found = scan_agreement(np.full(4, value), row(0.1, 0.4, 0.2, 0.3))
    assert (found.rank, found.top1, found.reason) == (0.0, False, None)


def test_where_nothing_moves_the_score_no_map_can_agree_or_disagree():
    found = scan_agreement(row(1, 2, 3, 4), row(0.2, 0.2004, 0.2, 0.2))
    assert (found.rank, found.top1, found.reason) == (None, None, NO_CHANGE)


def test_unknown_regions_are_left_out_and_two_are_too_few():
    density, change = row(1, NAN, 2, 4), row(0.1, 0.9, 0.3, 0.2)
    found = scan_agreement(density, change)
    assert (found.regions, found.rank) == (3, pytest.approx(0.5))
    assert scan_agreement(density, row(0.1, 0.9, NAN, 0.2)).reason == TOO_FEW


def test_the_mean_over_scans_and_what_a_random_map_gets():
    density, change = cohort()
    found = run(density, change)
    by_hand = [spearmanr(a, b).statistic for a, b in zip(density, change, strict=True)]
    assert found["rank"]["value"] == pytest.approx(np.mean(by_hand))
    low, high = found["rank"]["interval"]
    assert low < found["rank"]["value"] < high
    assert found["rank"]["spread"]["median"] == pytest.approx(np.median(by_hand))
    assert found["top1"]["value"] == pytest.approx(np.mean(density.argmax(axis=1) == change.argmax(axis=1)))
    assert found["top1"]["random"] == 0.25
    assert len(found["per_scan"]) == 40


@pytest.mark.parametrize("change", [row(0.1, 0.4, 0.2, 0.3), row(0.1, 0.4, 0.4, 0.3), row(0.5, 0.5, 0.5, 0.0)])
def test_over_all_orders_of_a_map_the_mean_and_the_spread_are_those_stated(change):
    orders = np.array(list(itertools.permutations([1.0, 2.0, 3.0, 4.0])))
    found = run(orders, np.tile(change, (24, 1)))
    ranks = [one["rank"] for one in found["per_scan"]]
    assert found["rank"]["value"] == pytest.approx(found["rank"]["random"]["mean"], abs=1e-12)
    assert np.std(ranks) == pytest.approx(found["rank"]["random"]["sd_of_a_scan"])
    assert found["top1"]["value"] == pytest.approx(found["top1"]["random"])


def test_regions_have_their_means_with_intervals_and_the_unknown_is_counted_out():
    density, change = cohort()
    density[:5, 2] = NAN
    found = run(density, change, share=density / 10)
    spleen = found["regions"]["spleen"]
    assert spleen["density"]["value"] == pytest.approx(density[5:, 2].mean())
    assert spleen["density"]["of"] == 35
    assert spleen["change"]["value"] == pytest.approx(change[:, 2].mean())
    assert spleen["share"]["value"] == pytest.approx(density[5:, 2].mean() / 10)
    assert spleen["change"]["interval"][0] < spleen["change"]["value"] < spleen["change"]["interval"][1]


def test_a_patient_s_scans_are_one_witness():
    density, change = cohort(20)
    twice = [np.repeat(one, 2, axis=0) for one in (density, change)]
    alone, paired = run(density, change), run(*twice, patient=np.repeat(np.arange(20), 2))
    assert paired["rank"]["interval"] == pytest.approx(alone["rank"]["interval"])
    assert paired["top1"]["interval"] == pytest.approx(alone["top1"]["interval"])


def test_scans_without_figures_are_counted_by_reason():
    density, change = cohort(6)
    change[0] = 0.2
    density[1, :2] = NAN
    found = run(density, change)
    assert found["left_out"] == {NO_CHANGE: 1, TOO_FEW: 1}
    assert found["rank"]["of"] == found["top1"]["of"] == 4
    nothing = run(density[:2], change[:2])
    assert nothing["rank"]["value"] is None
    assert nothing["rank"]["reason"]
    assert nothing["top1"] == {"value": None, "interval": None, "count": 0, "of": 0, "random": None}
