"""What a reader study found: frequencies, controls, agreement between readers, with themselves and with the rule."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fibrolens.evaluate.agreement import (
    MISSING,
    Agreement,
    Coefficient,
    Weights,
    cohen_kappa,
    counts_of,
    fleiss_kappa,
    gwet_ac1,
    plain,
)
from fibrolens.evaluate.bootstrap import bootstrap_curve
from fibrolens.evaluate.entries import estimated, proportion
from fibrolens.output import SCHEMA_VERSION
from fibrolens.readers.choices import CONFIDENCES, NAMES
from fibrolens.readers.ratings import NONE, Ratings
from fibrolens.readers.store import Store
from fibrolens.report.paper import PATTERNS as PAPER
from fibrolens.result import INTENDED_USE

MAJORITY = "majority"
#: What a majority can be.
OUTCOMES = (*NAMES, "none")
#: The pattern that the paper describes, by predicted stage.
EXPECTED = {stage: pattern for stage, pattern, _ in PAPER}
UNKNOWN = (
    "too little was read, all readings are one pattern, a stage has fewer than two patients, or no draw differs from "
    "another"
)
METHODS = {
    "majority": "the pattern that more than half of an item's readings name; where there is none, the item counts as "
    "“no majority” and stays in the denominator",
    "frequencies": "share of the maps of a predicted stage, repeats left out, with Wilson's interval, as wide as if "
    "the scans of one patient always agreed",
    "controls": "maps of networks of the same plan whose weights were all drawn anew (batch normalisation measured on "
    "the scan), of the same scans and for the same stage; a network whose map is zero everywhere is passed over. What "
    "share of them is read as the pattern of the stage is what the reading of a map without meaning gives",
    "agreement": "Fleiss' kappa and Gwet's AC1 over all readers, items that were read once at most left out of the "
    "observed agreement; Cohen's kappa of two readers, of a reader with the first showing of the same picture, and of "
    "readings with the computed pattern; repeats are left out but for the readers' agreement with themselves",
    "intervals": "95 %, percentiles of 2000 draws of patients within predicted stages (agreement, differences)",
}


def analyse(store: Store) -> dict[str, Any]:
    """Content of ``readings.json``, of whatever has been read so far; this breaks the blinding.

    Args:
        store: of the set.
    """
    about, ratings = store.about(), Ratings.of(store)
    generator = np.random.default_rng(about["wanted"]["seed"])
    stages = about["wanted"]["stages"]
    maps, controls = ratings.kind("map"), ratings.kind("control")
    readers = {reader: _reader(store, reader) for reader in ratings.readers}
    missing = {reader: told["of"] - told["read"] for reader, told in readers.items() if told["read"] < told["of"]}
    return {
        "schema_version": SCHEMA_VERSION,
        "intended_use": INTENDED_USE,
        "set": about | {"counts": _counts(ratings, stages)},
        "readers": readers,
        "missing": missing,
        "patterns": {stage: _frequencies(maps.predicted(stage)) for stage in stages},
        "controls": {stage: _frequencies(controls.predicted(stage)) for stage in stages},
        "paper": [{"stage": stage, "pattern": pattern, "percent": share} for stage, pattern, share in PAPER],
        "expected": {stage: _expected(maps, controls, stage, generator) for stage in stages if stage in EXPECTED},
        "agreement": {
            "maps": _agreement(maps, generator),
            "controls": _agreement(controls, generator),
            "both": _agreement(ratings.kind("map", "control"), generator),
        },
        "pairs": _pairs(maps, generator),
        "repeats": _repeats(ratings, generator),
        "computed": {who: _computed(maps, codes, generator) for who, codes in _everybody(maps).items()},
        "methods": METHODS,
    }


def _counts(ratings: Ratings, stages: list[str]) -> dict[str, Any]:
    kinds = {kind: len(ratings.kind(kind).items) for kind in ("map", "control", "repeat")}
    shown = {stage: len(ratings.kind("map").predicted(stage).items) for stage in stages}
    return kinds | {"patients": len(set(ratings.patient.tolist())), "maps_of": shown}


def _reader(store: Store, reader: str) -> dict[str, Any]:
    """How far a reader is, how sure and how quick."""
    known, history = store.current(reader), store.history(reader)
    seconds = [reading.seconds for reading in known.values() if reading.seconds is not None]
    sure = [reading.confidence for reading in known.values()]
    return {
        "read": len(known),
        "of": len(store.order(reader)),
        "corrections": len(history) - len(known),
        "confidence": {str(level): sure.count(level) for level in CONFIDENCES},
        "median_confidence": float(np.median(sure)) if sure else None,
        "median_seconds": float(np.median(seconds)) if seconds else None,
        "comments": {item: reading.comment for item, reading in sorted(known.items()) if reading.comment},
    }


def _everybody(ratings: Ratings) -> dict[str, Int[np.ndarray, " n"]]:
    """The codes of the majority and of each reader."""
    own = {reader: ratings.codes[:, column] for column, reader in enumerate(ratings.readers)}
    return {MAJORITY: ratings.majority} | own


def _frequencies(ratings: Ratings) -> dict[str, dict[str, Any]]:
    """Share of each pattern, by the majority and by each reader, see `proportion`."""
    patient, found = ratings.patient, {}
    for who, codes in _everybody(ratings).items():
        read = codes != MISSING
        names = OUTCOMES if who == MAJORITY else NAMES
        found[who] = {name: proportion(codes[read] == code, patient[read]) for code, name in enumerate(names)}
    return found


def _expected(maps: Ratings, controls: Ratings, stage: str, generator: np.random.Generator) -> dict[str, Any]:
    """How often the paper's pattern of a stage is read in its maps and in controls, and by how much these differ."""
    code = NAMES.index(EXPECTED[stage])
    together = Ratings((*maps.items, *controls.items), maps.readers, np.concatenate([maps.codes, controls.codes]))
    own = together.predicted(stage)
    real = np.array([item.kind == "map" for item in own.items], dtype=bool)
    found: dict[str, Any] = {"pattern": EXPECTED[stage]}
    for who, codes in _everybody(own).items():
        read, named = codes != MISSING, codes == code
        shares = [proportion(named[read & part], own.patient[read & part]) for part in (real, ~real)]
        difference = _difference(named, read & real, read & ~real)
        found[who] = {
            "maps": shares[0],
            "controls": shares[1],
            "difference": _estimates({"difference": difference}, own, generator)["difference"],
        }
    return found


