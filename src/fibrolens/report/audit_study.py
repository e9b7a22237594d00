"""Tables of an audit beside the verdicts: organ ablation, restricted retraining, and where the maps point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.report.audit_words import region_words, title_of
from fibrolens.report.tables import Table, ranged

ASKED = ("F>=2", "F>=3", "F4")


def ablation(content: Mapping[str, Any]) -> Table:
    """What the score loses with each region, a row each."""
    found = content["study"]["ablation"]
    rows: list[tuple[Cell, ...]] = [("none", *(None,) * 12, *_exact_of(found["whole"]["auc"]))]
    for name, region in found["regions"].items():
        falls = (*_exact(region["fall"]), *_exact_of(region["fall_at_least"]))
        rows.append((name, *falls, *_exact_of(region["auc"])))
    named = ("fall_of_predicted", *(f"fall_of_{key}" for key in ASKED), *(f"auc_{key}" for key in ASKED))
    columns = ("region_replaced", *(f"{name}{end}" for name in named for end in ("", "_low", "_high")))
    return Table("ablation", "Organ ablation", columns, tuple(rows))


def ablation_printed(content: Mapping[str, Any]) -> Table:
    """The same to be read."""
    found = content["study"]["ablation"]
    rows = [("none", "", "", *(_ranged(found["whole"]["auc"].get(key)) for key in ASKED))]
    rows += [
        (region_words(name), _ranged(region["fall"]), _ranged(region["fall_at_least"]["F4"]),
         *(_ranged(region["auc"].get(key)) for key in ASKED))
        for name, region in found["regions"].items()
    ]  # fmt: skip
    columns = ("Replaced", "Fall of P(predicted stage)", "Fall of P(F4)", *(f"AUC {key} without it" for key in ASKED))
    note = f"{found['scans']} scans; means and AUCs [95 % CI over patients]"
    return Table("ablation", "What the network loses with a region", columns, tuple(rows), f"{note}. {_note(found)}")


def retraining(content: Mapping[str, Any]) -> Table:
    """AUC of networks that were trained on a part of the abdomen, a row each."""
    networks = content["study"]["retraining"]["networks"]
    rows = tuple((name, *(_area(own["thresholds"].get(key)) for key in ASKED)) for name, own in networks.items())
    note = "AUC [95 % CI, DeLong], out of fold, on the study's folds."
    return Table("retraining", "Networks that see a part of the abdomen", ("Network", *ASKED), rows, note)


def localisation(content: Mapping[str, Any]) -> Table:
    """Where every map points, a row per region and figure."""
    rows = tuple(
        (name, region, figure, *_exact(own[figure]), own[figure]["of"])
        for name, regions in content["study"]["localisation"].items()
        for region, own in regions.items()
        for figure in own
    )
    columns = ("map", "region", "figure", "value", "low", "high", "scans")
    return Table("localisation", "Where the maps point", columns, rows)


def pointing_printed(content: Mapping[str, Any]) -> Table:
    """Maps down, regions across: how often the maximum lies in the region."""
    note = "Share of maps whose maximum lies in the region or within 6 mm of it; in round brackets that of chance."
    return _across(
        content, "pointing", "Pointing game", lambda own: f"{_short(own['hit'])} ({_short(own['chance'])})", note
    )


def relevance_printed(content: Mapping[str, Any]) -> Table:
    """Maps down, regions across: how much of the map, and of its highest voxels, lies in the region."""
    note = (
        "Relevance mass: share of the map in the region; relevance rank: share of the map's K highest voxels in a "
        "region of K voxels; in round brackets the region's share of the body, which a map without knowledge gets. A "
        "network need not use these organs, so this describes a map and does not judge it."
    )
    return _across(
        content,
        "relevance",
        "Relevance mass / rank",
        lambda own: f"{_short(own['mass'])} / {_short(own['rank'])} ({_short(own['share'])})",
        note,
    )


def _across(
    content: Mapping[str, Any], name: str, title: str, cell: Callable[[Mapping[str, Any]], str], note: str
) -> Table:
    found = content["study"]["localisation"]
    regions = list(dict.fromkeys(region for own in found.values() for region in own))
    rows = tuple(
        (title_of(one), *(cell(own[region]) if region in own else "–" for region in regions))
        for one, own in found.items()
    )
    return Table(name, title, ("Map", *(region.capitalize() for region in regions)), rows, note)


def _short(found: Mapping[str, Any]) -> str:
    return ranged(found["value"], None)


def _note(found: Mapping[str, Any]) -> str:
    note = found.get("note", "")
    return f"{note[:1].upper()}{note[1:]}." if note else ""


def _exact(found: Mapping[str, Any]) -> tuple[Cell, ...]:
    return found["value"], *(found["interval"] or (None, None))


def _exact_of(found: Mapping[str, Any]) -> tuple[Cell, ...]:
    """Of every threshold."""
    return tuple(cell for key in ASKED for cell in _exact(found[key]))


def _ranged(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else ranged(found["value"], found["interval"])


def _area(entry: Mapping[str, Any] | None) -> str:
    area = (entry or {}).get("auc")
    return "–" if area is None else ranged(area["value"], area["delong"])
