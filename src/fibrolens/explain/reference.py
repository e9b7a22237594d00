"""What is known of a network's maps before a scan is looked at: the null band, and how frequent each pattern is.

Both are kept with the weights as ``attention_reference.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.errors import ModelError
from fibrolens.evaluate.saliency.null_band import NullBand
from fibrolens.explain.patterns import PATTERNS
from fibrolens.plan import STAGES, from_plain


@dataclass(frozen=True)
class PatternCount:
    """How often a pattern was found.

    Args:
        method, layer: of the maps.
        predicted: stage that the maps explain.
        pattern: its name.
        count: of so many maps `of`.
    """

    method: str
    layer: str
    predicted: str
    pattern: str
    count: int
    of: int

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS or self.predicted not in STAGES:
            raise ValueError(f"there is no pattern {self.pattern!r} or no stage {self.predicted!r}")
        if not 0 <= self.count <= self.of:
            raise ValueError(f"count must be from 0 to {self.of}; it is {self.count}")


@dataclass(frozen=True)
class AttentionReference:
    """The reference of one network.

    Args:
        weights_sha256: of the weights that it belongs to.
        made_on: which scans, in words.
        bands: one per kind of map.
        patterns: one per kind of map, predicted stage and pattern.
    """

    weights_sha256: str
    made_on: str
    bands: tuple[NullBand, ...]
    patterns: tuple[PatternCount, ...]

    def band(self, method: str, layer: str) -> NullBand | None:
        """The null band of a kind of map; None where there is none."""
        return next((one for one in self.bands if (one.method, one.layer) == (method, layer)), None)

    def frequency(self, method: str, layer: str, predicted: str, pattern: str) -> PatternCount | None:
        """How frequent a pattern is; None where no map of this kind and predicted stage was looked at."""
        return next(
            (
                one
                for one in self.patterns
                if (one.method, one.layer, one.predicted, one.pattern) == (method, layer, predicted, pattern)
            ),
            None,
        )

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], folder: Path) -> AttentionReference:
        """The content of ``attention_reference.json``.

        Raises:
            ModelError: it is none.
        """
        try:
            return from_plain(cls, dict(content), "attention_reference.json")
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"The attention reference of {folder} cannot be used ({error}); remove it, or make it again."
            ) from None
