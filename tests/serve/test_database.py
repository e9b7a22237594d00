"""The database comes up to date by itself, step by step, and a newer one is left alone."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from fibrolens.errors import OutputError, UsageError
from fibrolens.serve.database import connect, sqlite_url, upgrade
from fibrolens.serve.schema import METADATA


@pytest.fixture
def empty(url):
    """A database without tables."""
    engine = connect(url)
    yield engine
    engine.dispose()


def test_the_steps_from_the_first_to_the_last_make_the_tables_of_the_schema(empty):
    upgrade(empty, "0001")
    upgrade(empty)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    assert set(inspect(empty).get_table_names()) == {*METADATA.tables, "alembic_version"}


def test_to_bring_it_up_to_date_twice_changes_nothing(empty):
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("INSERT INTO about (name, value) VALUES ('data', 'here')"))
    upgrade(empty)
    with empty.connect() as connection:
        assert connection.execute(text("SELECT value FROM about")).scalar() == "here"


def test_a_database_of_a_newer_version_is_left_alone(empty):
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(OutputError, match=r"another version of fibrolens.*9999"):
        upgrade(empty)


def test_several_processes_may_bring_it_up_to_date_at_once(tmp_path):
    failed = []

    def work():
        engine = connect(sqlite_url(tmp_path))
        try:
            upgrade(engine)
        except OutputError as error:
            failed.append(error)
        engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize(("url", "said"), [
    ("mysql://host/name", "begins with sqlite or postgresql"), ("no url", "is no URL"), ("", "is no URL"),
    ("postgresql+pg8000://host:port/name", "is no URL"),
])  # fmt: skip
def test_a_url_that_cannot_be_used_is_told(url, said):
    with pytest.raises(UsageError, match=said):
        connect(url)


def test_a_password_is_not_repeated():
    with pytest.raises(OutputError) as caught:
        upgrade(connect("postgresql+pg8000://user:secret@127.0.0.1:9/name"))
    assert "--database" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_told_and_left_as_it_is(tmp_path):
    (tmp_path / "jobs.sqlite3").write_bytes(b"these are my notes" * 100)
    with pytest.raises(OutputError, match="cannot be used"):
        upgrade(connect(sqlite_url(tmp_path)))
    assert (tmp_path / "jobs.sqlite3").read_bytes() == b"these are my notes" * 100