def _difference(named: Float[np.ndarray, " n"] | np.ndarray, first: np.ndarray, second: np.ndarray) -> Coefficient:
    """Share among the first less share among the second, as the value of an agreement."""

    def coefficient(weights: Weights) -> Agreement:
        with np.errstate(invalid="ignore"):
            shares = [(weights @ (named & part)) / (weights @ part.astype(float)) for part in (first, second)]
        return Agreement(shares[0] - shares[1], *shares)

    return coefficient


def _agreement(ratings: Ratings, generator: np.random.Generator) -> dict[str, Any]:
    """Percent agreement, Fleiss' kappa and Gwet's AC1 of all readers."""
    counts = counts_of(ratings.codes, len(NAMES))
    kappa = fleiss_kappa(counts)
    wanted = {"percent_agreement": _observed(kappa), "fleiss_kappa": kappa, "gwet_ac1": gwet_ac1(counts)}
    twice = int((counts.sum(axis=1) >= 2).sum())
    return {"items": len(ratings.items), "read_twice": twice} | _estimates(wanted, ratings, generator)


def _pairs(ratings: Ratings, generator: np.random.Generator) -> list[dict[str, Any]]:
    """Percent agreement and Cohen's kappa of every two readers."""
    found = []
    for first, second in itertools.combinations(range(len(ratings.readers)), 2):
        codes = ratings.codes[:, first], ratings.codes[:, second]
        names = [ratings.readers[first], ratings.readers[second]]
        found.append({"readers": names} | _two(ratings, *codes, len(NAMES), generator))
    return found


def _repeats(ratings: Ratings, generator: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Each reader's agreement with themselves on the pictures that came twice."""
    first, again = ratings.twice()
    return {
        reader: _two(again, first.codes[:, column], again.codes[:, column], len(NAMES), generator)
        for column, reader in enumerate(ratings.readers)
    }


def _computed(ratings: Ratings, codes: Int[np.ndarray, " n"], generator: np.random.Generator) -> dict[str, Any]:
    """The computed pattern against what was read: counts (rows computed, columns read), agreement and kappa."""
    table = np.zeros((len(NAMES), NONE + 1), int)
    read = codes != MISSING
    np.add.at(table, (ratings.computed[read], codes[read]), 1)
    counts = {"computed": list(NAMES), "read": list(OUTCOMES), "counts": table.tolist()}
    return counts | _two(ratings, ratings.computed, codes, NONE + 1, generator)


def _two(
    ratings: Ratings,
    first: Int[np.ndarray, " n"],
    second: Int[np.ndarray, " n"],
    categories: int,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Two series of readings: share that agrees with Wilson's interval, and Cohen's kappa."""
    both = (first != MISSING) & (second != MISSING)
    same = proportion((first == second)[both], ratings.patient[both])
    wanted = {"cohen_kappa": cohen_kappa(first, second, categories)}
    return {"items": int(both.sum()), "agreement": same} | _estimates(wanted, ratings, generator)


def _observed(coefficient: Coefficient) -> Coefficient:
    """Observed agreement as the value."""

    def observed(weights: Weights) -> Agreement:
        found = coefficient(weights)
        return Agreement(found.observed, found.observed, np.zeros_like(found.observed))

    return observed


def _estimates(
    wanted: Mapping[str, Coefficient], ratings: Ratings, generator: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """``value`` and ``interval`` of each coefficient, by the same draws of patients; see `estimated`."""
    count = len(ratings.items)
    if not count:
        return {name: estimated(math.nan, math.nan, math.nan, UNKNOWN) for name in wanted}

    def curve(weights: Weights) -> Float[np.ndarray, "r m"]:
        return np.column_stack([coefficient(weights).value for coefficient in wanted.values()])

    ends = bootstrap_curve(curve, ratings.stage, ratings.patient, generator)
    low, high = np.full((2, len(wanted)), np.nan) if ends is None else ends
    return {
        name: estimated(plain(coefficient, count)[0], float(low[n]), float(high[n]), UNKNOWN)
        for n, (name, coefficient) in enumerate(wanted.items())
    }
