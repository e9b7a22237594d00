"""The tables of the service. A change here needs a step in ``migrations/versions``; a test compares the two."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table, Text

METADATA = MetaData()

#: Times are seconds since 1970, UTC: the same number in SQLite and in PostgreSQL.
JOBS = Table(
    "jobs",
    METADATA,
    # Order in which jobs came.
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    # Hash of bytes, options, weights and owner: the same upload twice is one job.
    Column("key", String(64), nullable=False, unique=True),
    Column("owner", String(64), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("origin", String(16), nullable=False),
    # File or folder of the job's upload; null where nothing was kept.
    Column("source", String(64), nullable=True),
    Column("forced", Boolean, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("progress", Float, nullable=False),
    Column("step", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("started", Float, nullable=True),
    Column("finished", Float, nullable=True),
    Column("reason", Text, nullable=True),
    Column("scan_id", String(200), nullable=True),
    Column("predicted", String(8), nullable=True),
    Column("attempts", Integer, nullable=False),
    # Which worker process has the job, by which claim, and until when (of `time.monotonic`) without a sign of life.
    Column("worker", String(32), nullable=True),
    Column("lease", String(32), nullable=True),
    Column("lease_until", Float, nullable=True),
    # The claim whose folder holds the result.
    Column("result", String(32), nullable=True),
)

ABOUT = Table(
    "about",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
