"""A real Orthanc on loopback with its DICOMweb plugin, and what a test asks of it."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PLUGIN = Path("share/orthanc/plugins/libOrthancDicomWeb.so")
AE_TITLE, OURS = "ORTHANC", "FIBROLENS"
READY_S = 30


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@dataclass(frozen=True)
class Orthanc:
    """One that runs."""

    http: int
    dicom: int

    @property
    def dicomweb(self) -> str:
        """Base of its DICOMweb service."""
        return f"http://127.0.0.1:{self.http}/dicom-web"

    def ask(self, method: str, path: str, body: object = None) -> object:
        """Its own REST interface."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (loopback)
            text = answer.read()
        return json.loads(text) if text[:1] in (b"{", b"[") else text

    def know(self, port: int, title: str = OURS) -> None:
        """Enter our node as one of its modalities."""
        self.ask("PUT", f"/modalities/{title}", {"AET": title, "Host": "127.0.0.1", "Port": port})

    def forward(self, study: str, title: str = OURS) -> dict:
        """Send a study, by Orthanc's own id, to our node."""
        return self.ask("POST", f"/modalities/{title}/store", {"Resources": [study], "Synchronous": True})

    def studies(self) -> list[str]:
        """Its ids of all studies."""
        return self.ask("GET", "/studies")

    def modalities(self, study: str) -> list[str]:
        """Of the series of a study."""
        series = self.ask("GET", f"/studies/{study}/series")
        return sorted(one["MainDicomTags"]["Modality"] for one in series)


@contextmanager
def running_orthanc(folder: Path):
    """Start one that stores below `folder`; it has gone when the block ends."""
    program, plugin = _parts()
    ports = Orthanc(free_port(), free_port())
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [plugin],
        "HttpPort": ports.http,
        "DicomPort": ports.dicom,
        "DicomAet": AE_TITLE,
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowMove": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StableAge": 1,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log, cwd=folder)
        try:
            _wait(ports, process, folder / "log")
            yield ports
        finally:
            process.terminate()
            process.wait(30)


def _parts() -> tuple[str, str]:
    program = shutil.which("Orthanc", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if program is None:
        pytest.skip("Orthanc (Debian package orthanc) is not installed")
    plugin = Path(program).resolve().parents[1] / PLUGIN
    if not plugin.exists():
        pytest.skip("Orthanc's DICOMweb plugin (Debian package orthanc-dicomweb) is not installed")
    return program, str(plugin)


def _wait(orthanc: Orthanc, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            orthanc.ask("GET", "/system")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError("Orthanc does not answer: " + log.read_text(errors="replace")[-2000:])
