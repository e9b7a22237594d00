"""The methods of a study in words, made from its plan, so that a researcher can paste them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fibrolens import __version__
from fibrolens.cohort.flow import Flow
from fibrolens.cohort.rules import CRITERIA, Criteria
from fibrolens.plan import GridPlan, Plan, TrainingPlan
from fibrolens.regions import SHELL_MM
from fibrolens.report.inner import places
from fibrolens.report.paper import CITATION
from fibrolens.report.tables import THRESHOLDS

Paragraph = tuple[str, str]
#: What each of the ``methods`` of ``evaluation.json`` is about, in the order of a reader.
STATISTICS = {
    "score": "Score",
    "sets": "Sets of stages",
    "auc_delong": "AUC, DeLong",
    "auc_bootstrap": "AUC, bootstrap",
    "operating_point": "Cut",
    "proportions": "Proportions",
    "fold_spread": "Spread over the folds",
    "seed_spread": "Spread over the seeds",
    "thin": "Thin",
    "obuchowski": "Obuchowski's measure",
    "ordinal": "Ordinal measures",
    "temperature": "Temperature scaling",
    "calibration": "Calibration",
    "decision_curve": "Decision curves",
    "rule_in_out": "Rule-in and rule-out",
    "predictive_values": "Predictive values",
    "attention_stages": "Attention by stage",
    "attention_test": "Attention, F0 against F4",
    "attention_multiplicity": "Several tests",
    "patterns": "Patterns",
}


def methods(
    plan: Plan, study: Mapping[str, Any], evaluation: Mapping[str, Any], flow: Flow | None, criteria: Criteria | None
) -> tuple[Paragraph, ...]:
    """Heading and text of each paragraph.

    Args:
        plan: grid, slabs, network and training.
        study: the whole of ``plan.json``; its ``folds``, ``inner_folds``, ``segmenter`` and ``also`` are said where
            they stand.
        evaluation: content of ``evaluation.json``.
        flow: who was found and left out, where that is known.
        criteria: who is in the study, where that is known.
    """
    return (
        ("Study population", _population(evaluation, flow, criteria)),
        ("Cross-validation", _folds(plan, study, evaluation)),
        ("Image processing", _images(plan, study)),
        ("Network", _network(plan)),
        ("Training", _training(plan.training, plan.grid, study, evaluation["training"])),
        ("Location maps", _maps()),
        ("Statistics", _statistics(evaluation)),
        ("Software", f"fibrolens {__version__} (research use only), a method after {CITATION}."),
    )


def _population(evaluation: Mapping[str, Any], flow: Flow | None, criteria: Criteria | None) -> str:
    stages = ", ".join(f"{name.replace('|', ' or ')} {count}" for name, count in evaluation["stages"].items())
    kind = evaluation["training"].get("modality", "CT")
    text = f"{evaluation['cases']} {kind} scans of {evaluation['patients']} patients were studied ({stages} scans)."
    if controls := evaluation.get("controls"):
        text += f" {controls} of the scans are of imaging-negative controls, taken as F0 without histology."
    if criteria is not None:
        # The first only asks that the table itself gives no reason to leave a scan out.
        asked = "; ".join(words for criterion in CRITERIA[1:] if (words := criterion.asks(criteria)))
        text += f" Criteria: {asked}."
    if flow is not None:
        out = sum(arm.excluded.scans for arm in flow.arms)
        text += f" {flow.found.scans} scans of {flow.found.patients} patients were found; {out} were excluded (Fig. 1)."
        if unchecked := [entry.text for entry in flow.unsettled if not entry.checked]:
            text += f" Not checked, for the cohort's table has no such column: {'; '.join(unchecked)}."
        if unknown := [f"{entry.text} ({entry.unknown.scans} scans)" for entry in flow.unsettled if entry.checked]:
            text += f" Kept although not known: {'; '.join(unknown)}."
    return text


def _folds(plan: Plan, study: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    folds = study.get("folds", evaluation["training"]["folds"])
    text = (
        f"The cohort was split into {folds} folds, stratified by stage and, where it is given, by site, as far as "
        f"scans are enough for it, all scans of a patient in one fold (seed {plan.training.seed}). Every scan was "
        "predicted by the network of the one fold that had not seen its patient."
    )
    if (seeds := study.get("seeds", 1)) > 1:
        text += (
            f" Every fold was trained {seeds} times, with the seeds from {plan.training.seed} on; the first was named "
            "before as the result."
        )
    return text + _inner(plan.training, study, evaluation["training"].get("inner_scans", ()))


def _inner(plan: TrainingPlan, study: Mapping[str, Any], scans: Sequence[int]) -> str:
    """What each fold kept away; nothing where that is not known."""
    if not scans:
        return ""
    if (place := places(scans)) is None:
        text = " No fold had an inner split, for the patients are too few"
        return f"{text}: no training was stopped early, and every cut is 0.5."
    stopped = "stopped the training and " if plan.check_every else ""
    return (
        f" One in {study['inner_folds']} of the patients of the other folds formed, {place}, an inner split "
        f"({', '.join(map(str, scans))} scans), stratified likewise, on which no weight was fitted: it {stopped}gave "
        "the cuts, which are 0.5 where it could not."
    )


def _images(plan: Plan, study: Mapping[str, Any]) -> str:
    low, high = plan.grid.window_hu
    how = f"CT numbers were windowed to [{low:.0f}, {high:.0f}] HU and scaled to [0, 1]"
    if plan.grid.intensity == "mr":
        low, high = plan.grid.mr_percentiles
        how = f"The signals of each MR were scaled to [0, 1] from the {low:g} to the {high:g} percentile of its body"
    depth, height, width = plan.grid.spacing_mm
    rows, columns = plan.grid.in_plane
    text = (
        f"{how}; scans were resampled to "
        f"{depth:g} × {height:g} × {width:g} mm (slice, row, column), {rows} × {columns} in the axial plane, the full "
        f"axial field of the upper abdomen. The network saw {plan.slab.slices} consecutive axial slices, at a random "
        "position within the liver's range in every training step; at test, windows of this size every "
        f"{plan.slab.stride} slices, whose probabilities were averaged."
    )
    if "segmenter" in study:
        text += f" Liver and spleen without a given mask were segmented by {study['segmenter']}."
    return text


def _network(plan: Plan) -> str:
    network = plan.network
    kernel, stride = (" × ".join(map(str, sizes)) for sizes in (network.kernel, network.stride))
    channels = ", ".join(map(str, network.channels))
    pools = ", ".join(" × ".join(map(str, size)) for size in network.pools)
    return (
        f"Four 3D convolutions (kernel {kernel}; {channels} channels; stride of the first {stride}), each with a ReLU, "
        f"max-pooling behind the first three ({pools}), average pooling to {' × '.join(map(str, network.pooled))}, two "
        f"fully connected layers ({network.hidden} units, then the five stages; dropout {network.dropout:g}) and a "
        "softmax over F0 to F4."
    )


def _training(plan: TrainingPlan, grid: GridPlan, study: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    def strength(hu: float) -> str:
        width = grid.window_hu[1] - grid.window_hu[0]
        return f"{hu:g} HU" if grid.intensity == "hu" else f"{100 * hu / width:.1f} % of the range"

    text = (
        f"Every fold was trained by AdamW for at most {plan.steps} steps of {plan.batch} slabs (begun with: "
        f"{facts['initial_weights']}; learning rate {plan.learning_rate:g}, {plan.warmup_steps} steps of warm-up, "
        f"weight decay {plan.weight_decay:g}), with cross-entropy as the loss; of a set of stages, minus the logarithm "
        f"of their summed probability. Stages were drawn by their inverse frequency to the power of "
        f"{plan.class_balance:g}. Augmentation: shifts of up to {plan.shift_mm:g} mm, rotations of up to "
        f"{plan.rotation_deg:g}°, scaling by up to {100 * plan.scale:g} %, noise of {strength(plan.noise_hu)}, "
        f"offsets of {strength(plan.offset_hu)}."
    )
    if plan.frozen:
        text += f" These layers stayed as they were: {', '.join(plan.frozen)}."
    place = places(facts.get("inner_scans", ()))
    if plan.check_every and place is not None:
        text += (
            f" Every {plan.check_every} steps, {place}, the loss on the inner split was taken; training ended after "
            f"{plan.patience} looks without a better one, and the best weights were kept."
        )
    for other in study.get("also", ()):
        kept = sum(way > 0 for way in facts["ways"])
        learnt = f"all layers but {', '.join(other['frozen'])}" if other["frozen"] else "all layers"
        text += (
            f" Where there was an inner split, {learnt} were trained too ({other['steps']} steps of {other['batch']} "
            f"slabs, learning rate {other['learning_rate']:g}), and kept where their loss on it was lower by more than "
            f"two standard errors of the paired difference: in {kept} of {len(facts['ways'])} folds."
        )
    return text


def _maps() -> str:
    return (
        "Location maps are 3D Grad-CAM of the predicted stage's score at the third and fourth convolution, averaged "
        "over windows, by the network that had not seen the patient. Each was divided by its own mean inside the body "
        "(scale mean1, on which 1.0 is an even share); figures are of the mean of both layers, and where it is said of "
        "layer integrated gradients at the second convolution, from an input that shows nothing, of how much more "
        "probable the predicted stage is than the end of the scale farther from it (F0 from F2 on, F4 below). The "
        f"liver's surface is the outermost {SHELL_MM:g} mm, its core the rest."
    )


def _statistics(evaluation: Mapping[str, Any]) -> str:
    questions = ", ".join(title[0].lower() + title[1:] for title in THRESHOLDS.values())
    known = evaluation["methods"]
    names = [*(name for name in STATISTICS if name in known), *(name for name in known if name not in STATISTICS)]
    facts = [f"{STATISTICS.get(name, name.replace('_', ' ').capitalize())}: {known[name]}." for name in names]
    return f"Thresholds: {questions}. {' '.join(facts)}"
