"""Which rivals of its network a study may name: other networks, and models of measured markers."""

from __future__ import annotations

from dataclasses import replace

from fibrolens.errors import UsageError
from fibrolens.markers.catalogue import CATALOGUE
from fibrolens.markers.marker import Definition
from fibrolens.markers.mr import LIVER_SPLEEN_SIGNAL
from fibrolens.staging.modes import LFS, MODES, modes_for
from fibrolens.study.plans import PanelPlan, RivalPlan, StudyPlan, scratch_plan, with_training

#: Rivals by a word.
NONE, MARKERS, ALL = "none", "markers", "all"
#: Parameters of the CT panel of Pickhardt et al. (AJR 2019), as far as they are measured here.
CT_PANEL = (
    *("liver_volume_ml", "spleen_volume_ml", "splenic_index_cm3", "lsvr", "lsn"),
    *("texture_sd_hu", "texture_skewness", "texture_kurtosis", "liver_minus_spleen_hu", "portal_vein_mm"),
)
BLOOD = ("fib4", "apri")
PANELS = (
    PanelPlan("ct-panel", CT_PANEL),
    PanelPlan("ct-and-blood-panel", (*CT_PANEL, *BLOOD)),
    PanelPlan("network-and-markers", CT_PANEL, network=True),
)
TITLES = {
    "ct-panel": "CT panel, proportional odds",
    "ct-and-blood-panel": "CT panel with FIB-4 and APRI",
    "network-and-markers": "Network and CT panel together",
}
SOURCES = {
    "ct-panel": "after Pickhardt et al., AJR 2019",
    "ct-and-blood-panel": "after Pickhardt et al., AJR 2019",
    "network-and-markers": "fibrolens",
}


def with_rivals(plan: StudyPlan, chosen: str, steps: int | None = None) -> StudyPlan:
    """The plan with the rivals that a user names.

    All networks among them begin with random weights and have the same number of steps, the LFS network of the upper
    abdomen too, so that what differs between them is what they see. Marker models come with any of them.

    Args:
        plan: of the study's network.
        chosen: ``none``, ``markers``, ``all`` (every network for the grid's CT or MR), or names of modes with commas
            between them.
        steps: training steps of each fold; None takes those of a training from random weights.

    Raises:
        UsageError: there is no such mode for these scans.
    """
    if chosen == NONE:
        return plan
    modes = modes_for(plan.staging.grid.intensity)
    by_word = {ALL: list(modes), MARKERS: []}
    names = by_word.get(chosen, [name.strip() for name in chosen.split(",")])
    unknown = [name for name in names if name not in modes]
    if unknown:
        raise UsageError(
            f"There is no rival {unknown[0]!r} for these scans; choose {NONE}, {MARKERS}, {ALL}, or {', '.join(modes)}."
        )
    if names and LFS not in names:
        names.insert(0, LFS)
    if plan.initial == StudyPlan.initial:
        names = [name for name in names if name != plan.mode]
    base = replace(with_training(scratch_plan(), plan.staging.training.seed, steps), grid=plan.staging.grid)
    rivals = tuple(RivalPlan(name, MODES[name].plan(base)) for name in names)
    return replace(plan, rivals=rivals, panels=default_panels())


def known_markers() -> dict[str, Definition]:
    """Every marker that fibrolens measures, by its column."""
    return {definition.name: definition for definition in (*CATALOGUE, LIVER_SPLEEN_SIGNAL)}


def default_panels() -> tuple[PanelPlan, ...]:
    """The panels, and each marker alone."""
    return (*PANELS, *(PanelPlan(name, (name,)) for name in known_markers()))


def title_of(panel: PanelPlan) -> str:
    """What the report calls it."""
    return TITLES.get(panel.name) or known_markers()[panel.name].title


def source_of(panel: PanelPlan) -> str:
    """Which publication it follows."""
    return SOURCES.get(panel.name) or known_markers()[panel.name].source
