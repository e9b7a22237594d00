"""Where the mask of an organ comes from: a record that stands beside every figure measured in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MaskSource:
    """What made the mask of an organ; it stands beside every figure measured in that mask.

    Args:
        kind: ``file`` for the user's own, ``segmenter`` for a network.
        name: of the file, or of the network's weights.
        sha256: of the file, or of the weights; empty for a program whose weights are not one file.
        label_map: whose numbers the file has; None for our own.
    """

    kind: str
    name: str
    sha256: str
    label_map: str | None = None

    def __str__(self) -> str:
        if self.kind == "segmenter" and self.sha256:
            return f"{self.name} (weights {self.sha256[:12]})"
        return f"{self.name} (labels of {self.label_map})" if self.label_map else self.name


@dataclass(frozen=True)
class OrganSources:
    """Where liver and spleen of one CT come from."""

    liver: MaskSource
    spleen: MaskSource

    def __str__(self) -> str:
        if self.liver == self.spleen:
            return str(self.liver)
        return f"liver from {self.liver}, spleen from {self.spleen}"

    def to_dict(self) -> dict[str, Any]:
        """The `masks` object of ``result.json``."""
        return {organ: vars(source).copy() for organ, source in vars(self).items()}
