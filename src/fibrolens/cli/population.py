"""Options of `fibrolens evaluate` that name other patients than the cohort's."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from fibrolens.errors import UsageError

if TYPE_CHECKING:
    from fibrolens.evaluate.population import Population


def add_population(group: Any) -> None:
    """Add the prevalences and the mix of stages."""
    group.add_argument(
        "--prevalence",
        action="append",
        type=float,
        metavar="P",
        help="share of patients with the finding, for PPV and NPV, such as 0.1; may be given several times (default: "
        "0.05, 0.1, 0.2, 0.3, 0.4, 0.5)",
    )
    group.add_argument(
        "--stage-mix",
        type=float,
        nargs=5,
        metavar=("F0", "F1", "F2", "F3", "F4"),
        help="shares of the stages, for Obuchowski's measure beside those of the cohort's mix and of an even one",
    )


def population(options: argparse.Namespace) -> Population:
    """For whom figures are wanted besides the cohort.

    Raises:
        UsageError: a share is none.
    """
    from fibrolens.evaluate.population import Population

    wanted: dict[str, Any] = {}
    if options.prevalence is not None:
        if wrong := [share for share in options.prevalence if not 0 < share < 1]:
            raise UsageError(f"--prevalence must lie between 0 and 1, such as 0.1 for 10 %; it is {wrong[0]:g}.")
        wanted["prevalences"] = tuple(sorted(set(options.prevalence)))
    if options.stage_mix is not None:
        if not (min(options.stage_mix) >= 0 and abs(sum(options.stage_mix) - 1) <= 0.01):
            raise UsageError(
                "--stage-mix needs the shares of F0, F1, F2, F3 and F4, none below 0, which add up to 1; they add up "
                f"to {sum(options.stage_mix):g}."
            )
        wanted["mix"] = tuple(options.stage_mix)
    return Population(**wanted)
