"""Stage liver fibrosis from a portal-venous CT and show where the decision came from. Research use only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public name -> module that defines it; imported on first use so that `import fibrolens` stays light.
_HOMES = {
    "FibrolensError": "fibrolens.errors",
    "Geometry": "fibrolens.volume",
    "Plan": "fibrolens.plan",
    "StagingResult": "fibrolens.result",
    "Volume": "fibrolens.volume",
    "location_maps": "fibrolens.explain.location_maps",
    "read_volume": "fibrolens.io",
    "stage": "fibrolens.pipeline",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  (one table, so that names and homes cannot drift apart)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fibrolens' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
