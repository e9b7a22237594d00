import json
from dataclasses import asdict

import numpy as np
import pytest

from fibrolens.evaluate.saliency.null_band import (
    Band,
    NullBand,
    beside,
    inside,
    null_bands,
    with_seeds,
)
from fibrolens.plan import from_plain


def means(seed: int = 0, networks: int = 8, scans: int = 30):
    generator = np.random.default_rng(seed)
    return {
        name: generator.normal(centre, 0.1, (networks, scans)) for name, centre in (("liver", 1.0), ("spleen", 0.8))
    }


def null(**changes):
    made = NullBand("gradcam", "conv4", "predicted", 8, 30, null_bands(means()))
    return NullBand(**{**vars(made), **changes})


def test_the_band_is_the_quantiles_of_all_networks_and_scans():
    values = means()
    liver, spleen = null_bands(values)
    assert (liver.low, liver.median, liver.high) == pytest.approx(np.percentile(values["liver"], [2.5, 50, 97.5]))
    assert spleen.region == "spleen"
    assert spleen.median == pytest.approx(np.median(values["spleen"]))


def test_unknown_means_do_not_count_and_a_region_without_any_has_no_band():
    values = means()
    holed = {"liver": values["liver"].copy(), "spleen": np.full((8, 30), np.nan)}
    holed["liver"][2:] = np.nan
    (liver,) = null_bands(holed)
    assert liver.median == pytest.approx(np.median(values["liver"][:2]))
    assert null(bands=(liver,)).band("spleen") is None


def test_a_figure_is_inside_up_to_the_ends():
    band = Band("liver", 0.7, 1.0, 1.2)
    assert [inside(value, band) for value in (0.69, 0.7, 1.0, 1.2, 1.21)] == [False, True, True, True, False]
    assert beside(1.3, band) == "liver 1.3, null 0.7 to 1.2"
    assert beside(0.25, Band("liver_core", 0.1, 0.2, 0.3, 0.5)) == "liver core 0.2, null 0.0 to 1.3"


def test_other_seeds_widen_the_limits_by_how_far_a_scan_s_figure_moves():
    generator = np.random.default_rng(1)
    scan = generator.normal(1.5, 0.5, 200)
    moved = scan + generator.normal(0, 0.05, (5, 200))
    wide = with_seeds(null(), {"liver": moved})
    liver, spleen = wide.band("liver"), wide.band("spleen")
    assert liver.seed_sd == pytest.approx(0.05, rel=0.1)
    assert liver.seed_sd == pytest.approx(np.sqrt(moved.var(axis=0, ddof=1).mean()))
    assert liver.limits == pytest.approx((liver.low - 1.96 * liver.seed_sd, liver.high + 1.96 * liver.seed_sd))
    assert spleen.limits == (spleen.low, spleen.high)
    assert wide.seeds == 5
    assert inside(liver.high + 0.05, liver)


def test_one_seed_tells_nothing_of_their_spread():
    moved = np.full((3, 30), np.nan)
    moved[0] = 1.0
    assert with_seeds(null(), {"liver": moved}).band("liver").seed_sd == 0.0


def test_a_band_comes_back_from_plain_content():
    wide = with_seeds(null(), means(3, networks=3))
    assert from_plain(NullBand, json.loads(json.dumps(asdict(wide))), "null") == wide


DAMAGE = {
    "lower": (lambda c: c["bands"][0].update(low=5.0), "ascending"),
    "nan": (lambda c: c["bands"][0].update(median=float("nan")), "ascending"),
    "sd": (lambda c: c["bands"][0].update(seed_sd=-0.1), "seed_sd"),
    "text": (lambda c: c.update(networks="eight"), "networks must be int"),
    "none": (lambda c: c.update(networks=0), "at least 1"),
    "missing": (lambda c: c.pop("layer"), "layer"),
    "unknown": (lambda c: c.update(colour="red"), "unknown keys: colour"),
    "twice": (lambda c: c.update(bands=c["bands"] * 2), "two bands"),
    "schema": (lambda c: c.update(schema_version=9), "schema_version is 9"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_content_is_refused_by_a_sentence(kind):
    content = json.loads(json.dumps(asdict(null())))
    damage, said = DAMAGE[kind]
    damage(content)
    with pytest.raises((TypeError, ValueError), match=said):
        from_plain(NullBand, content, "null")
