"""Every decision of a run as frozen dataclasses, read from and written to ``plan.json``.

Nothing is decided at run time that is not in the plan; the plan stands beside the weights that it made.
Sizes and spacings are in array order: slice, row, column. What the paper states is marked; the rest is our declared
default, to be changed by whoever knows better (Yin et al., Eur Radiol 2021;31:9620-9627, Appendix 1 is not public).
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from fibrolens.aside import write_whole
from fibrolens.errors import ModelError, brief
from fibrolens.jsonfile import read_json

SCHEMA_VERSION = 1
#: Name of the file, in every folder that has a plan.
PLAN = "plan.json"
STAGES = ("F0", "F1", "F2", "F3", "F4")
#: Patients with F0..F4 in the paper.
PAPER_MIX = (134, 8, 10, 18, 82)

#: A plan comes from a file, and what it asks for must not exhaust the machine before it is found not to fit.
SPACING_MM = (0.05, 1000.0)
MOST_VOXELS, MOST_CHANNELS, MOST_LEVELS = 4096, 65536, 16

LayerName = Literal["conv1", "conv2", "conv3", "conv4", "hidden", "head"]
Region = Literal["upper_abdomen", "liver_only", "liver_spleen", "no_liver", "no_spleen"]
Intensity = Literal["hu", "mr"]
HeadName = Literal["softmax", "ordinal", "regression"]
Covariate = Literal["age", "sex", "field_strength"]

T = TypeVar("T")


@dataclass(frozen=True)
class GridPlan:
    """The network grid: how a scan becomes what a network sees.

    Args:
        spacing_mm: between slices, rows and columns.
        in_plane: rows and columns.
        window_hu: Hounsfield units that become 0 and 1.
        air_hu: of what lies outside the scan.
        intensity: ``hu``: a CT, by `window_hu`. ``mr``: arbitrary units, scaled anew for each scan.
        mr_percentiles: of the values inside the body of an MR; they become 0 and 1. What lies outside the scan is 0.
    """

    spacing_mm: tuple[float, float, float] = (5.0, 1.5, 1.5)
    in_plane: tuple[int, int] = (256, 256)
    window_hu: tuple[float, float] = (-125.0, 225.0)  # paper
    air_hu: float = -1000.0
    intensity: Intensity = "hu"
    mr_percentiles: tuple[float, float] = (0.5, 99.5)

    def __post_init__(self) -> None:
        low, high = self.mr_percentiles
        _require(0 <= low < high <= 100, "mr_percentiles", "a lower and a higher percentage", self.mr_percentiles)
        _require_within("spacing_mm", self.spacing_mm, *SPACING_MM)
        _require_within("in_plane", self.in_plane, 1, MOST_VOXELS)
        _require_within("window_hu", self.window_hu, -1e6, 1e6)
        _require(self.window_hu[0] < self.window_hu[1], "window_hu", "a lower and a higher value", self.window_hu)

    @property
    def outside(self) -> float:
        """Value of what lies outside the scan."""
        return self.air_hu if self.intensity == "hu" else 0.0


@dataclass(frozen=True)
class SlabPlan:
    """Runs of consecutive axial slices inside the liver's z-range."""

    slices: int = 32  # paper
    stride: int = 8

    def __post_init__(self) -> None:
        _require_within("slices", (self.slices,), 1, MOST_VOXELS)
        _require(1 <= self.stride <= self.slices, "stride", "between 1 and slices", self.stride)


