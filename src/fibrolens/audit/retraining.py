"""Region-restricted retraining: what networks find that were trained without a region, from the study's rivals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

#: The rivals that lack a region.
RESTRICTED = ("liver-only", "liver-spleen", "no-liver", "no-spleen")


def retraining_figures(study: Path) -> dict[str, Any]:
    """AUCs of the study's networks that were trained on a part of the abdomen, beside that of the whole.

    Returns:
        ``networks``: of each of `RESTRICTED` and ``lfs`` that the study has its entry of ``evaluation.json``; else
        None beside a ``reason`` that says how they are made.
    """
    evaluation = json.loads((study / "evaluation.json").read_text(encoding="utf-8"))
    known = {entry["name"]: entry for entry in evaluation.get("rivals", [])}
    found = {name: known[name]["thresholds"] for name in ("lfs", *RESTRICTED) if name in known}
    if not any(name in found for name in RESTRICTED):
        command = f"fibrolens study COHORT.csv --out DIR --rivals {','.join(RESTRICTED)}"
        return {"networks": None, "reason": f"the study has no networks of a part of the abdomen; {command} makes them"}
    return {"networks": {name: {"thresholds": thresholds} for name, thresholds in found.items()}}
