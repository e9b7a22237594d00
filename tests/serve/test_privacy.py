"""No route of the service tells who the patient is, but in the objects for a PACS; neither do its log and its folder.

A CT full of marks goes through the real pipeline, and then every route is asked. A route without a request here fails
a test.
"""

import io
import json
import logging
import zipfile
from fnmatch import fnmatch

import pytest
from tests.marks import marks, readable
from tests.pacs.kit import settings
from tests.planted import NAME, planted_series, word
from tests.readers.conftest import small_items
from tests.serve.kit import ADA, ADMIN, client_of, new_service
from tests.serve.test_life import JOBS, lived
from tests.staged import simulated, untrained_models

from fibrolens.pacs.calling import Caller, RemoteError
from fibrolens.pacs.find import Asked
from fibrolens.pacs.inbox import Inbox
from fibrolens.pacs.peers import Limits, Peer
from fibrolens.pacs.retrieve import Fetcher
from fibrolens.readers.store import Store
from fibrolens.serve.app import API, api
from fibrolens.serve.logs import LOGGER, JsonLines
from fibrolens.serve.routes.pages import pages_router, viewer_files
from fibrolens.serve.routes.reading import reading_router
from fibrolens.serve.service import ReaderStudy

pytestmark = pytest.mark.slow

#: Routes that give the objects for a PACS, which keep patient and study.
WITH_OBJECTS = ("GET /api/v1/jobs/{job_id}/archive.zip", "GET /api/v1/jobs/{job_id}/files/{name}")
READING = {"item": "map0", "pattern": "surface", "confidence": 4, "comment": "", "seconds": 1.5, "submission": "one"}
ACCESSION = word(0x00080050)
#: A file name as a person may choose it; it may be shown to them, and stands in no log.
CHOSEN = "QFEEDBEEFX.zip"


class AwayFetcher(Fetcher):
    """A PACS that does not answer."""

    def fetch(self, asked: Asked) -> list:
        """Fail as a call does."""
        raise RemoteError("PACS cannot be reached.")


class Log(logging.Handler):
    """Keeps every line as the service's own formatter writes it."""

    def __init__(self, formatter):
        super().__init__()
        self.setFormatter(formatter)
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


class House:
    """A service with everything, two jobs of marked CTs, one done and one refused, and all that was logged."""

    def __init__(self, folder, rendering):
        names = [item.item for item in small_items()]
        store = Store.create(folder / "readings.sqlite3", small_items(), {"ada": names}, {"top": 6.0})
        for name in names:
            (folder / f"{name}.png").write_bytes(b"\x89PNG")
        self.data = folder / "data"
        self.service = new_service(self.data, reader_study=ReaderStudy(store, folder))
        inbox = Inbox(self.service.storage, self.service.intake, self.service.jobs, Limits(), 1.0)
        object.__setattr__(self.service, "fetcher", AwayFetcher(Peer("PACS"), Caller(settings()), inbox))
        planted_series(folder, rendering)
        slices = sorted((folder / "study").iterdir())
        self.done = lived(self.service, untrained_models(rendering.labels), packed(slices), CHOSEN)
        self.ada = client_of(self.service).as_bearer(ADA)
        self.boss = client_of(self.service).as_bearer(ADMIN)
        self.reader = client_of(self.service).as_browser(ADA)

    @property
    def job(self):
        return f"{JOBS}/{self.done.job.id}"

    def files(self):
        """Name by name what a result's route gives."""
        names = [one["name"] for one in self.ada.get(f"{self.job}/files").json["files"]]
        return {name: self.ada.get(f"{self.job}/files/{name}").content for name in names}

    def read(self, what, content):
        return self.reader.ask("POST", f"/read/{what}", json.dumps(content).encode(), Content_Type="application/json")

    def fetch(self):
        body = json.dumps({"accession_number": ACCESSION}).encode()
        return self.boss.ask("POST", f"{API}/fetch", body, Content_Type="application/json")