@dataclass(frozen=True)
class NetworkPlan:
    """Sizes of the LFS network: four convolutions, three max-poolings, two fully connected layers (paper).

    Args:
        head: how the stage is read from the last layer: ``softmax`` (paper), ``ordinal`` (cumulative link), or
            ``regression`` of the stage's number.
        covariates: what the last layer knows of the patient beside the image.
    """

    channels: tuple[int, int, int, int] = (16, 32, 64, 128)
    kernel: tuple[int, int, int] = (5, 5, 5)  # paper: "5*5"
    stride: tuple[int, int, int] = (1, 1, 1)  # of the first convolution
    pools: tuple[tuple[int, int, int], ...] = ((2, 2, 2), (2, 2, 2), (2, 2, 2))
    pooled: tuple[int, int, int] = (2, 8, 8)
    hidden: int = 128
    dropout: float = 0.3
    normalise: Literal["inner", "all"] = "inner"  # all: the first convolution and the hidden layer too
    head: HeadName = "softmax"
    covariates: tuple[Covariate, ...] = ()

    def __post_init__(self) -> None:
        # A map is made without them, which is exact where the last layer is linear.
        linear = self.head != "ordinal"
        _require(linear or not self.covariates, "covariates", "empty with an ordinal head", self.covariates)
        _require(all(k % 2 == 1 for k in self.kernel), "kernel", "odd sizes", self.kernel)
        for name in ("kernel", "stride", "pooled"):
            _require_within(name, getattr(self, name), 1, MOST_VOXELS)
        _require_within("channels", (*self.channels, self.hidden), 1, MOST_CHANNELS)
        _require_within("pools", [side for pool in self.pools for side in pool], 1, MOST_VOXELS)
        _require(len(self.pools) == 3, "pools", "three poolings", self.pools)
        _require(0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)


@dataclass(frozen=True)
class TrainingPlan:
    """How the LFS network is trained.

    Args:
        class_balance: exponent on inverse stage frequency: 0 draws as sampled, 1 draws every stage equally often.
        prior: how frequent F0..F4 are where the probabilities shall hold; empty: as among the training cases.
        signs_weight: of the squared error with which a linear head reads each patient's known signs from the features.
            It counts where every case has signs (simulated patients), and the head is not part of the weights.
        soft_stages: share of the target that is each patient's `chances` instead of the stage that was drawn. It counts
            where every case has them (simulated patients): what no CT shows about a stage is noise to learn from.
        parts_weight: of the error with which a linear head reads from the last convolution how much of each cell
            each body part fills; it counts where every case knows its parts (simulated patients).
        averaging: decay per step of the running mean of the weights that is kept in the end; 0 keeps the last weights.
        frozen: layers of the network that stay as they are, running statistics included, for example ``conv1``.
        check_every: steps between two looks at the inner split, where there is one; the weights that do best on it are
            kept, those to begin with included. 0 keeps the last weights.
        patience: the training ends after so many looks without a better one.
    """

    steps: int = 4000
    batch: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 100
    class_balance: float = 0.5
    prior: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    signs_weight: float = 0.0
    soft_stages: float = 0.0
    parts_weight: float = 0.0
    averaging: float = 0.0
    frozen: tuple[LayerName, ...] = ()
    shift_mm: float = 15.0
    rotation_deg: float = 10.0
    scale: float = 0.1
    noise_hu: float = 10.0
    offset_hu: float = 10.0
    check_every: int = 0
    patience: int = 4
    checkpoint_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.check_every >= 0, "check_every", "at least 0", self.check_every)
        _require(self.patience >= 1, "patience", "at least 1", self.patience)
        _require(self.steps >= 1, "steps", "at least 1", self.steps)
        _require(self.batch >= 1, "batch", "at least 1", self.batch)
        _require(0 <= self.class_balance <= 1, "class_balance", "in [0, 1]", self.class_balance)
        _require(not self.prior or (len(self.prior) == len(STAGES) and min(self.prior) > 0), "prior",
                 "empty or a positive number per stage", self.prior)  # fmt: skip
        _require(self.signs_weight >= 0, "signs_weight", "at least 0", self.signs_weight)
        _require(0 <= self.soft_stages <= 1, "soft_stages", "in [0, 1]", self.soft_stages)
        _require(self.parts_weight >= 0, "parts_weight", "at least 0", self.parts_weight)
        _require(0 <= self.averaging < 1, "averaging", "in [0, 1)", self.averaging)


