"""The tables of what the probabilities are worth: ordinal measures, calibration, decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fibrolens.report import calibration, decision, ordinal
from fibrolens.report.tables import Table


def exact(evaluation: Mapping[str, Any]) -> Iterator[Table]:
    """The tables that become CSV files; none of an older study, which has no such figures."""
    if "calibration" in evaluation:
        yield ordinal.exact(evaluation["ordinal"])
        yield calibration.measures(evaluation["calibration"])
        yield calibration.bins(evaluation["calibration"])
        yield calibration.temperatures(evaluation["calibration"])
        yield decision.curve(evaluation["decision"])
        yield decision.rules(evaluation["decision"])
        yield decision.predictive(evaluation["decision"])


def printed(evaluation: Mapping[str, Any]) -> Iterator[Table]:
    """The tables of the page; none of an older study."""
    if "calibration" in evaluation:
        yield ordinal.printed(evaluation["ordinal"])
        yield calibration.measures_printed(evaluation["calibration"])
        yield calibration.temperatures(evaluation["calibration"])
        yield decision.rules_printed(evaluation["decision"])
        yield decision.predictive_printed(evaluation["decision"])
