"""The systems that a study can train, by name: the LFS network, its regions and heads, and those the paper names.

Each is a change of one plan, so that all of them see the same scans, folds, grid and number of training steps, and the
only difference is the one that the name says. What the publications leave open is our declared default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from fibrolens.plan import Intensity, NetworkPlan, Plan, Region, SlabPlan

LFS = "lfs"
#: Side of the square that the patch networks see; the liver of most patients is wider and deeper.
PATCH_MM = 96.0
#: Section levels of the MRI form.
LEVELS = 3


@dataclass(frozen=True)
class Mode:
    """A system that a study can train.

    Args:
        name: on the command line and in the tables.
        title: in the report.
        source: publication that it follows, or what it tests.
        plan: makes its plan of that of the LFS network.
        intensities: of the grids that it is for; what goes becomes fat, whose grey only a CT has.
    """

    name: str
    title: str
    source: str
    plan: Callable[[Plan], Plan]
    intensities: tuple[Intensity, ...] = ("hu", "mr")


def modes_for(intensity: Intensity) -> dict[str, Mode]:
    """The modes for grids of an intensity, by name."""
    return {name: mode for name, mode in MODES.items() if intensity in mode.intensities}


def _region(region: Region) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, region=region)


def _ordinal(plan: Plan) -> Plan:
    return replace(plan, network=replace(plan.network, head="ordinal"))


def _liver_slices(plan: Plan) -> Plan:
    """Every slice of the segmented liver alone, and the mean of their softmax."""
    return replace(_slice_by_slice(plan), region="liver_only", network=_flat(plan.network))


def _liver_patch(plan: Plan) -> Plan:
    """A square of the liver in every slice, with age and sex."""
    network = replace(_flat(plan.network), head="regression", covariates=("age", "sex"))
    return replace(_slice_by_slice(plan), patch_mm=PATCH_MM, network=network)


def _liver_levels(plan: Plan) -> Plan:
    """A square of the liver at several levels at once, with age, sex and field strength."""
    network = replace(_flat(plan.network), head="regression", covariates=("age", "sex", "field_strength"))
    network = replace(network, pooled=(LEVELS, *network.pooled[1:]))
    return replace(plan, patch_mm=PATCH_MM, slab=SlabPlan(LEVELS, LEVELS), sections=LEVELS, network=network)


def _slice_by_slice(plan: Plan) -> Plan:
    """Slices instead of runs, as many in a training step as the runs hold."""
    training = replace(plan.training, batch=plan.training.batch * plan.slab.slices)
    return replace(plan, slab=SlabPlan(1, 1), training=training)


def _flat(network: NetworkPlan) -> NetworkPlan:
    """The same network in the plane: kernels and poolings do not reach from slice to slice."""
    (_, *kernel), (_, *stride), (_, *pooled) = network.kernel, network.stride, network.pooled
    pools = tuple((1, row, column) for _, row, column in network.pools)
    return replace(
        network,
        kernel=(1, kernel[0], kernel[1]),
        stride=(1, stride[0], stride[1]),
        pools=pools,
        pooled=(1, pooled[0], pooled[1]),
    )


CT: tuple[Intensity, ...] = ("hu",)
MRI: tuple[Intensity, ...] = ("mr",)
YIN = "Yin et al., Eur Radiol 2021"
ZHENG = "tests the conclusion of Yin et al. 2021; after Zheng et al., iScience 2025"
CHOI = "after Choi et al., Radiology 2018;289:688-697"
YASAKA_CT = "after Yasaka et al., Eur Radiol 2018, doi 10.1007/s00330-018-5499-7"
YASAKA_MRI = "after Yasaka et al., Radiology 2018 (gadoxetic acid, hepatobiliary phase)"

MODES: Mapping[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode(LFS, "LFS network, upper abdomen", YIN, lambda plan: plan),
        Mode("lfs-ordinal", "LFS network, cumulative link", "McCullagh 1980", _ordinal),
        Mode("liver-only", "LFS network, liver alone", ZHENG, _region("liver_only")),
        Mode("liver-spleen", "LFS network, liver and spleen", ZHENG, _region("liver_spleen")),
        Mode("no-liver", "LFS network, without the liver", ZHENG, _region("no_liver"), CT),
        Mode("no-spleen", "LFS network, without the spleen", ZHENG, _region("no_spleen"), CT),
        Mode("liver-2d", "Segmented liver, 2D, mean of slices", CHOI, _liver_slices),
        Mode("liver-patch", "Liver patch, regression, age, sex", YASAKA_CT, _liver_patch),
        Mode("liver-levels", "Liver patches at three levels, regression", YASAKA_MRI, _liver_levels, MRI),
    )
}
