"""Other patients than a cohort's, for whom figures are wanted."""

from __future__ import annotations

from dataclasses import dataclass

#: Of the predictive values, where the user asks for none.
PREVALENCES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Population:
    """For whom figures are wanted besides the cohort.

    Args:
        prevalences: shares of patients with the finding, for the predictive values; above 0 and below 1.
        mix: shares of F0 to F4, for Obuchowski's measure; None for none.
    """

    prevalences: tuple[float, ...] = PREVALENCES
    mix: tuple[float, ...] | None = None


#: Where the user names none.
USUAL = Population()
