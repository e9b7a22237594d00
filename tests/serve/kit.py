"""A service with a stager that takes no time, and a client that says to it exactly what a test wants."""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio

from fibrolens.errors import InputError
from fibrolens.output import output_folder, write_json
from fibrolens.serve.app import application
from fibrolens.serve.auth import Access, Tokens, User
from fibrolens.serve.database import connect, sqlite_url, upgrade
from fibrolens.serve.jobs import Job, Jobs
from fibrolens.serve.recipe import Say, Staged, Task
from fibrolens.serve.service import Service
from fibrolens.serve.storage import SCAN, VIEW, Storage
from fibrolens.serve.uploads import Asked, Intake, Received
from fibrolens.serve.worker import perform

HOST = "127.0.0.1:8642"
ADMIN, ADA, BEN = "token-of-admin", "token-of-ada", "token-of-ben"
USERS = {ADMIN: User("root", admin=True), ADA: User("ada"), BEN: User("ben")}
#: A patient's name, which must turn up in no log.
PATIENT = "DOE^JOHN"


def upload_of(words: str = "1", number: int = 0) -> bytes:
    """Something that begins like a zip; its words tell the fast stager what to do."""
    return f"PK\x03\x04{words}|{number}".encode()


@dataclass(frozen=True)
class FastStager:
    """Does what the upload says: ``refuse``, ``defect``, ``memory``, or a result that depends on its bytes alone."""

    seconds: float = 0.0

    def stage(self, task: Task, say: Say) -> Staged:
        """Take some time in ten steps, and write a folder as the pipeline does."""
        content = task.source.read_bytes()
        if b"refuse" in content:
            raise InputError("upload.zip holds no CT; export it again.")
        if b"defect" in content:
            raise ValueError(PATIENT)
        if b"memory" in content:
            raise MemoryError
        for step in range(10):
            say(step / 10, f"step {step}")
            time.sleep(self.seconds / 10)
        digest = hashlib.sha256(content).hexdigest()
        write_result(task.out, digest, task.forced)
        return Staged(f"ct-{digest[:12]}", "F3")


@dataclass(frozen=True)
class FastRecipe:
    """Gives a `FastStager` to a worker process."""

    seconds: float = 0.0
    fingerprint: str = "fast"

    def load(self) -> FastStager:
        """Nothing to load."""
        return FastStager(self.seconds)


def write_result(out: Path, digest: str, forced: bool = False) -> None:
    """The folders of a result."""
    with output_folder(out / SCAN, {"command": "stage"}) as folder:
        write_json({"digest": digest, "forced": forced, "figures": list(bytes.fromhex(digest))}, folder / "result.json")
        (folder / "report.html").write_text("<p>Research use only.</p>")
        (folder / "dicom").mkdir()
        (folder / "dicom" / "seg.dcm").write_bytes(b"\0" * 128 + b"DICM")
    with output_folder(out / VIEW, {"command": "stage"}) as folder:
        (folder / "ct.nii.gz").write_bytes(b"\x1f\x8b" + bytes.fromhex(digest))
        nothing = {"scale": None, "method": None, "layer": None}
        entry = {"name": "ct", "title": "CT", "unit": "HU", "min": -1000.0, "max": 9.0, "slope": 1.0, "bytes": 34}
        write_json({"volumes": [entry | nothing], "display": {"window": [-125, 225]}}, folder / "view.json")


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        """The content, read."""
        return json.loads(self.content)

    @property
    def error(self) -> str:
        """The sentence of a refusal."""
        assert set(self.json) == {"error"}
        return str(self.json["error"])


@dataclass(frozen=True)
class Client:
    """Speaks ASGI to an application, so that no library tidies up what a test sends.

    Args:
        app: the application.
        headers: of every request.
        address: where it seems to come from.
    """

    app: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"

    def as_bearer(self, token: str) -> "Client":
        """The same with a token."""
        return replace(self, headers={**self.headers, "Authorization": f"Bearer {token}"})

    def as_browser(self, token: str) -> "Client":
        """The same as a browser whose user opened the link."""
        reply = self.ask("GET", f"/?token={token}")
        assert (reply.status, reply.headers["location"]) == (303, "/")
        cookie = reply.cookies[0].partition(";")[0]
        return replace(self, headers={**self.headers, "Cookie": cookie, "Origin": f"http://{HOST}"})

    def ask(self, method: str, target: str, body: bytes | Iterable[bytes | None] = b"", **headers: str | None) -> Reply:
        """Send a request.

        Args:
            method: of HTTP.
            target: path and query as they stand on the wire.
            body: of the request, or its pieces; None is the end of the connection.
            headers: more, ``content_length`` for Content-Length; None takes one away.
        """
        path, _, query = target.partition("?")
        asked = {"Host": HOST, **self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        given = {name.lower(): value for name, value in asked.items() if value is not None}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": (self.address, 50000),
            "server": ("127.0.0.1", 8642),
            "state": {},
        }
        return anyio.run(_asked, self.app, scope, [body] if isinstance(body, bytes) else list(body))

    def get(self, target: str, **headers: str | None) -> Reply:
        """Send a GET."""
        return self.ask("GET", target, **headers)


async def _asked(app: Any, scope: dict[str, Any], chunks: list[bytes | None]) -> Reply:
    sent: list[dict[str, Any]] = []
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        if not waiting:
            # Nobody hangs up before the answer is there.
            await anyio.sleep_forever()
        chunk = waiting.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next((message for message in sent if message["type"] == "http.response.start"), None)
    if start is None:
        return Reply(0, {}, b"")
    pairs = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
    content = b"".join(message.get("body", b"") for message in sent)
    return Reply(start["status"], dict(pairs), content, tuple(v for n, v in pairs if n == "set-cookie"))


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    """A stream of bytes."""
    for chunk in chunks:
        yield chunk


def new_service(data: Path, url: str | None = None, **changes: Any) -> Service:
    """A service over an empty data folder, without workers."""
    storage = Storage.open(data)
    engine = connect(url or sqlite_url(storage.root))
    upgrade(engine)
    jobs = Jobs(engine)
    access = Access(Tokens({hashlib.sha256(token.encode()).digest(): user for token, user in USERS.items()}))
    return Service(jobs, storage, Intake(storage, jobs, "fast"), access, **changes)


def client_of(service: Service) -> Client:
    """Somebody who has no token yet."""
    return Client(application(service))


def submitted(service: Service, content: bytes | None = None, owner: str = "ada", name: str = "ct.zip") -> Job:
    """A job that waits."""
    content = upload_of() if content is None else content
    path = service.storage.incoming / "in"
    path.write_bytes(content)
    received = Received(path, hashlib.sha256(content).hexdigest())
    return service.intake.file(received, Asked(owner, name))[0]


def staged(service: Service, content: bytes | None = None, owner: str = "ada") -> Job:
    """A job that is done."""
    job = submitted(service, content, owner)
    while (claim := service.jobs.claim("worker")) is not None:
        perform(claim, service.jobs, service.storage, FastStager())
    return service.jobs.get(job.id)
