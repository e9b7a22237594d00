"""Reading the figures of a report."""

from pathlib import Path
from xml.etree import ElementTree


def words(path: Path) -> str:
    """All text of an SVG, read from the comments that name each drawn string."""
    ElementTree.parse(path)  # noqa: S314 - our own file
    return path.read_text(encoding="utf-8")
