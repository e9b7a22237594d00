"""The whole service as a process: it is ended, killed and started again, and its log tells nothing of anybody."""

import json
import shutil
import signal
import socket
import subprocess
import warnings
from collections import Counter
from pathlib import Path

import pytest
from tests.readers.conftest import small_items
from tests.serve.kit import PATIENT, FastRecipe, upload_of
from tests.serve.process import Running, gone, until

from fibrolens.errors import FibrolensError, UsageError
from fibrolens.output import write_manifest
from fibrolens.readers.folder import COMMAND, PICTURES
from fibrolens.readers.store import Store
from fibrolens.serve import server
from fibrolens.serve.server import ServeOptions, run_service
from fibrolens.serve.storage import Storage

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="processes are looked for in /proc")
JOBS = "/api/v1/jobs"
END_STATES = ("done", "refused", "failed")
EVERYWHERE = "0.0.0.0"  # noqa: S104  (what is asked for in order to be refused)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of our own for 127.0.0.1, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on this machine")
    folder = tmp_path_factory.mktemp("tls")
    pair = folder / "cert.pem", folder / "key.pem"
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(pair[0]), "-keyout", str(pair[1])]
    subprocess.run(made, check=True, capture_output=True)
    return pair


def ended(events):
    """The jobs that have ended, one entry for each time that a worker said so."""
    return [one["job"] for one in events if one["event"] == "job ended" and one["state"] in END_STATES]


@pytest.mark.slow
def test_a_server_that_is_killed_loses_no_job_and_does_none_twice(tmp_path):
    with Running(tmp_path / "data", seconds=0.4) as running:
        for number in range(6):
            assert running.ask("POST", f"{JOBS}?filename={number}.zip", upload_of("ct", number)).status == 202
        until("nothing is done", lambda: "done" in running.states())
        workers = running.workers()
        assert workers
        done = [job for job in running.jobs() if job["state"] == "done"]
        running.process.kill()
        running.process.communicate()
        # Orphaned workers end by themselves, so that none works beside the next server's.
        until("workers go on alone", lambda: all(gone(pid) for pid in workers), seconds=5)
        (running.data / "incoming" / "half").write_bytes(b"an upload that was not whole")
        running.start()
        assert running.ask("POST", JOBS, upload_of("ct", 0)).status == 200
        until("jobs are left", lambda: running.states() == ["done"] * 6)
        assert list((running.data / "incoming").iterdir()) == []
        after = {job["id"]: job for job in running.jobs()}
        # What was done before the kill is still that very result.
        assert [after[job["id"]] for job in done] == done
        assert max(Counter(ended(running.events)).values()) == 1
        assert len(list((running.data / "results").glob("*/*"))) == 6


@pytest.fixture
def study(tmp_path):
    """A set of the reader study."""
    names = [item.item for item in small_items()]
    folder = tmp_path / "set"
    (folder / PICTURES).mkdir(parents=True)
    Store.create(folder / "readings.sqlite3", small_items(), {"Ada": names}, {"top": 6.0})
    write_manifest(folder, {"command": COMMAND}, {})
    for name in names:
        (folder / PICTURES / f"{name}.png").write_bytes(b"\x89PNG")
    return folder


@pytest.mark.slow
def test_the_printed_link_opens_it_and_ctrl_c_ends_it_with_its_workers(tmp_path, study):
    with Running(tmp_path / "data", seconds=60, more=("--reader-study", str(study))) as running:
        assert running.host.startswith("127.0.0.1:")
        assert any("/read/" in line for line in running.said)
        entered = running.ask("GET", f"/?token={running.token}", Authorization="")
        assert entered.status == 303
        cookie = entered.headers["Set-Cookie"].partition(";")[0]
        assert running.ask("GET", JOBS, Authorization="", Cookie=cookie).status == 200
        assert running.ask("GET", "/read/state", Cookie=cookie).status == 200
        sent = running.ask("POST", f"{JOBS}?filename={PATIENT}.zip", upload_of(PATIENT))
        assert sent.status == 202
        assert running.ask("GET", f"/{PATIENT}?name={PATIENT}", Authorization=f"Bearer {PATIENT}").status == 401
        too_large = running.ask("POST", JOBS, bytes(20_000))
        assert (too_large.status, "more than" in json.loads(too_large.body)["error"]) == (413, True)
        _break_off(running)
        until("no worker begins", lambda: running.states() == ["running"])
        workers = running.workers()
        with pytest.raises(UsageError, match="served by another process"):
            Storage.open(running.data).lock()
        assert running.end(signal.SIGINT, group=True) < 8
        assert running.process.returncode == 0
        assert all(gone(pid) for pid in workers)
        assert "done after the next start" in running.rest
        until("an upload that was broken off is left", lambda: not list((running.data / "incoming").iterdir()))
        said = running.log.read_text()
        assert not any(secret in said for secret in (PATIENT, running.token, cookie, "Traceback", "name="))
        assert {"request", "job started", "worker ready"} <= {one["event"] for one in running.events}


