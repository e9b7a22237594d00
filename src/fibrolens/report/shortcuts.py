"""The shortcut audit as tables, and the alarm above a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.report.tables import THRESHOLDS as TITLES
from fibrolens.report.tables import Table, ranged

#: Thresholds that are audited, with their titles.
THRESHOLDS = {name: TITLES[name] for name in ("F>=2", "F>=3", "F4")}
#: Facts of ``acquisition.csv`` in words.
FACTS = {
    "site": "site",
    "vendor": "manufacturer",
    "model": "scanner model",
    "kernel": "reconstruction kernel",
    "kvp": "tube voltage",
    "spacing_mm": "pixel spacing",
    "slice_mm": "slice spacing",
    "thickness_mm": "slice thickness",
    "fov_mm": "field of view",
    "matrix": "matrix",
    "slices": "number of slices",
    "coverage_mm": "length of the scan",
    "lowest_hu": "lowest value",
    "padding_share": "share of padding",
    "step_hu": "step of the values",
    "table_cm2": "table: area per slice",
    "table_hu": "table: density",
    "beside_cm2": "things beside the body: area per slice",
    "air_hu": "air: median",
    "noise_hu": "noise of the air",
    "noise_grain": "grain of the noise",
    "noise_between_slices": "noise from slice to slice",
    "skin_edge_mm": "sharpness of the skin's edge",
    "spleen_hu": "brightness of the spleen (contrast, tube voltage)",
    "aorta_hu": "brightness of the aorta (contrast, tube voltage)",
}
#: Facts that are printed; all stand in the CSV file.
PRINTED = 8
NETWORK = {"all": "all pairs", "within_site": "pairs of one site", "within_acquisition": "pairs alike in acquisition"}
TITLE = "Can the stage be told from how the CTs were made?"
LEVELS = {
    "alarm": "ALARM: it can.",
    "hint": "A hint that it can, too weak for an alarm.",
    "none": "No sign that it can.",
    "unknown": "Not known",
}


def alarms(evaluation: Mapping[str, Any]) -> list[str]:
    """The sentences that stand above everything else in a report; none without an alarm."""
    found = evaluation.get("shortcuts")
    if found is None or found["level"] != "alarm":
        return []
    name, area = max(
        ((n, t["auc"]) for n, t in found["thresholds"].items() if t["auc"]), key=lambda pair: pair[1]["value"]
    )
    carried = [fact for fact in found["facts"] if fact["p_adjusted"] <= 0.05][:3]
    by = "; ".join(_carried(fact) for fact in carried) or "no single fact, but several together"
    sentence = (
        f"The stage can be told from how the CTs were made, without a look at the liver: acquisition alone reaches an "
        f"AUC of {ranged(area['value'], area['delong'])} for {THRESHOLDS[name]} (out of fold; permutation "
        f"p {_p(found['p_value'])}). It shows in: {by}."
    )
    network = found["network"][name]
    alike = network["within_acquisition"]
    if network["all"] is not None and alike is not None and alike["value"] is not None:
        sentence += (
            f" Part of the network's AUC of {ranged(network['all']['value'], network['all']['interval'])} may be this "
            f"shortcut: among scans alike in acquisition it is {ranged(alike['value'], alike['interval'])}."
        )
    return [sentence, "Read no figure below as a measure of fibrosis before the cause is found, see “" + TITLE + "”."]


def exact(evaluation: Mapping[str, Any]) -> Iterator[Table]:
    """``shortcuts.csv``, an AUC a row, and ``shortcut_facts.csv``, a fact a row."""
    found = evaluation["shortcuts"]
    rows: list[tuple[Cell, ...]] = []
    for name in THRESHOLDS:
        threshold = found["thresholds"].get(name)
        if threshold is not None and threshold["auc"] is not None:
            ends = threshold["auc"]["delong"] or (None, None)
            pairs = threshold["positives"] * threshold["negatives"]
            rows.append((name, "acquisition", "all", threshold["auc"]["value"], *ends, pairs))
        for key in NETWORK:
            own = found["network"][name][key]
            if own is not None:
                rows.append((name, "network", key, own["value"], *(own["interval"] or (None, None)), own["pairs"]))
    yield Table("shortcuts", TITLE, ("threshold", "score", "compared", "auc", "low", "high", "pairs"), tuple(rows))
    columns = ("fact", "value", "known", "threshold", "auc", "correlation", "p_adjusted")
    facts = tuple(tuple(fact[name] for name in columns) for fact in found["facts"])
    yield Table(
        "shortcut_facts", "What is known of how the CTs were made, and how it goes with the stage", columns, facts
    )


def printed(evaluation: Mapping[str, Any]) -> Iterator[Table]:
    """The AUCs of acquisition and network side by side, and the facts that go with the stage best."""
    found = evaluation["shortcuts"]
    rows: list[tuple[Cell, ...]] = []
    for name, title in THRESHOLDS.items():
        threshold = found["thresholds"].get(name)
        network = found["network"][name]
        alone = "–" if threshold is None or threshold["auc"] is None else _area(threshold["auc"], "delong")
        counts = "–" if threshold is None else f"{threshold['positives']} / {threshold['negatives']}"
        rows.append((title, counts, alone, *(_area(network[key], "interval") for key in NETWORK)))
    columns = (
        "Told apart",
        "With / without",
        "Acquisition alone",
        *(f"Network, {words}" for words in NETWORK.values()),
    )
    yield Table("shortcuts", TITLE, columns, tuple(rows), _note(found))
    if found["facts"]:
        yield _facts(found)


def _facts(found: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            _words(fact),
            fact["known"],
            THRESHOLDS[fact["threshold"]],
            "–" if fact["auc"] is None else f"{fact['auc']:.2f}",
            f"{fact['correlation']:+.2f}",
            _p(fact["p_adjusted"]).removeprefix("= "),
        )
        for fact in found["facts"][:PRINTED]
    )
    note = (
        f"The {len(rows)} of {len(found['facts'])} facts that go with the stage best, each where it does so best; + "
        "means higher, or more often so, in the higher stages. p holds for all facts and thresholds together. AUC: of "
        "the fact alone, on the scans that it was looked for in, so that it flatters. All: tables/shortcut_facts.csv; "
        "each scan: acquisition.csv."
    )
    columns = ("Fact", "Known of", "Strongest at", "AUC", "Correlation", "p")
    return Table("shortcut_facts", "What of the scan goes with the stage", columns, rows, note)


def _note(found: Mapping[str, Any]) -> str:
    level = LEVELS[found["level"]]
    if found["level"] == "unknown":
        return f"{level}: {found['reason']}."
    left = f" {found['left_out']} scans without facts are left out." if found["left_out"] else ""
    return (
        f"{level} Permutation p {_p(found['p_value'])}, {found['scans']} scans of {found['patients']} patients.{left} "
        "Acquisition alone: out of fold, from header, grid, voxels outside the body, noise, sharpness and contrast; "
        "an AUC below 0.5 means that nothing is told. Where the network's AUC falls among pairs of one site or pairs "
        "alike in acquisition (of one quarter of that score), part of it may be the scan and not the liver.\n"
        f"Rule. {found['rule'][0].upper()}{found['rule'][1:]}."
    )


def _carried(fact: Mapping[str, Any]) -> str:
    area = "" if fact["auc"] is None else f", AUC {fact['auc']:.2f} alone"
    return f"{_words(fact)}{area}"


def _words(fact: Mapping[str, Any]) -> str:
    name = FACTS.get(fact["fact"], fact["fact"])
    return name if fact["value"] is None else f"{name}: {fact['value']}"


def _area(entry: Mapping[str, Any] | None, interval: str) -> str:
    return "–" if entry is None else ranged(entry["value"], entry[interval])


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
