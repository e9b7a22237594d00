"""Services of tests, on SQLite and on a real PostgreSQL."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from tests.serve import postgres
from tests.serve.kit import ADA, ADMIN, BEN, Client, client_of, new_service

from fibrolens.serve.database import connect, sqlite_url, upgrade
from fibrolens.serve.jobs import Jobs
from fibrolens.serve.service import Service

COUNT = itertools.count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """URL of a running PostgreSQL."""
    with postgres.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    place = request.getfixturevalue("cluster")
    name = f"test{next(COUNT)}"
    engine = connect(f"{place}postgres").execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{place}{name}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An empty database of each kind, up to date."""
    engine = connect(url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def jobs(engine: Engine) -> Jobs:
    """An empty queue of each kind."""
    return Jobs(engine)


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Begins services, see `new_service`, and ends them after the test."""
    services: list[Service] = []

    def begin(url: str | None = None, **changes: object) -> Service:
        services.append(new_service(tmp_path / f"data{len(services)}", url, **changes))
        return services[-1]

    yield begin
    for service in services:
        service.jobs.engine.dispose()


@pytest.fixture
def service(begun: Callable[..., Service]) -> Service:
    """A service on SQLite, without workers."""
    return begun()


@pytest.fixture
def stranger(service: Service) -> Client:
    """Somebody without a token."""
    return client_of(service)


@pytest.fixture
def admin(stranger: Client) -> Client:
    """Who sees everything."""
    return stranger.as_bearer(ADMIN)


@pytest.fixture
def ada(stranger: Client) -> Client:
    """A user."""
    return stranger.as_bearer(ADA)


@pytest.fixture
def ben(stranger: Client) -> Client:
    """Another user."""
    return stranger.as_bearer(BEN)
