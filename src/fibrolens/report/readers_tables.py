"""The tables of a reader study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.report.attention import PATTERNS as COMPUTED
from fibrolens.report.paper import CITATION
from fibrolens.report.tables import Table, ranged

MAJORITY = "majority"
#: What is read, in words.
WORDS = {name: title for name, (title, _, _) in COMPUTED.items()} | {"unknown": "cannot tell", "none": "no majority"}
KAPPA = "Kappa and AC1: 1 is full agreement, 0 that of chance. In brackets: 95 % intervals, a dash where none is known."


def exact(found: Mapping[str, Any], rows: Table) -> Iterator[Table]:
    """The tables that become CSV files.

    Args:
        found: content of ``readings.json``.
        rows: every item with its readings.
    """
    yield _frequencies(found)
    yield _expected(found)
    yield _agreement(found)
    yield from (_confusion(found, who, f"computed_{number}") for number, who in enumerate(found["computed"]))
    yield _readers(found)
    yield rows


def printed(found: Mapping[str, Any]) -> Iterator[Table]:
    """The tables of the page."""
    yield from (_stage(found, stage) for stage in found["patterns"])
    if found["expected"]:
        yield _controls(found)
    yield _agreement_printed(found)
    yield _confusion(found, MAJORITY, "computed")
    yield _readers(found)


def _frequencies(found: Mapping[str, Any]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (kind, stage, who, pattern, share["value"], *_ends(share), share["count"], share["of"])
        for kind, part in (("maps", found["patterns"]), ("controls", found["controls"]))
        for stage, everybody in part.items()
        for who, shares in everybody.items()
        for pattern, share in shares.items()
    ]
    columns = ("shown", "predicted", "read_by", "pattern", "share", "low", "high", "count", "of")
    return Table("patterns", "Every frequency", columns, tuple(rows))


def _stage(found: Mapping[str, Any], stage: str) -> Table:
    maps, controls = found["patterns"][stage], found["controls"][stage]
    readers = [who for who in maps if who != MAJORITY]
    paper = {entry["pattern"]: entry["percent"] for entry in found["paper"] if entry["stage"] == stage}
    rows: list[tuple[Cell, ...]] = [
        (
            WORDS[pattern],
            _percent(share),
            *(_percent(maps[reader][pattern], plain=True) if pattern in maps[reader] else None for reader in readers),
            _percent(controls[MAJORITY][pattern]),
            f"{paper[pattern]:.1f}" if pattern in paper else None,
        )
        for pattern, share in maps[MAJORITY].items()
    ]
    counts = f"n = {maps[MAJORITY]['surface']['of']}", f"n = {controls[MAJORITY]['surface']['of']}"
    columns = ("Pattern", f"Majority ({counts[0]})", *readers, f"Controls, majority ({counts[1]})", "Paper")
    note = f"Percent of the pictures that were read. Paper: {CITATION}, three radiologists, all maps of the stage."
    return Table(f"patterns_{stage}", f"Patterns of maps of predicted {stage}", columns, tuple(rows), note)


def _expected(found: Mapping[str, Any]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for stage, part in found["expected"].items():
        for who, told in _everybody(part):
            shares = [(told[kind]["value"], *_ends(told[kind])) for kind in ("maps", "controls")]
            rows.append(
                (
                    stage,
                    part["pattern"],
                    who,
                    *shares[0],
                    *shares[1],
                    told["difference"]["value"],
                    *_ends(told["difference"]),
                )
            )
    columns = ("predicted", "pattern", "read_by", "maps", "maps_low", "maps_high", "controls", "controls_low")
    more = ("controls_high", "difference", "difference_low", "difference_high")
    return Table("controls", "The paper's patterns in maps and in controls", (*columns, *more), tuple(rows))


def _controls(found: Mapping[str, Any]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{stage}: {WORDS[part['pattern']]}",
            who,
            _percent(told["maps"]),
            _percent(told["controls"]),
            _in_points(told["difference"]),
        )
        for stage, part in found["expected"].items()
        for who, told in _everybody(part)
    ]
    columns = ("Paper's pattern", "Read by", "Maps (%)", "Controls (%)", "Difference (points)")
    note = (
        "Controls are maps of networks without training. A pattern that they show as often as the study's maps says "
        "nothing of what the network has learnt."
    )
    return Table("controls", "The paper's patterns in maps and in controls", columns, tuple(rows), note)


def _agreement(found: Mapping[str, Any]) -> Table:
    rows = [
        (what, among, shown, items, entry["value"], *_ends(entry))
        for what, among, shown, items, entry in measures(found)
    ]
    columns = ("measure", "among", "shown", "items", "value", "low", "high")
    return Table("agreement", "Agreement", columns, tuple(rows))


def _agreement_printed(found: Mapping[str, Any]) -> Table:
    rows = [
        (among, shown, what, ranged(entry["value"], entry["interval"]), items)
        for what, among, shown, items, entry in measures(found)
    ]
    return Table("agreement", "Agreement", ("Among", "Shown", "Measure", "Value", "Items"), tuple(rows), KAPPA)


def measures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int, Mapping[str, Any]]]:
    """Every measure of agreement: its name, among whom, on what, of how many items, value with interval."""
    for shown, part in found["agreement"].items():
        if not part["items"]:
            continue
        words = {"both": "maps and controls"}.get(shown, shown)
        for name in ("percent_agreement", "fleiss_kappa", "gwet_ac1"):
            yield MEASURES[name], "all readers", words, part["read_twice"], part[name]
    for pair in found["pairs"]:
        yield from _two(" and ".join(pair["readers"]), "maps", pair)
    for reader, part in found["repeats"].items():
        yield from _two(f"{reader}, twice", "repeats", part)
    for who, part in found["computed"].items():
        yield from _two(f"{who} and the rule", "maps", part)


MEASURES = {"percent_agreement": "agreement", "fleiss_kappa": "Fleiss' kappa", "gwet_ac1": "Gwet's AC1"}


def _two(among: str, shown: str, part: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int, Mapping[str, Any]]]:
    yield "agreement", among, shown, part["items"], part["agreement"]
    yield "Cohen's kappa", among, shown, part["items"], part["cohen_kappa"]


def _confusion(found: Mapping[str, Any], who: str, name: str) -> Table:
    part = found["computed"][who]
    columns = [number for number, read in enumerate(part["read"]) if read != "none" or who == MAJORITY]
    rows: list[tuple[Cell, ...]] = [
        (WORDS[computed], *(counts[number] for number in columns))
        for computed, counts in zip(part["computed"], part["counts"], strict=True)
    ]
    titles = ("Computed", *(WORDS[part["read"][number]] for number in columns))
    note = f"Rows: pattern by rule. Columns: read by {who}. Maps alone, without controls and repeats."
    return Table(name, f"Computed pattern against what was read by {who}", titles, tuple(rows), note)


def _readers(found: Mapping[str, Any]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for reader, told in found["readers"].items():
        seconds = None if told["median_seconds"] is None else round(told["median_seconds"], 1)
        sure = tuple(told["confidence"].values())
        rows.append((reader, told["read"], told["of"], told["corrections"], seconds, *sure, len(told["comments"])))
    columns = ("Reader", "Read", "Of", "Corrections", "Median seconds", "Guess", "Unsure", "Fairly sure", "Sure")
    note = (
        "Corrections: readings that a later one of the same picture replaced. Seconds: of the form, while it was seen."
    )
    return Table("readers", "Readers", (*columns, "Certain", "Comments"), tuple(rows), note)


def _everybody(part: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((who, told) for who, told in part.items() if who != "pattern")


def _ends(entry: Mapping[str, Any]) -> tuple[Cell, Cell]:
    ends = entry["interval"]
    return (None, None) if ends is None else (ends[0], ends[1])


def _percent(share: Mapping[str, Any], plain: bool = False) -> str | None:
    return None if share["value"] is None else ranged(share["value"], None if plain else share["interval"], 100.0, 1)


def _in_points(entry: Mapping[str, Any]) -> str:
    """A difference of shares in percentage points, without the sign of a zero."""
    if entry["value"] is None:
        return ranged(None, None)
    # 0.0 is added to turn -0.0 into 0.0.
    value, *ends = (round(100 * number, 1) + 0.0 for number in (entry["value"], *(entry["interval"] or ())))
    return ranged(value, ends or None, digits=1)
