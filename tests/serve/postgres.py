"""A real PostgreSQL for tests, on the loopback address alone, as a user who is not root."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USERS = ("postgres", "nobody")


def programs() -> Path | None:
    """Folder of PostgreSQL's own programs; None where it is not installed."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += [Path(found).resolve().parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def running() -> Iterator[str]:
    """URL of a new cluster, without the name of a database; skips where there is no PostgreSQL."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not on this machine")
    place = Path(tempfile.mkdtemp(prefix="fibrolens-postgres-"))
    try:
        runs_as = _owner(place)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {"cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **runs_as}
        init = (folder / "initdb", "-D", place / "data", "-U", "fibrolens", "--auth=trust", "--no-sync", "-E", "UTF8")
        subprocess.run(init, check=True, **options)
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        process = subprocess.Popen((folder / "postgres", "-D", place / "data", *given), **options)
        try:
            ready = (folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1")
            for _ in range(300):
                if subprocess.run(ready, check=False, **options).returncode == 0:
                    break
            yield f"postgresql+pg8000://fibrolens@127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(30)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _owner(place: Path) -> dict[str, str]:
    """PostgreSQL does not run as root."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in USERS if name in known), None)
    if user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no other user")
    shutil.chown(place, user)
    return {"user": user}
