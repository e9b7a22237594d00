"""What a reader study found, against counting by hand."""

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from fibrolens.evaluate.agreement import MISSING
from fibrolens.readers.analysis import analyse
from fibrolens.readers.choices import NAMES
from fibrolens.readers.item import Item
from fibrolens.readers.ratings import NONE, Ratings
from fibrolens.readers.store import Reading, Store

READERS = ("A", "B", "C")


def read_set(path, share=1.0, seed=0):
    """Forty maps, twenty controls, ten repeats; three readers who see the computed pattern four times in five."""
    generator = np.random.default_rng(seed)
    items = []
    for n in range(60):
        stage, kind = ("F0", "F4")[n % 2], "map" if n < 40 else "control"
        pattern = ("surface", "core")[n % 2] if kind == "map" else NAMES[int(generator.integers(5))]
        # The scans of two patients are alike in pairs.
        items.append(Item(f"i{n}", kind, None, f"s{n % 40}", f"p{n % 40 // 2}", 0, stage, stage, None, pattern))
    items += [Item(f"r{n}", "repeat", f"i{n}", f"s{n}", f"p{n // 2}", 0, items[n].stage, items[n].predicted, None,
                   items[n].pattern) for n in range(10)]  # fmt: skip
    about = {"wanted": {"seed": 0, "stages": ["F0", "F4"]}, "trained_on": "real CT", "top": 6.0, "rule": "a rule",
             "layer": "mean", "scale": "mean1", "study_scans": 40}  # fmt: skip
    store = Store.create(path, items, {reader: [item.item for item in items] for reader in READERS}, about)
    readings = []
    for reader in READERS:
        for item in items:
            if generator.random() < share:
                seen = item.pattern if generator.random() < 0.8 else NAMES[int(generator.integers(5))]
                readings.append(
                    Reading(reader, item.item, seen, int(generator.integers(1, 6)), seconds=3.0, source="sheet")
                )
    store.add(readings)
    return store


@pytest.fixture
def store(tmp_path):
    return read_set(tmp_path / "r.sqlite3")


def said(store, reader, kind="map"):
    current = store.current(reader)
    return [NAMES.index(current[item.item].pattern) for item in store.items() if item.kind == kind]


def test_frequencies_of_readers_and_of_the_majority(store):
    found = analyse(store)["patterns"]
    maps = [item for item in store.items() if item.kind == "map"]
    codes = np.array([said(store, reader) for reader in READERS]).T
    for stage in ("F0", "F4"):
        own = np.array([item.predicted == stage for item in maps])
        for column, reader in enumerate(READERS):
            for code, name in enumerate(NAMES):
                assert found[stage][reader][name]["count"] == int((codes[own, column] == code).sum())
        majorities = [max(range(5), key=row.tolist().count) if max(map(row.tolist().count, range(5))) > 1 else NONE
                      for row in codes[own]]  # fmt: skip
        counts = [found[stage]["majority"][name]["count"] for name in (*NAMES, "none")]
        assert counts == [majorities.count(code) for code in range(6)]
        assert {share["of"] for share in found[stage]["majority"].values()} == {20}


def test_a_tie_is_no_majority_and_what_nobody_read_is_missing():
    items = tuple(Item(f"i{n}", "map", None, f"s{n}", f"p{n}", 0, "F0", "F0", None, "core") for n in range(5))
    codes = np.array([[0, 0, 1], [0, 1, 2], [0, 1, MISSING], [3, MISSING, MISSING], [MISSING] * 3])
    assert Ratings(items, READERS, codes).majority.tolist() == [0, NONE, NONE, 3, MISSING]