@dataclass(frozen=True)
class Plan:
    """A staging run: grid, slabs, network, training.

    Args:
        region: which part of the CT the network sees; the paper's conclusion is the whole upper abdomen.
        patch_mm: side of the square, centred on the widest place of the liver in each slice, that the network sees of
            the liver's slices; 0 is the whole plane.
        sections: so many slices, spread evenly over the liver's range, instead of runs of consecutive ones; 0 is runs.
    """

    grid: GridPlan = field(default_factory=GridPlan)
    slab: SlabPlan = field(default_factory=SlabPlan)
    network: NetworkPlan = field(default_factory=NetworkPlan)
    training: TrainingPlan = field(default_factory=TrainingPlan)
    region: Region = "upper_abdomen"
    patch_mm: float = 0.0
    sections: int = 0
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        _require(self.patch_mm >= 0, "patch_mm", "at least 0", self.patch_mm)
        fits = self.sections in (0, self.slab.slices)
        _require(fits, "sections", "0 or as many as the slab has slices", self.sections)


@dataclass(frozen=True)
class VNetPlan:
    """One V-Net (Milletari 2016, with smaller kernels).

    Args:
        spacing_mm: of the grid that it sees.
        classes: what it tells apart, in the order of its scores.
        channels: per level; convolutions: of each level's residual block.
    """

    spacing_mm: tuple[float, float, float]
    classes: tuple[str, ...]
    channels: tuple[int, ...] = (16, 32, 64, 128)
    convolutions: tuple[int, ...] = (1, 2, 2, 2)
    kernel: int = 3

    def __post_init__(self) -> None:
        _require(self.kernel % 2 == 1, "kernel", "odd", self.kernel)
        _require_within("kernel", (self.kernel,), 1, MOST_VOXELS)
        _require_within("spacing_mm", self.spacing_mm, *SPACING_MM)
        _require_within("number of channels", (len(self.channels),), 1, MOST_LEVELS)
        _require_within("channels", self.channels, 1, MOST_CHANNELS)
        _require_within("convolutions", self.convolutions, 1, MOST_LEVELS)
        _require_within("number of classes", (len(self.classes),), 1, 256)
        _require(len(self.channels) == len(self.convolutions), "convolutions", "one per level", self.convolutions)


#: Channels and convolutions per level of the three sizes; the large one has the paper's levels.
VNET_SIZES = {
    "small": ((8, 16, 32, 64), (1, 2, 2, 2)),
    "medium": ((16, 32, 64, 128), (1, 2, 2, 2)),
    "large": ((16, 32, 64, 128, 256), (1, 2, 3, 3, 3)),
}


def vnet_plan(size: str, spacing_mm: float, classes: tuple[str, ...]) -> VNetPlan:
    """A V-Net of a size by name, on cubic voxels."""
    channels, convolutions = VNET_SIZES[size]
    return VNetPlan((spacing_mm, spacing_mm, spacing_mm), classes, channels, convolutions)


@dataclass(frozen=True)
class SegmentationPlan:
    """Liver, spleen and aorta, coarse to fine: two V-Nets and their training.

    Args:
        windows_hu: through which the networks see the CT, one channel each.
        in_plane: voxels of the coarse grid, centred on the body.
        coarse: finds the organs in the whole scan; fine: sees the box around liver and spleen, and what the coarse one
            made of it.
        margin_mm: of that box around the organs.
        canvas: voxels of the fine grid that a training example has.
        crops: sizes of the fine network's training boxes, one drawn for each batch.
        warmup_steps: over which the learning rate rises; average_steps: over which the weights are averaged.
    """

    windows_hu: tuple[tuple[float, float], ...] = ((-125.0, 225.0), (-1000.0, 1000.0))
    in_plane: tuple[int, int] = (96, 96)
    coarse: VNetPlan = field(
        default_factory=lambda: vnet_plan("small", 4.0, ("background", "liver", "spleen", "aorta"))
    )
    fine: VNetPlan = field(default_factory=lambda: vnet_plan("medium", 2.5, ("background", "liver", "spleen")))
    margin_mm: float = 20.0
    canvas: tuple[int, int, int] = (112, 152, 152)
    crops: tuple[tuple[int, int, int], ...] = ((72, 80, 104), (88, 96, 120), (104, 88, 96))
    steps: int = 6000
    batch: int = 4
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    average_steps: int = 200
    checkpoint_every: int = 200
    seed: int = 0
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        _require_within("in_plane", self.in_plane, 1, MOST_VOXELS)
        _require_within("canvas", self.canvas, 1, MOST_VOXELS)
        _require_within("number of windows_hu", (len(self.windows_hu),), 1, MOST_LEVELS)
        fits = all(c <= n for crop in self.crops for c, n in zip(crop, self.canvas, strict=True))
        _require(bool(self.crops) and fits, "crops", f"boxes inside the canvas {self.canvas}", self.crops)


