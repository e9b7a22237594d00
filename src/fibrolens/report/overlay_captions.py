"""The words around the pictures of one staged CT."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Captions:
    """What stands around the pictures.

    Args:
        title: first line.
        note: last line, behind "research use only"; for example what the weights were trained on.
        forced: say that the scan failed the quality gate and was staged all the same.
        scale: name of the map's scale, ``mean1`` or ``raw``.
    """

    title: str = ""
    note: str = ""
    forced: bool = False
    scale: str = "mean1"
