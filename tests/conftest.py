"""What every test gets: calls that are checked, no network but loopback, real scans where they are at hand."""

import os
import socket
from pathlib import Path

import pytest
from tests.checked import check_calls

# Before anything of the program is imported.
check_calls()

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture
def shared_data() -> Path:
    """Folder of the real CTs; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real CTs (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder that the processes of this run have in common; see `tests.once`."""
    base = tmp_path_factory.getbasetemp()
    # Processes of pytest-xdist have folders of their own in a common one.
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection that would leave this machine fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(LOOPBACK):  # type: ignore[index]
            raise PermissionError(f"test tried to connect to {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
