"""The two focus patterns of the paper, read off a map's regions.

The paper saw them by eye. F0: "the surface of the liver is highlighted on the location maps, but the central area of
the liver parenchyma is not". F4: "both the liver and spleen (mainly central areas) are highlighted". Here, highlighted
means more than an even share of the attention, which is 1 on the scale ``mean1``; nothing was fitted.
"""

from __future__ import annotations

from collections.abc import Mapping

PATTERNS = ("surface", "core", "mixed", "off_organ", "unknown")
#: A region with more than this is highlighted, on the scale ``mean1``.
EVEN_SHARE = 1.0
RULE = (
    "Highlighted: mean weight above 1, an even share of the attention (scale mean1). "
    "surface: the liver's surface is highlighted and its core is not. "
    "core: the liver's core and the spleen are highlighted, the core at least as much as the surface. "
    "off_organ: surface, core and spleen are not highlighted, so most attention lies elsewhere. "
    "mixed: any other map. unknown: a figure that decides is missing."
)


def pattern(means: Mapping[str, float | None]) -> str:
    """Name of a map's pattern, by `RULE`.

    Args:
        means: mean weight on the scale ``mean1`` of the regions ``liver_surface``, ``liver_core`` and ``spleen``; None
            where there is no figure.
    """
    surface, core, spleen = (means.get(name) for name in ("liver_surface", "liver_core", "spleen"))
    if surface is None or core is None:
        return "unknown"
    if surface > EVEN_SHARE >= core:
        return "surface"
    if spleen is None:
        return "unknown"
    if max(surface, core, spleen) <= EVEN_SHARE:
        return "off_organ"
    central = core > EVEN_SHARE and spleen > EVEN_SHARE and core >= surface
    return "core" if central else "mixed"