def write_plan(plan: Any, path: Path) -> None:
    """Write a plan as JSON with sorted keys."""
    write_whole(path, json.dumps(asdict(plan), indent=2, sort_keys=True) + "\n")


def read_plan(path: Path, kind: type[T]) -> T:
    """Read a plan of the dataclass `kind`.

    Raises:
        ModelError: the file is not a plan of this kind and schema; the message names file and key.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"The plan {path.name} cannot be read as JSON ({error}); restore it or train again.") from None
    try:
        plan = from_plain(kind, content, path.name)
    except (TypeError, ValueError) as error:
        raise ModelError(f"The plan {path.name} cannot be used: {error}.") from None
    if getattr(plan, "schema_version", None) != SCHEMA_VERSION:
        raise ModelError(
            f"The plan {path.name} has schema {content.get('schema_version')}; this version reads {SCHEMA_VERSION}."
        )
    return plan


def from_plain(kind: type[T], content: Any, where: str) -> T:
    """A dataclass from parsed JSON, with its defaults where keys are absent; `where` is what messages call it.

    Raises:
        TypeError, ValueError: an unknown key, or a value that the dataclass cannot hold.
    """
    plain: T = _build(kind, content, where)
    return plain


def _build(kind: Any, content: Any, where: str) -> Any:
    """`content` (parsed JSON) as the annotated type `kind`; errors carry the path to the value."""
    if is_dataclass(kind) and isinstance(kind, type):
        return _build_dataclass(kind, content, where)
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin is Literal:
        if content not in arguments:
            raise ValueError(f"{where} must be one of {', '.join(map(str, arguments))}; it is {brief(content)}")
        return content
    if origin is tuple:
        return _build_tuple(arguments, content, where)
    if kind is float and isinstance(content, int) and not isinstance(content, bool):
        return _real(content, where)
    if not isinstance(content, kind) or (kind is int and isinstance(content, bool)):
        raise TypeError(f"{where} must be {kind.__name__}; it is {brief(content)}")
    return content


def _real(number: int, where: str) -> float:
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{where} is larger than a number can be") from None


def _build_dataclass(kind: type, content: Any, where: str) -> Any:
    if not isinstance(content, dict):
        raise TypeError(f"{where} must be an object; it is {brief(content)}")
    hints = _hints(kind)
    unknown = sorted(set(content) - {f.name for f in fields(kind)})
    if unknown:
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    return kind(**{key: _build(hints[key], value, f"{where}: {key}") for key, value in content.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build_tuple(arguments: tuple[Any, ...], content: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(content, list):
        raise TypeError(f"{where} must be a list; it is {brief(content)}")
    if arguments[-1] is types.EllipsisType or arguments[-1] is ...:
        arguments = (arguments[0],) * len(content)
    if len(arguments) != len(content):
        raise ValueError(f"{where} must have {len(arguments)} entries; it has {len(content)}")
    return tuple(_build(kind, value, where) for kind, value in zip(arguments, content, strict=True))


def _require(condition: bool, name: str, rule: str, given: Any) -> None:
    if not condition:
        raise ValueError(f"{name} must be {rule}; it is {brief(given)}")


def _require_within(name: str, given: Sequence[float] | Sequence[int], low: float | int, high: float | int) -> None:
    _require(all(low <= number <= high for number in given), name, f"from {low:g} to {high:g}", given)