def _break_off(running):
    """Begin an upload and hang up."""
    host, _, port = running.host.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST {JOBS} HTTP/1.1\r\nHost: {running.host}\r\nAuthorization: Bearer {running.token}\r\n"
        connection.sendall(f"{head}Content-Length: 5000\r\n\r\nPK half".encode())
        until("it does not begin", lambda: list((running.data / "incoming").iterdir()))


def test_by_tls_it_is_read_by_nobody_else_and_sigterm_ends_it(tmp_path, certificate):
    with Running(tmp_path / "data", more=("--tls", *map(str, certificate))) as running:
        assert running.scheme == "https"
        assert running.ask("GET", "/api/v1/health").status == 200
        entered = running.ask("GET", f"/?token={running.token}", Authorization="")
        assert "Secure" in entered.headers["Set-Cookie"]
        host, _, port = running.host.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(f"GET /api/v1/health HTTP/1.1\r\nHost: {running.host}\r\n\r\n".encode())
            assert b"HTTP" not in plain.recv(1000)
        workers = running.workers()
        assert running.end(signal.SIGTERM) < 8
        assert running.process.returncode == 0
        assert all(gone(pid) for pid in workers)


@pytest.fixture
def in_process(monkeypatch):
    """Tries to serve here, and leaves signals, log and warnings of the tests alone; nothing is ever told."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(server, "begin_log", lambda: None)
    with warnings.catch_warnings():
        yield lambda options: run_service(options, pytest.fail, FastRecipe())


@pytest.mark.parametrize(("options", "said"), [
    ({"host": EVERYWHERE}, "--tls-cert"), ({"host": "::"}, "--tls-cert"), ({"host": "192.0.2.1"}, "--tls-cert"),
    ({"host": EVERYWHERE, "behind_proxy": True}, "--add-user"), ({"host": "no.such.host.invalid", "behind_proxy": True,
     "tokens": Path("t")}, "cannot be used"), ({"tokens": Path("nowhere.json")}, "--add-user"),
    ({"tls": (Path("no.pem"), Path("no.key"))}, "No such file"),
    ({"reader_study": Path("nowhere")}, "nowhere"), ({"pacs": Path("nowhere.toml")}, "nowhere"),
])  # fmt: skip
def test_what_cannot_be_served_safely_or_at_all_is_refused(tmp_path, monkeypatch, in_process, options, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FibrolensError, match=said):
        in_process(ServeOptions(tmp_path / "data", port=0, **options))


def test_a_certificate_of_another_key_is_refused(tmp_path, certificate):
    (tmp_path / "other.pem").write_text("no key")
    with pytest.raises(UsageError, match="without a password"):
        ServeOptions(tmp_path, tls=(certificate[0], tmp_path / "other.pem")).check()


def test_others_may_come_in_by_tls_and_tokens(certificate):
    ServeOptions(Path("data"), host=EVERYWHERE, tls=certificate, tokens=Path("t")).check()
    ServeOptions(Path("data"), host=EVERYWHERE, behind_proxy=True, tokens=Path("t")).check()


def test_a_port_that_is_taken_is_told(tmp_path, in_process):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="--port"):
        in_process(ServeOptions(tmp_path / "data", port=taken.getsockname()[1]))