def packed(slices):
    """A zip of slices under plain names."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number, path in enumerate(slices):
            archive.write(path, f"{number:04d}")
    return made.getvalue()


#: What is asked of each route, in this order.
ASKED = {
    "GET /api/v1/health": lambda h: h.ada.get(f"{API}/health"),
    "POST /api/v1/jobs": lambda h: h.ada.ask("POST", f"{JOBS}?filename={CHOSEN}", NAME.encode()),
    "GET /api/v1/jobs": lambda h: h.ada.get(JOBS),
    "GET /api/v1/jobs/{job_id}": lambda h: h.ada.get(h.job),
    "GET /api/v1/jobs/{job_id}/result": lambda h: h.ada.get(f"{h.job}/result"),
    "GET /api/v1/jobs/{job_id}/files": lambda h: h.ada.get(f"{h.job}/files"),
    "GET /api/v1/jobs/{job_id}/files/{name}": lambda h: h.ada.get(f"{h.job}/files/dicom/report.dcm"),
    "GET /api/v1/jobs/{job_id}/archive.zip": lambda h: h.ada.get(f"{h.job}/archive.zip"),
    "GET /api/v1/jobs/{job_id}/deidentified.zip": lambda h: h.ada.get(f"{h.job}/deidentified.zip"),
    "GET /api/v1/jobs/{job_id}/view": lambda h: h.ada.get(f"{h.job}/view"),
    "GET /api/v1/jobs/{job_id}/volumes/{file}": lambda h: h.ada.get(f"{h.job}/volumes/ct.nii.gz"),
    "POST /api/v1/fetch": lambda h: h.fetch(),
    "GET /": lambda h: h.reader.get("/"),
    "POST /login": lambda h: h.ada.ask("POST", "/login", f"token={ACCESSION}".encode()),
    "GET /{name}": lambda h: h.reader.get(f"/{ACCESSION}"),
    "GET /read": lambda h: h.reader.get("/read"),
    "GET /read/": lambda h: h.reader.get("/read/"),
    "POST /read/login": lambda h: h.read("login", {"reader": "ada"}),
    "GET /read/state": lambda h: h.reader.get("/read/state"),
    "GET /read/pictures/{item}.png": lambda h: h.reader.get("/read/pictures/map0.png"),
    "POST /read/readings": lambda h: h.read("readings", READING),
    "GET /read/{name}": lambda h: h.reader.get("/read/form.js"),
    "POST /read/logout": lambda h: h.read("logout", {}),
    "POST /logout": lambda h: h.reader.ask("POST", "/logout"),
    "DELETE /api/v1/jobs/{job_id}": lambda h: h.ada.ask("DELETE", h.job),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The service, and what each route has answered; its log and the texts in its folder before the end."""
    log, level = Log(JsonLines()), LOGGER.level
    LOGGER.addHandler(log)
    LOGGER.setLevel(logging.DEBUG)
    house = House(tmp_path_factory.mktemp("house"), simulated())
    house.texts = {path: path.read_bytes() for path in house.data.rglob("*") if path.is_file() and is_ours(path)}
    house.files_before = house.files()
    house.answers = {route: ask(house) for route, ask in ASKED.items()}
    house.log = "\n".join(log.lines)
    LOGGER.removeHandler(log)
    LOGGER.setLevel(level)
    yield house
    house.service.jobs.engine.dispose()


def is_ours(path):
    """Whether a file of the service's folder is neither an upload nor an object for a PACS."""
    return path.suffix != ".dcm" and "uploads" not in path.parts


def routes(service):
    """Every route of the application, as ``METHOD path``."""
    for path, methods in api(service).openapi()["paths"].items():
        yield from (f"{method.upper()} {path}" for method in methods)
    for router in (reading_router(service.reader_study), pages_router(viewer_files())):
        for route in router.routes:
            yield from (f"{method} {route.path}".replace(":path}", "}") for method in route.methods)


def test_every_route_is_asked(house):
    assert set(routes(house.service)) == set(ASKED)


@pytest.mark.parametrize("route", [route for route in ASKED if route not in WITH_OBJECTS])
def test_a_route_names_nobody(house, route):
    answer = house.answers[route]
    assert answer.status != 500
    found = marks(readable(route, answer.content)) | marks(str(answer.headers))
    assert found - {CHOSEN.partition(".")[0]} == set()


def test_only_the_objects_for_a_pacs_name_the_patient(house):
    named = {name for name, content in house.files_before.items() if marks(readable(name, content))}
    assert {name.partition("/")[0] for name in named} == {"dicom"}
    with zipfile.ZipFile(io.BytesIO(house.answers[WITH_OBJECTS[0]].content)) as archive:
        named = {name for name in archive.namelist() if marks(readable(name, archive.read(name)))}
    assert named
    assert all(fnmatch(name, "*/dicom/*.dcm") for name in named)


def test_only_who_chose_the_name_of_a_file_is_told_it(house):
    shown = {route for route, answer in house.answers.items() if CHOSEN.encode() in answer.content}
    assert shown == {"POST /api/v1/jobs", "GET /api/v1/jobs", "GET /api/v1/jobs/{job_id}"}


def test_the_log_names_nobody_and_no_file(house):
    assert house.log.count('"event": "request"') >= len(ASKED)
    assert marks(house.log) == set()


def test_the_folder_names_nobody_but_in_uploads_and_objects(house):
    kept = {
        path.relative_to(house.data).as_posix(): marks(readable(path.name, content))
        for path, content in house.texts.items()
    }
    assert len(kept) > 10
    chosen = {CHOSEN.partition(".")[0]}
    assert {name: found for name, found in kept.items() if found - (chosen if "sqlite" in name else set())} == {}
    assert not [path for path in house.data.rglob("*") if marks(str(path.relative_to(house.data)))]
