"""JSON that others wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """The content of a JSON file in UTF-8.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no JSON, or JSON of so many levels that nobody means it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("too many levels of brackets") from None
