"""Where a study kept an inner split, in words."""

from __future__ import annotations

from collections.abc import Sequence


def places(inner_scans: Sequence[int]) -> str | None:
    """``in every fold``, ``in every fold but 1, 4``, ``in fold 3 alone``; None where no fold has one or none is known.

    Args:
        inner_scans: scans of each fold's inner split (``training.inner_scans`` of ``evaluation.json``); 0 is none.
    """
    having, lacking = ([str(k) for k, scans in enumerate(inner_scans) if bool(scans) == has] for has in (True, False))
    if not having:
        return None
    if not lacking:
        return "in every fold"
    if len(lacking) < len(having):
        return f"in every fold but {', '.join(lacking)}"
    return f"in fold{'s' if len(having) > 1 else ''} {', '.join(having)} alone"
