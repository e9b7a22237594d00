"""From the figures of one method to a verdict, with reasons that a radiologist can read.

``recommended``
    every check of `NEEDED` was made, those of `DECISIVE` were passed, and none failed.
``usable``
    randomisation was passed and no decisive check failed, but something is missing, falls short or failed.
``fails``
    a decisive check failed: the map shows the image rather than the network, or does not name what was planted.
``not tested``
    no decisive check failed, and randomisation was not tested: nothing is known of the map.

A check that was not made is said, and never counts as passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["passed", "short", "failed", "not tested"]

#: The project's aim for the mean rank correlation with the counterfactual twins.
TWINS_AIM = 0.8
#: Reliability is moderate from 0.5 and good from 0.75 (Koo and Li, J Chiropr Med 2016;15:155).
ICC_MODERATE, ICC_GOOD = 0.5, 0.75
#: Infidelity of a map of zeros, by definition of `robustness.Infidelity.relative`.
NOTHING = 1.0
#: A method that fails one of these fails (Arun 2021 and Adebayo 2018 for the first two; the third is the project's).
DECISIVE = ("randomisation", "label_randomisation", "known_truth")
#: No method is recommended before these were passed; of `NEEDED`, before they were made.
MUST_PASS = ("randomisation", "known_truth")
NEEDED = (*MUST_PASS, "twins", "ablation", "deletion", "repeatability")


@dataclass(frozen=True)
class Finding:
    """What one check says of a method.

    Args:
        check: its name.
        outcome: ``short``: better than chance, but less than aimed at.
        sentence: the reason.
    """

    check: str
    outcome: Outcome
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The verdict on one method.

    Args:
        verdict: ``recommended``, ``usable``, ``fails`` or ``not tested``.
        findings: one per check of `CHECKS`, in that order.
    """

    verdict: Literal["recommended", "usable", "fails", "not tested"]
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences, what speaks against the method first and what was not tested last."""
        order = ("failed", "short", "passed", "not tested")
        return tuple(one.sentence for one in sorted(self.findings, key=lambda one: order.index(one.outcome)))

    def as_dict(self) -> dict[str, Any]:
        """``verdict``, ``reasons`` and ``findings``, ready for JSON."""
        findings = [asdict(one) for one in self.findings]
        return {"verdict": self.verdict, "reasons": list(self.reasons), "findings": findings}


def judge(figures: Mapping[str, Mapping[str, Any] | None]) -> Verdict:
    """The verdict on one method.

    Args:
        figures: of each check that was made its figures: ``randomisation`` and ``label_randomisation`` (`arun_rule`),
            ``known_truth`` (`known_truth`), ``twins`` and ``ablation`` (`effects`), ``deletion`` and ``insertion``
            (`against_random`), ``repeatability`` (of each region, `repeatability`), ``reproducibility``, ``noise`` and
            ``shift`` (`patient_mean` of the structural similarity, with the ``baseline`` between different scans) and
            ``infidelity`` (`patient_mean` of `Infidelity.relative`). A check that is absent or None was not made.

    Raises:
        ValueError: a name that is no check.
    """
    if unknown := sorted(figures.keys() - CHECKS.keys()):
        raise ValueError(f"no check is called {', '.join(unknown)}; checks are {', '.join(CHECKS)}")
    findings = tuple(_finding(name, figures.get(name)) for name in CHECKS)
    outcome = {one.check: one.outcome for one in findings}
    if any(outcome[name] == "failed" for name in DECISIVE):
        return Verdict("fails", findings)
    if outcome["randomisation"] == "not tested":
        return Verdict("not tested", findings)
    passed = all(outcome[name] == "passed" for name in MUST_PASS)
    made = all(outcome[name] != "not tested" for name in NEEDED)
    clean = "failed" not in outcome.values()
    return Verdict("recommended" if passed and made and clean else "usable", findings)


def _finding(name: str, figures: Mapping[str, Any] | None) -> Finding:
    title, rule = CHECKS[name]
    if figures is None:
        return Finding(name, "not tested", f"{title}: not tested, it was not run.")
    outcome, said = rule(figures)
    return Finding(name, outcome, f"{title}: {'not tested, ' if outcome == 'not tested' else ''}{said}.")


def _randomised(figures: Mapping[str, Any]) -> tuple[Outcome, str]:
    if figures["passed"] is None:
        return "not tested", "no scans or pairs to compare"
    after, level = figures["after"]["value"], figures["random_pairs"]["value"]
    compared = f"similarity {after:.2f}, {level:.2f} between maps of different patients"
    if figures["passed"]:
        return "passed", f"the map changes when the network forgets what it learnt ({compared})"
    return "failed", f"the map stays when the network forgets what it learnt, so it shows the image ({compared})"


def _truth(figures: Mapping[str, Any]) -> tuple[Outcome, str]:
    lowest, missing = figures["lowest"], ", ".join(figures["missing"])
    if lowest is None or (figures["reached"] is None and figures["above_chance"] is not False):
        return "not tested", f"arms not run: {missing}" if missing else "too few correctly staged patients"
    rate = f"{lowest['value']:.0%} of the maps in the worst arm ({lowest['arm']}), aim {figures['target']:.0%}"
    rate += f"; arms not run: {missing}" if missing else ""
    if figures["above_chance"] is False:
        return "failed", f"in one arm the planted region is named no more often than by chance; first in {rate}"
    return "passed" if figures["reached"] else "short", f"the planted region is named first in {rate}"


def _follows(aim: float | None) -> Callable[[Mapping[str, Any]], tuple[Outcome, str]]:
    """The rule for rank correlations with what the score loses: above chance, and at the aim where there is one."""

    def rule(figures: Mapping[str, Any]) -> tuple[Outcome, str]:
        value, ends = figures["rank"]["value"], figures["rank"]["interval"]
        # Scans that all agree wholly have no interval, and need none.
        if value is None or (ends is None and value < 1):
            return "not tested", figures["rank"].get("reason", "no interval is known")
        wanted = "" if aim is None else f", aim {aim:.1f}"
        said = f"mean rank correlation {value:.2f} with what the score loses (0 is chance{wanted})"
        if ends is not None and ends[0] <= 0:
            return "failed", f"no better than chance, {said}"
        return ("passed" if aim is None or value >= aim else "short"), said

    return rule


def _order(figures: Mapping[str, Any]) -> tuple[Outcome, str]:
    if figures["beats_random"] is None:
        return "not tested", figures["gain"].get("reason", "no interval is known")
    said = f"by {figures['gain']['value']:+.2f} of the area better than random orders"
    return ("passed", said) if figures["beats_random"] else ("failed", f"not better than random orders ({said})")


def _repeats(figures: Mapping[str, Any]) -> tuple[Outcome, str]:
    known = {region: one["agreement"]["value"] for region, one in figures.items()}
    rated = {region: value for region, value in known.items() if value is not None}
    if not rated or len(rated) < len(known):
        return "not tested", "it needs two patients and two networks for every region"
    worst = min(rated, key=lambda region: rated[region])
    said = f"ICC {rated[worst]:.2f} over seeds in the worst region ({worst.replace('_', ' ')})"
    return _graded(rated[worst] >= ICC_GOOD, rated[worst] >= ICC_MODERATE), f"{said}, good from {ICC_GOOD}"


def _steady(figures: Mapping[str, Any]) -> tuple[Outcome, str]:
    value, ends, baseline = figures["value"], figures["interval"], figures["baseline"]
    if value is None or baseline is None:
        return "not tested", figures.get("reason", "there is no baseline of different patients")
    said = f"similarity {value:.2f}, {baseline:.2f} between maps of different patients"
    return _graded(ends is not None and ends[0] > baseline, value > baseline), said


def _faithful(figures: Mapping[str, Any]) -> tuple[Outcome, str]:
    value, ends = figures["value"], figures["interval"]
    if value is None:
        return "not tested", figures["reason"]
    said = f"the error in foretelling small changes is {value:.2f} of that of an empty map"
    return _graded(ends is not None and ends[1] < NOTHING, value < NOTHING), said


def _graded(passed: bool, better: bool) -> Outcome:
    return "passed" if passed else "short" if better else "failed"


#: Every check: what readers call it, and its rule.
CHECKS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], tuple[Outcome, str]]]] = {
    "randomisation": ("Random weights", _randomised),
    "label_randomisation": ("Shuffled stages", _randomised),
    "known_truth": ("Known truth", _truth),
    "twins": ("Simulated twins", _follows(TWINS_AIM)),
    "ablation": ("Organ ablation", _follows(None)),
    "deletion": ("Deletion", _order),
    "insertion": ("Insertion", _order),
    "repeatability": ("Repeatability", _repeats),
    "reproducibility": ("Other network designs", _steady),
    "noise": ("Noise", _steady),
    "shift": ("Shift", _steady),
    "infidelity": ("Infidelity", _faithful),
}
