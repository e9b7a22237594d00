"""What runs while blocks of the manual run: a service that a block starts, and what others provide."""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.ray_nodes import cluster, free_ports
from tests.serve import postgres

LINK = re.compile(r"https?://\S+?/(?:\?token=(?P<token>\S+)|\s)")
STARTS_S, ENDS_S = 180, 60


@contextmanager
def service(command, folder, environment):
    """Start a command that stays up, and end it: the token of the link that it prints, where there is one."""
    said = folder / "said"
    with said.open("w", encoding="utf-8") as out:
        options = {"stdout": out, "stderr": subprocess.STDOUT, "start_new_session": True}
        process = subprocess.Popen(command, cwd=folder, env=environment, **options)
    try:
        until = time.monotonic() + STARTS_S
        while not (link := LINK.search(said.read_text(encoding="utf-8"))):
            assert process.poll() is None, said.read_text(encoding="utf-8")
            assert time.monotonic() < until, said.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield link["token"] or ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(ENDS_S)


@contextmanager
def needed(name):
    """Have a program or a server of others: what it adds to the environment. Skips where it is not installed."""
    if name in SERVERS:
        with SERVERS[name]() as environment:
            yield environment
    elif shutil.which(name):
        yield {}
    else:
        pytest.skip(f"{name} is not on this machine")


@contextmanager
def database():
    with postgres.running() as url:
        yield {"DATABASE": f"{url}postgres"}


@contextmanager
def ray():
    pytest.importorskip("ray", reason="ray is not installed")
    with cluster(2) as running:
        yield dict(running.environment.items() - os.environ.items()) | {"RAY": running.address}


@contextmanager
def orthanc():
    """One that has a CT and knows our node at the port `$DICOM`."""
    from tests.pacs.kit import ct, send  # noqa: PLC0415  (slow)
    from tests.pacs.orthanc import AE_TITLE, running_orthanc  # noqa: PLC0415

    with TemporaryDirectory() as folder, running_orthanc(Path(folder)) as running:
        assert send(ct(AccessionNumber="A1704"), running.dicom, called=AE_TITLE) == [0, 0, 0]
        (port,) = free_ports(1)
        running.know(port)
        yield {"ORTHANC": str(running.dicom), "DICOM": str(port)}


SERVERS = {"Orthanc": orthanc, "PostgreSQL": database, "Ray": ray}
