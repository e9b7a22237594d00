"""The words of an audit's page: names of methods and signs, marks, and what the page answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PASSED, SHORT, FAILED, NONE = "✓", "~", "✗", "–"
#: Of each outcome of a check and each verdict a mark; it always stands beside the word.
MARKS = {
    "passed": PASSED,
    "short": SHORT,
    "failed": FAILED,
    "not tested": NONE,
    "recommended": PASSED,
    "usable": SHORT,
    "fails": FAILED,
}
METHODS = {
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "integrated": "Integrated gradients",
    "contrast": "Contrast of the stage",
    "occlusion": "Occlusion",
}
#: What the sign of each arm of the simulator is.
ARMS = {
    "surface": "nodular surface",
    "spleen": "large spleen",
    "texture": "coarse texture",
    "lobes": "shift of the lobes",
}
STUDY_RUN = "fibrolens audit STUDY --out DIR"
TRUTH_RUN = "fibrolens audit STUDY --known-truth --out DIR"
#: The map whose figures stand beside the best one's: that of the paper, at the last convolution.
PAPERS = "gradcam conv4"
Methods = Mapping[str, Mapping[str, Any]]


def title_of(name: str) -> str:
    """``gradcam conv4`` as ``Grad-CAM conv4``; a name that is no recipe's stays."""
    method, _, layer = name.partition(" ")
    return f"{METHODS[method]} {layer}" if method in METHODS and layer else name


def listed(names: Sequence[str]) -> str:
    """``a, b and c``; ``none`` of nothing."""
    if not names:
        return "none"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def region_words(name: str) -> str:
    """A region's name as it is read."""
    return name.replace("_", " ")


def answers(content: Mapping[str, Any]) -> list[str]:
    """What the page answers, in five sentences."""
    methods, controls = content["methods"], content["controls"]
    return [
        "A location map colours where a staging network looked; whether it really shows that is not to be seen on the "
        "map, so it was tested by experiment.",
        _verdicts(methods),
        _truth(methods),
        _randomised(methods, controls),
        "Even a map that passes shows what this network used, not where fibrosis is, and it cannot show size: a large "
        "spleen lights up as a place.",
    ]


def _verdicts(methods: Methods) -> str:
    groups = {
        verdict: [title_of(name) for name, found in methods.items() if found["verdict"] == verdict]
        for verdict in ("recommended", "usable", "fails", "not tested")
    }
    said = [f"{verdict}: {listed(names)}" for verdict, names in groups.items() if names]
    start = f"Of {len(methods)} kinds of map, {'none' if not groups['recommended'] else len(groups['recommended'])} "
    verb = "is" if len(groups["recommended"]) < 2 else "are"
    return f"{start}{verb} recommended ({'; '.join(said)})."


def _truth(methods: Methods) -> str:
    rates = {name: found["known_truth_top1"] for name, found in methods.items()}
    lowest = {
        name: truth["lowest"]
        for name, found in methods.items()
        if (truth := found["checks"].get("known_truth")) and truth["lowest"] and rates[name] is not None
    }
    if not lowest:
        return f"Whether a map names the place of a disease that is known was not tested; run {TRUTH_RUN}."
    best = max(lowest, key=lambda name: lowest[name]["value"])
    said = _arm_rate(title_of(best), lowest[best])
    if best != PAPERS and PAPERS in lowest:
        said += f"; {_arm_rate(title_of(PAPERS), lowest[PAPERS])}"
    return f"In simulated patients in whom one sign alone told the stage, the place of the sign came first in {said}."


def _arm_rate(title: str, lowest: Mapping[str, Any]) -> str:
    return f"{lowest['value']:.0%} of the maps of {title} for its worst sign ({ARMS[lowest['arm']]})"


def _randomised(methods: Methods, controls: Methods) -> str:
    tested = {name: found["randomisation_pass"] for name, found in methods.items()}
    known = {name: passed for name, passed in tested.items() if passed is not None}
    if not known:
        return f"Whether the maps depend on what the network learnt was not tested; run {STUDY_RUN}."
    failed = [title_of(name) for name, passed in known.items() if not passed]
    stayed = f" (not {listed(failed)})" if failed else ""
    return (
        f"When the network was made to forget what it had learnt, {len(known) - len(failed)} of {len(known)} kinds of "
        f"map changed, as they must{stayed}; {_controlled(controls)}."
    )


def _controlled(controls: Methods) -> str:
    """Whether the maps that must fail did."""
    known = {name: found["randomisation_pass"] for name, found in controls.items()}
    passed = [name for name, one in known.items() if one is True]
    failed = [name for name, one in known.items() if one is False]
    if not (passed or failed):
        return "no map that must fail was tested beside them"
    if passed:
        return f"but {listed(passed)}, which must fail this test, did not"
    return f"{listed(failed)}, which must fail this test, failed it"


def missing(content: Mapping[str, Any]) -> Iterator[str]:
    """What was not run, and how it is."""
    if content["study"] is None:
        yield f"No study was audited: the checks on its scans were not run. Run {STUDY_RUN}."
    if content["known_truth"] is None:
        yield f"The known truth was not run: simulated patients with one sign each. Run {TRUTH_RUN}."
    if content.get("twins") is None:
        yield f"The simulated twins were not run. Run {TRUTH_RUN}."
