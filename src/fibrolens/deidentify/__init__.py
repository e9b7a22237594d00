"""A staged case without its patient: DICOM by the PS3.15 basic profile, and every other file told anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fibrolens.deidentify.case import deidentify_case

__all__ = ["deidentify_case"]


def __getattr__(name: str) -> Any:
    """The export on first use: most of those who come here want a key alone, or to know that there is none."""
    if name not in __all__:
        raise AttributeError(f"module 'fibrolens.deidentify' has no attribute {name!r}")
    from fibrolens.deidentify import case  # noqa: PLC0415 - as said

    return getattr(case, name)
