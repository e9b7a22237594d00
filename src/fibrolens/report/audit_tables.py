"""The tables of an audit: verdicts, every finding, known truth, twins and the remaining checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.evaluate.saliency.known_truth import TARGET, TRUE_REGIONS
from fibrolens.evaluate.saliency.verdict import CHECKS
from fibrolens.report.audit_words import ARMS, MARKS, NONE, region_words, title_of
from fibrolens.report.tables import Table, ranged

#: Reasons of a verdict that the table of verdicts shows.
SHOWN = 3


def everyone(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Methods and then controls."""
    return {**content["methods"], **content["controls"]}


def verdicts(content: Mapping[str, Any]) -> Table:
    """Method, verdict and all reasons, one row each; controls are marked."""
    rows = tuple(
        (name, "control" if name in content["controls"] else "method", found["verdict"], found["known_truth_top1"],
         None if found["randomisation_pass"] is None else str(found["randomisation_pass"]), " ".join(found["reasons"]))
        for name, found in everyone(content).items()
    )  # fmt: skip
    columns = ("name", "kind", "verdict", "known_truth_top1", "randomisation_pass", "reasons")
    return Table("verdicts", "Verdicts", columns, rows)


def verdict_rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the page shows of each verdict: the reasons that weigh most, those not tested left out."""
    return [
        {
            "title": title_of(name),
            "control": name in content["controls"],
            "verdict": found["verdict"],
            "mark": MARKS[found["verdict"]],
            "reasons": _told(found)[:SHOWN],
            "untested": [CHECKS[one["check"]][0] for one in found["findings"] if one["outcome"] == "not tested"],
        }
        for name, found in everyone(content).items()
    ]


def _told(found: Mapping[str, Any]) -> list[str]:
    """The reasons from checks that were made, each with the mark of its outcome."""
    outcomes = {one["sentence"]: one["outcome"] for one in found["findings"]}
    told = [reason for reason in found["reasons"] if outcomes[reason] != "not tested"]
    return [f"{MARKS[outcomes[reason]]} {reason}" for reason in told]


def findings(content: Mapping[str, Any]) -> Table:
    """Every check of every method, a row each."""
    rows = tuple(
        (name, one["check"], one["outcome"], one["sentence"])
        for name, found in everyone(content).items()
        for one in found["findings"]
    )
    return Table("findings", "Every finding", ("name", "check", "outcome", "sentence"), rows)


def matrix(content: Mapping[str, Any]) -> Table:
    """Checks down, methods and controls across: the outcome with its mark."""
    all_of = everyone(content)
    outcomes = {name: {one["check"]: one["outcome"] for one in found["findings"]} for name, found in all_of.items()}
    rows = tuple(
        (title, *(f"{MARKS[own[check]]} {own[check]}" for own in outcomes.values()))
        for check, (title, _) in CHECKS.items()
    )
    note = (
        "Passed; short: better than chance, but less than aimed at; failed; not tested: not run, or too few patients "
        "to say. Controls must fail the first check."
    )
    heads = (f"{title_of(name)}{' (control)' if name in content['controls'] else ''}" for name in all_of)
    return Table("checks", "Every check at a glance", ("Check", *heads), rows, note)


def truth(content: Mapping[str, Any]) -> Table:
    """Every arm of every method, a row each."""
    rows: list[tuple[Cell, ...]] = []
    for name, arms in _arms(content).items():
        for arm, found in arms.items():
            top, denser = found["top1"], found["evidence_denser"]
            rows.append((name, arm, TRUE_REGIONS[arm], top["value"], *_ends(top["interval"]), top["count"], top["of"],
                         *_ends(top["bootstrap"]), top["chance"], found["patients"], found["seeds"]["lowest"],
                         denser["value"], *_ends(denser["interval"]), denser["count"], denser["of"]))  # fmt: skip
    columns = ("method", "arm", "true_region", "top1", "low", "high", "count", "of", "bootstrap_low", "bootstrap_high",
               "chance", "patients", "lowest_seed", "evidence_denser", "denser_low", "denser_high", "denser_count",
               "denser_of")  # fmt: skip
    return Table("known_truth", "Known truth", columns, tuple(rows))


def truth_printed(content: Mapping[str, Any]) -> Table:
    """Methods down, arms across: how often the true region comes first, in per cent."""
    arms = _arms(content)
    rows = tuple((title_of(name), *(_rate(own.get(arm), "top1") for arm in ARMS), _reached(content, name))
                 for name, own in arms.items())  # fmt: skip
    heads = [f"{words.capitalize()} ({region_words(TRUE_REGIONS[arm])})" for arm, words in ARMS.items()]
    counts = {arm: max((own[arm]["patients"] for own in arms.values() if arm in own), default=0) for arm in ARMS}
    note = (
        "Share of the correctly staged F4 whose map is densest in the region in brackets, % [95 % CI, Wilson; a "
        "patient's maps by several networks count as one patient's]. Patients: "
        f"{', '.join(f'{ARMS[arm]} {count}' for arm, count in counts.items())}. {_chances(arms)}"
    )
    last = f"{TARGET:.0%} in every arm"
    return Table("known_truth", "The true region first", ("Map", *heads, last), rows, note)


def denser_printed(content: Mapping[str, Any]) -> Table:
    """Methods down, arms across: how often the planted evidence is denser than the rest, in per cent."""
    rows = tuple((title_of(name), *(_rate(own.get(arm), "evidence_denser") for arm in ARMS))
                 for name, own in _arms(content).items())  # fmt: skip
    heads = (words.capitalize() for words in ARMS.values())
    note = "Share of the same maps that are denser in the planted sign, widened by a cell of the map, than elsewhere."
    return Table("known_truth_evidence", "The planted sign denser than the rest", ("Map", *heads), rows, note)


def networks(content: Mapping[str, Any]) -> Table:
    """Who was staged right by each network of each arm."""
    rows = tuple(
        (ARMS[one["arm"]], one["seed"], _right(one["F0"]), _right(one["F4"]), "yes" if one["learnt"] else "no")
        for one in content["known_truth"]["networks"]
    )
    columns = ("Sign", "Network", "F0 staged as F0", "F4 staged as F4", "Counts")
    note = (
        "Only maps of F4 that were staged as F4 count, and only networks that tell F0 from F4 (mean of both shares at "
        f"least {content['known_truth']['design']['learnt_from']:.0%}): another one has not learnt the sign."
    )
    return Table("known_truth_networks", "Who was staged right", columns, rows, note)


def twins_of(content: Mapping[str, Any]) -> Table:
    """Fall of P(F4) when a twin lacks one sign, and how well each map foretells the falls."""
    found = content["twins"]
    rows: list[tuple[Cell, ...]] = [
        (f"P(F4) without the {ARMS[sign]}", *_row(found["changes"][sign])) for sign in found["signs"]
    ]
    for name, method in content["methods"].items():
        if (own := method["checks"].get("twins")) is not None:
            rows.append((f"rank correlation, {title_of(name)}", *_row(own["rank"])))
    columns = ("Figure", "Mean", "Low", "High", "Maps", "Patients")
    note = "Falls are of the probability of F4. Rank correlation: over the signs, per map; 1 is best, 0 is chance."
    return Table("twins", "Simulated twins", columns, tuple(rows), note)


def remaining(content: Mapping[str, Any]) -> Table:
    """The checks without a section of their own, in figures."""
    rows = []
    for name, found in everyone(content).items():
        own = found["checks"]
        rows.append((title_of(name), _worst_icc(own.get("repeatability")),
                     *(_steady(own.get(key)) for key in ("reproducibility", "noise", "shift")),
                     *(_gain(own.get(key)) for key in ("deletion", "insertion")),
                     _figure(own.get("infidelity"))))  # fmt: skip
    columns = ("Map", "Repeatability (ICC, worst region)", "Other designs", "Noise", "Shift", "Deletion", "Insertion",
               "Infidelity")  # fmt: skip
    note = (
        "ICC(2,1) of region means over networks [95 % CI]: moderate from 0.5, good from 0.75. Other designs, noise and "
        "shift: structural similarity of the maps, in round brackets that of different patients. Deletion and "
        "insertion: gain in area over random orders, above 0 is better. Infidelity: of small changes, 0 is best and 1 "
        "no better than an empty map. A dash: not run, or too few scans."
    )
    return Table("remaining", "Remaining checks", columns, tuple(rows), note)


def _arms(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        name: found["checks"]["known_truth"]["arms"]
        for name, found in content["methods"].items()
        if found["checks"].get("known_truth") is not None
    }


def _rate(arm: Mapping[str, Any] | None, key: str) -> str:
    return NONE if arm is None else ranged(arm[key]["value"], arm[key]["interval"], 100.0, 0)


def _reached(content: Mapping[str, Any], name: str) -> str:
    reached = content["methods"][name]["checks"]["known_truth"]["reached"]
    word = {True: "passed", False: "short", None: "not tested"}[reached]
    return f"{MARKS[word]} {'reached' if reached else 'not reached' if reached is False else word}"


def _chances(arms: Mapping[str, Any]) -> str:
    chances = {arm: found["top1"]["chance"] for own in arms.values() for arm, found in own.items()}
    return f"By chance: {', '.join(f'{ARMS[arm]} {chance:.0%}' for arm, chance in chances.items())}."


def _right(found: Mapping[str, Any]) -> str:
    return f"{found['right']} of {found['of']}"


def _row(found: Mapping[str, Any]) -> tuple[Cell, ...]:
    return found["value"], *_ends(found["interval"]), found.get("of"), found.get("patients")


def _ends(ends: Sequence[float] | None) -> tuple[float | None, float | None]:
    return (None, None) if ends is None else (ends[0], ends[1])


def _figure(found: Mapping[str, Any] | None) -> str:
    return NONE if found is None else ranged(found["value"], found["interval"])


def _worst_icc(found: Mapping[str, Any] | None) -> str:
    known = {} if found is None else {region: one["agreement"] for region, one in found.items()}
    rated = {region: one for region, one in known.items() if one["value"] is not None}
    if not rated:
        return NONE
    worst = min(rated, key=lambda region: rated[region]["value"])
    return f"{_figure(rated[worst])} {region_words(worst)}"


def _steady(found: Mapping[str, Any] | None) -> str:
    if found is None or found["value"] is None:
        return NONE
    between = found["baseline"]
    return _figure(found) + ("" if between is None else f" ({between:.2f})")


def _gain(found: Mapping[str, Any] | None) -> str:
    return NONE if found is None else _figure(found["gain"])


def reasons(content: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Of each method and control every reason from a check that was made, with its mark; what weighs most first."""
    return [(title_of(name), told) for name, own in everyone(content).items() if (told := _told(own))]
