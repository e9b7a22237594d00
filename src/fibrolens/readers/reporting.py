"""The report of a reader study into its folder: where the blinding is broken."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.csvfile import Cell
from fibrolens.evaluate.agreement import MISSING
from fibrolens.output import is_done, output_folder
from fibrolens.readers.analysis import EXPECTED, OUTCOMES, analyse
from fibrolens.readers.choices import NAMES
from fibrolens.readers.item import Kind
from fibrolens.readers.ratings import Ratings
from fibrolens.readers.store import Store
from fibrolens.report.readers import Example, write_readers
from fibrolens.report.readers_tables import WORDS
from fibrolens.report.tables import Table

#: Of which kinds of items the page has examples.
SHOWN: Mapping[Kind, str] = {"map": "Map of predicted", "control": "Control from random weights, for"}


def report(store: Store, pictures: Path, out: Path) -> dict[str, Any]:
    """Write ``readings.json``, ``tables``, ``figures`` and ``report.html`` of what has been read so far.

    Args:
        store: of the set.
        pictures: folder of its pictures, for examples.
        out: folder of the report; an earlier one is replaced.

    Returns:
        Content of ``readings.json``.

    Raises:
        UsageError: something else is in the way.
        OutputError: the folder cannot be written.
    """
    found = analyse(store)
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    run = {"command": "read report", "readings_sha256": digest}
    is_done(out, run, overwrite=True)
    ratings = Ratings.of(store)
    with output_folder(out, run) as folder:
        write_readers(found, _rows(store, ratings), list(_examples(ratings, pictures)), folder)
    return found


def _rows(store: Store, ratings: Ratings) -> Table:
    """Every item with its key and its last readings."""
    known = {reader: store.current(reader) for reader in ratings.readers}
    rows: list[tuple[Cell, ...]] = []
    for item, majority in zip(ratings.items, ratings.majority.tolist(), strict=True):
        cells: list[Cell] = [item.item, item.kind, item.of, item.scan_id, item.patient_id, item.stage, item.predicted]
        cells += [item.pattern, None if majority == MISSING else OUTCOMES[majority]]
        for reader in ratings.readers:
            reading = known[reader].get(item.item)
            cells += [None, None, None] if reading is None else [reading.pattern, reading.confidence, reading.seconds]
        rows.append(tuple(cells))
    columns = ["item", "kind", "of", "scan_id", "patient_id", "stage", "predicted", "computed", "majority"]
    columns += [f"{reader}_{name}" for reader in ratings.readers for name in ("pattern", "confidence", "seconds")]
    return Table("readings", "Every item with its readings", tuple(columns), tuple(rows))


def _examples(ratings: Ratings, pictures: Path) -> Iterator[Example]:
    """Of each of the paper's patterns the map, and the control, that most readers read so."""
    for stage, pattern in EXPECTED.items():
        for kind, words in SHOWN.items():
            own = ratings.kind(kind).predicted(stage)
            votes = (own.codes == NAMES.index(pattern)).sum(axis=1)
            read = (own.codes != MISSING).sum(axis=1)
            if not len(votes) or not votes.max():
                continue
            best = int(np.argmax(votes))
            title = f"{words} {stage}, read as “{WORDS[pattern]}” by {votes[best]} of {read[best]}."
            yield Example(title, (pictures / f"{own.items[best].item}.png").read_bytes())
