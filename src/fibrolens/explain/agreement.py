"""Does a map fit its stage? The quality control that the paper proposes: reconsider when the map looks abnormal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fibrolens.explain.reference import PatternCount

#: The pattern that the paper saw in most maps of a stage; it names none for the stages between.
EXPECTED: Mapping[str, str] = {"F0": "surface", "F4": "core"}
#: A pattern that fewer of the maps of a stage show is unusual, where at least so many maps were looked at.
UNUSUAL, FEWEST = 0.05, 20


@dataclass(frozen=True)
class Agreement:
    """How the pattern of a map fits the stage that it explains.

    Args:
        expected: the paper's pattern for the predicted stage; None for F1 to F3.
        agrees: whether the map shows it; None where nothing is expected or the pattern is unknown.
        frequency: share of the network's reference maps of this stage with the same pattern; None where too few maps
            were looked at.
        of: how many they were.
        unusual: whether that share is below `UNUSUAL`, of a map that does not show what is expected; None as
            `frequency`.
    """

    expected: str | None
    agrees: bool | None
    frequency: float | None
    of: int
    unusual: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def agreement(found: str, predicted: str, known: PatternCount | None = None) -> Agreement:
    """Compare a map's pattern with what the paper saw, and with the network's own maps of the same stage.

    Args:
        found: name of the map's pattern, one of `patterns.PATTERNS`.
        predicted: stage that the map explains.
        known: how frequent this pattern is; None where that is not known.
    """
    expected = EXPECTED.get(predicted)
    agrees = None if expected is None or found == "unknown" else found == expected
    of = 0 if known is None else known.of
    frequency = None if known is None or of < FEWEST or found == "unknown" else known.count / of
    # A network may seldom show the paper's pattern; where it does, nothing is to be reconsidered.
    unusual = None if frequency is None else frequency < UNUSUAL and agrees is not True
    return Agreement(expected, agrees, frequency, of, unusual)


def doubt(method: str, found: str, predicted: str, fits: Agreement) -> str | None:
    """The sentence for the report where the map of a method should make its reader reconsider; None where not."""
    if not fits.unusual or fits.frequency is None:
        return None
    return (
        f"Reconsider: the map of {predicted} by {method} shows the pattern {found}, as do {100 * fits.frequency:.0f} % "
        f"of this network's {fits.of} reference maps of {predicted}."
    )
