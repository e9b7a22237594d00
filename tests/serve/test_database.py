"""Migrations, and databases that cannot be used."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text

from fibrolens.errors import OutputError, UsageError
from fibrolens.serve.database import connect, reading, sqlite_url, upgrade
from fibrolens.serve.jobs import Jobs
from fibrolens.serve.schema import ABOUT, METADATA

FIRST = "0001"


def test_the_steps_lead_to_the_tables_of_the_program(url):
    engine = connect(url)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_a_database_of_the_first_step_keeps_its_rows(url):
    engine = connect(url)
    upgrade(engine, FIRST)
    with engine.begin() as connection:
        connection.execute(insert(ABOUT).values(name="data", value="here"))
    upgrade(engine)
    upgrade(engine)
    with reading(engine).connect() as connection:
        assert connection.execute(select(ABOUT.c.value)).scalar() == "here"
    assert Jobs(engine).all() == []
    engine.dispose()


def test_a_newer_database_is_not_touched(url):
    engine = connect(url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(OutputError, match="another version"):
        upgrade(engine)
    engine.dispose()


def test_sqlite_reaches_the_disk_and_lets_readers_in(tmp_path):
    engine = connect(sqlite_url(tmp_path))
    upgrade(engine)
    with engine.begin() as writer:
        assert writer.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert writer.execute(text("PRAGMA synchronous")).scalar() == 2
        writer.execute(insert(ABOUT).values(name="a", value="b"))
        with reading(engine).connect() as reader:
            assert reader.execute(select(ABOUT.c.value)).all() == []
    engine.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/name", "postgresql://host/name", "sqlite+aio:///x"])
def test_a_url_of_no_database_of_ours_is_wrong_use(url):
    with pytest.raises(UsageError, match="--database"):
        connect(url)


def test_a_database_that_does_not_answer_is_a_sentence_without_the_password():
    engine = connect("postgresql+pg8000://user:secret@127.0.0.1:1/name")
    with pytest.raises(OutputError, match="cannot be used") as caught:
        upgrade(engine)
    assert "secret" not in str(caught.value)