def test_controls_stand_apart_with_their_difference(store):
    found = analyse(store)
    told = found["expected"]["F0"]["majority"]
    assert found["expected"]["F0"]["pattern"] == "surface"
    assert told["maps"] == found["patterns"]["F0"]["majority"]["surface"]
    assert told["controls"] == found["controls"]["F0"]["majority"]["surface"]
    assert told["controls"]["of"] == 10
    assert told["difference"]["value"] == pytest.approx(told["maps"]["value"] - told["controls"]["value"])
    low, high = told["difference"]["interval"]
    assert 0 < low < told["difference"]["value"] < high <= 1


def test_pairs_repeats_and_the_rule_are_those_of_scikit_learn(store):
    found = analyse(store)
    first, second = said(store, "A"), said(store, "B")
    pair = found["pairs"][0]
    assert pair["readers"] == ["A", "B"]
    assert pair["cohen_kappa"]["value"] == pytest.approx(cohen_kappa_score(first, second))
    assert pair["agreement"]["value"] == np.mean(np.array(first) == np.array(second))
    current = store.current("C")
    again = [item for item in store.items() if item.kind == "repeat"]
    twice = [[current[name].pattern for name in (item.of, item.item)] for item in again]
    assert found["repeats"]["C"]["agreement"]["count"] == sum(a == b for a, b in twice)
    assert found["repeats"]["C"]["cohen_kappa"]["value"] == pytest.approx(cohen_kappa_score(*zip(*twice, strict=True)))
    computed = [NAMES.index(item.pattern) for item in store.items() if item.kind == "map"]
    assert found["computed"]["A"]["cohen_kappa"]["value"] == pytest.approx(cohen_kappa_score(computed, first))
    table = np.array(found["computed"]["A"]["counts"])
    assert table.sum() == 40
    assert np.trace(table) == sum(a == b for a, b in zip(computed, first, strict=True))


def test_agreement_of_all_has_an_interval_over_patients(store):
    found = analyse(store)["agreement"]
    assert found["maps"]["items"] == found["maps"]["read_twice"] == 40
    assert found["controls"]["items"] == 20
    for name in ("percent_agreement", "fleiss_kappa", "gwet_ac1"):
        low, high = found["maps"][name]["interval"]
        assert low < found["maps"][name]["value"] < high
    pairs = [pair["agreement"]["value"] for pair in analyse(store)["pairs"]]
    assert found["maps"]["percent_agreement"]["value"] == pytest.approx(np.mean(pairs))


def test_what_is_missing_is_counted_and_the_rest_still_told(tmp_path):
    store = read_set(tmp_path / "part.sqlite3", share=0.6)
    found = analyse(store)
    for reader in READERS:
        assert found["missing"][reader] == 70 - len(store.current(reader)) > 0
    assert found["agreement"]["maps"]["read_twice"] < 40
    assert found["agreement"]["maps"]["fleiss_kappa"]["interval"] is not None


def test_before_anything_is_read_every_figure_is_null_with_a_reason(tmp_path):
    found = analyse(read_set(tmp_path / "none.sqlite3", share=0.0))
    assert found["missing"] == dict.fromkeys(READERS, 70)
    assert found["agreement"]["maps"]["gwet_ac1"]["value"] is None
    assert found["agreement"]["maps"]["gwet_ac1"]["reason"]
    assert found["patterns"]["F0"]["majority"]["surface"]["value"] is None
    json.dumps(found, allow_nan=False)


def test_same_in_same_out_and_the_last_reading_counts(store):
    before = analyse(store)
    assert analyse(store) == before
    item = next(item for item in store.items() if item.kind == "map" and item.predicted == "F0")
    old = store.current("A")[item.item]
    store.add([Reading("A", item.item, "unknown" if old.pattern != "unknown" else "core", 1, "later")])
    after = analyse(store)
    assert after["readers"]["A"]["corrections"] == 1
    assert after["readers"]["A"]["read"] == before["readers"]["A"]["read"]
    assert after["readers"]["A"]["comments"] == {item.item: "later"}
    count = before["patterns"]["F0"]["A"][old.pattern]["count"]
    assert after["patterns"]["F0"]["A"][old.pattern]["count"] == count - 1
