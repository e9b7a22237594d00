"""What the form and its server say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fibrolens.errors import InputError
from fibrolens.readers.choices import CHOICES, CONFIDENCES, INSTRUCTIONS, QUESTION
from fibrolens.readers.store import Reading, Store

#: What a reading holds, and of which kind each value is.
KINDS: Mapping[str, tuple[type, ...]] = {
    "item": (str,),
    "pattern": (str,),
    "confidence": (int,),
    "comment": (str,),
    "seconds": (int, float),
    "submission": (str,),
}


def state(store: Store, reader: str | None) -> dict[str, Any]:
    """What the page needs; nothing of what a reader must not know.

    Args:
        store: of the set.
        reader: who reads in this browser; None before that is chosen, and then there are no items.
    """
    known = {} if reader is None else store.current(reader)
    items = [] if reader is None else [_shown(item, known.get(item)) for item in store.order(reader)]
    return {
        "reader": reader,
        "readers": store.readers(),
        "items": items,
        "question": QUESTION,
        "instructions": INSTRUCTIONS,
        "choices": [vars(choice) for choice in CHOICES],
        "confidences": list(CONFIDENCES.values()),
    }


def reading_of(reader: str, content: Mapping[str, Any]) -> Reading:
    """The reading that the page sent.

    Raises:
        InputError: a value is missing, of the wrong kind, or cannot be.
    """
    for name, kinds in KINDS.items():
        if not isinstance(content.get(name), kinds) or isinstance(content[name], bool):
            raise InputError(f"The reading has no usable {name}.")
    said = {name: content[name] for name in KINDS} | {"seconds": float(content["seconds"])}
    return Reading(reader=reader, source="form", **said)


def _shown(item: str, reading: Reading | None) -> dict[str, Any]:
    if reading is None:
        return {"item": item, "reading": None}
    said = {"pattern": reading.pattern, "confidence": reading.confidence, "comment": reading.comment}
    return {"item": item, "reading": said}
