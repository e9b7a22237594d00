"""The database of the service: SQLite in the data folder, or PostgreSQL by URL; brought up to date at start."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from fibrolens.errors import OutputError, UsageError

FILE = "jobs.sqlite3"
#: Seconds that a write to SQLite waits for another one.
PATIENCE = 30
KINDS = ("sqlite", "postgresql+pg8000")


def sqlite_url(data: Path) -> str:
    """URL of the database in a data folder."""
    return f"sqlite:///{(data / FILE).absolute()}"


def connect(url: str) -> Engine:
    """An engine for one process.

    Raises:
        UsageError: the URL is none, of another database, or its driver is not installed.
    """
    try:
        kind = make_url(url).drivername
        if kind not in KINDS:
            raise UsageError(f"--database takes a URL that begins with {' or '.join(KINDS)}; this one has {kind}.")
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, ValueError, NoSuchModuleError):
        raise UsageError("--database is no URL; an example: postgresql+pg8000://user:password@host/name.") from None
    except ModuleNotFoundError:
        raise UsageError("PostgreSQL needs a driver; install it by: pip install 'fibrolens[postgres]'.") from None
    if kind == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up to date; several processes may do so at once.

    Raises:
        OutputError: the database cannot be reached or written, or a newer fibrolens made it.
    """
    config = Config()
    config.set_main_option("script_location", str(files("fibrolens.serve").joinpath("migrations")))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except SQLAlchemyError as error:
        kind = type(error).__name__
        raise OutputError(
            f"The database of jobs cannot be used ({kind}); check --database, and that it may be written."
        ) from None
    except CommandError as error:
        raise OutputError(f"The database of jobs was made by another version of fibrolens ({error}).") from None


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: in SQLite they do not wait for writers."""
    return engine.execution_options(reading=True)


def _begin_sqlite(connection: Connection) -> None:
    # What will write takes its turn at once; a transaction that reads first could not wait for it later.
    only_reads = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Write-ahead log that reaches the disk: an accepted job survives a kill and a loss of power."""
    # The driver would begin transactions by itself, too late for a write after a read.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
