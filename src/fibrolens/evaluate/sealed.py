"""Packets as files: sealed by a checksum, and read with every check that a file from elsewhere needs.

The checksum finds damage and careless edits. It is no signature: whoever wants to deceive can make another one. Sums
are checked against each other too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from fibrolens.errors import InputError, OutputError, UsageError
from fibrolens.evaluate.packet import CROSS_VALIDATION, FIXED, KIND, SCHEMA_VERSION
from fibrolens.evaluate.scoregrid import COARSE, FINE, ScoreGrid, binned_auc, dense, tie_bound
from fibrolens.evaluate.study import THRESHOLDS, threshold_name
from fibrolens.jsonfile import read_json

SEAL = "sha256"


@dataclass(frozen=True, eq=False)
class Side:
    """The scans on one side of a threshold: scans per bin of the grid, and how many patients they are of."""

    bins: Int[np.ndarray, " bins"]
    patients: int

    @property
    def scans(self) -> int:
        """How many scans there are."""
        return int(self.bins.sum())


@dataclass(frozen=True, eq=False)
class SiteThreshold:
    """What one hospital says of one threshold.

    Args:
        positive: scans at or above it; negative: below.
        auc: of the scores themselves, not of the bins.
        variance: DeLong's, with patients as clusters; None where no case varies.
    """

    positive: Side
    negative: Side
    auc: float
    variance: float | None


@dataclass(frozen=True, eq=False)
class Packet:
    """A packet that was read and found whole.

    Args:
        path: its file.
        content: all of it.
        grid: of its histograms.
        thresholds: by name; one that the packet does not give is absent.
    """

    path: Path
    content: Mapping[str, Any]
    grid: ScoreGrid
    thresholds: Mapping[str, SiteThreshold]

    @property
    def seal(self) -> str:
        """Its checksum."""
        return str(self.content[SEAL])

    @property
    def kind(self) -> str:
        """Whether the same weights predicted everywhere."""
        return str(self.content["model"]["kind"])

    @property
    def weights(self) -> tuple[str, ...]:
        """SHA-256 of the weights."""
        return tuple(self.content["model"]["weights_sha256"])


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its checksum."""
    return {**content, SEAL: checksum(content)}


def checksum(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content without its seal, however its JSON is laid out."""
    bare = {name: value for name, value in content.items() if name != SEAL}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def write_packet(content: Mapping[str, Any], path: Path, overwrite: bool = False) -> None:
    """Write a sealed packet, whole or not at all.

    Raises:
        UsageError: another file is in the way.
        OutputError: it cannot be written.
    """
    text = json.dumps(sealed(content), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    aside = path.with_name(f".{path.name}.partial")
    try:
        if path.exists() and not overwrite and path.read_bytes() != text.encode():
            raise UsageError(f"{path} exists and is another file; choose another name or use --overwrite.")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror}. Choose another --packet.") from None


def read_packet(path: Path) -> Packet:
    """Read a packet from another hospital.

    Raises:
        InputError: it is no packet, of another version, damaged or edited, or its sums contradict each other.
    """
    try:
        content = read_json(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a packet of fibrolens evaluate.") from None
    except ValueError:
        raise InputError(f"{path} is no JSON; a packet comes from fibrolens evaluate STUDY --packet FILE.") from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InputError(f"{path} is no validation packet; one comes from fibrolens evaluate STUDY --packet FILE.")
    if content.get("schema_version") != SCHEMA_VERSION:
        version = content.get("schema_version")
        raise InputError(
            f"{path} is a packet of version {version}, and this fibrolens reads version {SCHEMA_VERSION}; "
            "have it written again by the same version."
        )
    if content.get(SEAL) != checksum(content):
        raise InputError(f"{path} is damaged or was edited: its checksum differs. Ask the hospital for the file again.")
    try:
        return _packet(path, content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} contradicts itself ({told}); ask the hospital to write it again.") from None


def _packet(path: Path, content: Mapping[str, Any]) -> Packet:
    model, grid = content["model"], ScoreGrid(content["grid"]["bins_per_unit"])
    _require(model["kind"] in (FIXED, CROSS_VALIDATION) and bool(model["weights_sha256"]), "its weights are not named")
    _require(model["kind"] != FIXED or len(model["weights_sha256"]) == 1, "fixed weights are of one file")
    _require(grid.per_unit in (FINE, COARSE), "its grid is none of ours")
    counts = content["counts"]
    _require(0 < counts["patients"] <= counts["scans"], "it has more patients than scans")
    given = {name: content["thresholds"][name] for name in map(threshold_name, THRESHOLDS)}
    found = {name: _threshold(entry, grid) for name, entry in given.items() if entry["given"]}
    for name, entry in found.items():
        _require(entry.positive.scans + entry.negative.scans <= counts["scans"], f"{name} has too many scans")
    return Packet(path, content, grid, found)


def _threshold(content: Mapping[str, Any], grid: ScoreGrid) -> SiteThreshold:
    sides = []
    for name, side in (("positive", True), ("negative", False)):
        groups = [group for group in content["groups"] if group["positive"] is side]
        bins = sum((_bins(group, grid) for group in groups), np.zeros(grid.bins, dtype=int))
        patients = int(content["delong"]["patients"][name])
        _require(0 < patients <= int(bins.sum()), f"{name} patients and scans do not fit")
        sides.append(Side(bins, patients))
    area, variance = content["delong"]["auc"], content["delong"]["variance"]
    positive, negative = sides
    apart = abs(area - binned_auc(positive.bins, negative.bins))
    _require(apart <= tie_bound(positive.bins, negative.bins) + 1e-9, "an AUC does not fit its histogram")
    _require(variance is None or 0 < variance < 1, "a variance is none")
    tenths = content["calibration"]
    counted = sum(entry["scans"] for entry in tenths), sum(entry["positives"] for entry in tenths)
    _require(counted == (positive.scans + negative.scans, positive.scans), "calibration and histogram differ")
    return SiteThreshold(positive, negative, area, variance)


def _bins(group: Mapping[str, Any], grid: ScoreGrid) -> Int[np.ndarray, " bins"]:
    counts = dense(group["bins"], grid)
    _require(int(counts.sum()) == group["scans"], "a histogram and its count differ")
    return counts


def _require(holds: bool, told: str) -> None:
    if not holds:
        raise ValueError(told)
