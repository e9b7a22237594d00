"""The tables of the database of a reader study."""

from __future__ import annotations

from fibrolens.readers.choices import CONFIDENCES, NAMES

#: Of the tables; kept in the file as ``user_version``.
SCHEMA_VERSION = 1
#: Letters of a comment at most.
LONGEST_COMMENT = 2000
#: Seconds that a reading can take at most: a day.
LONGEST_SECONDS = 86_400.0

_PATTERNS = ", ".join(f"'{name}'" for name in NAMES)
#: A reading is never changed or removed: a corrected one is a further row, and the last row of an item counts.
TABLES = f"""
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE items (
    item TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('map', 'control', 'repeat')),
    "of" TEXT REFERENCES items (item),
    scan_id TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    fold INTEGER NOT NULL,
    stage TEXT NOT NULL,
    predicted TEXT NOT NULL,
    seed INTEGER,
    pattern TEXT NOT NULL CHECK (pattern IN ({_PATTERNS})),
    CHECK ((kind = 'repeat') = ("of" IS NOT NULL))
);

CREATE TABLE readers (reader TEXT PRIMARY KEY COLLATE NOCASE, number INTEGER NOT NULL UNIQUE);

CREATE TABLE orders (
    reader TEXT NOT NULL REFERENCES readers (reader),
    item TEXT NOT NULL REFERENCES items (item),
    place INTEGER NOT NULL,
    PRIMARY KEY (reader, item),
    UNIQUE (reader, place)
);

CREATE TABLE readings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    reader TEXT NOT NULL,
    item TEXT NOT NULL,
    pattern TEXT NOT NULL CHECK (pattern IN ({_PATTERNS})),
    confidence INTEGER NOT NULL CHECK (confidence BETWEEN {min(CONFIDENCES)} AND {max(CONFIDENCES)}),
    comment TEXT NOT NULL CHECK (length(comment) <= {LONGEST_COMMENT}),
    seconds REAL CHECK (seconds BETWEEN 0 AND {LONGEST_SECONDS}),
    source TEXT NOT NULL CHECK (source IN ('form', 'sheet')),
    submission TEXT UNIQUE,
    created TEXT NOT NULL,
    FOREIGN KEY (reader, item) REFERENCES orders (reader, item)
);

CREATE INDEX readings_of ON readings (reader, item, number);

CREATE TRIGGER readings_stay BEFORE UPDATE ON readings BEGIN SELECT RAISE(ABORT, 'a reading is never changed'); END;
CREATE TRIGGER readings_remain BEFORE DELETE ON readings BEGIN SELECT RAISE(ABORT, 'a reading is never removed'); END;
"""
