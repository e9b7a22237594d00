"""Nobody without a token reads or changes anything, whatever the route; no other page acts for who has one."""

import itertools
import re
from dataclasses import dataclass, replace

import pytest
from tests.readers.conftest import small_items
from tests.serve.kit import ADA, ADMIN, HOST, Client, new_service, staged

from fibrolens.readers.store import Store
from fibrolens.serve import auth, gate
from fibrolens.serve.app import api, application
from fibrolens.serve.auth import MOST_FAILURES
from fibrolens.serve.gate import Gate
from fibrolens.serve.jobs import Job
from fibrolens.serve.routes import pages
from fibrolens.serve.service import ReaderStudy, Service

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: What an unlocked door looks like: nothing of this may stand in an answer to a stranger.
TREASURES = (b"digest", b"ct.nii.gz", b"map0", b"openapi", b"queued", b"Ada", b"PK\x03")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A service with everything that it can have: a result, a built viewer, a reader study."""
    tmp_path = tmp_path_factory.mktemp("house")
    names = [item.item for item in small_items()]
    store = Store.create(tmp_path / "readings.sqlite3", small_items(), {"Ada": names, "B": names}, {"top": 6.0})
    for name in ("index.html", "assets/index-0a1b.js"):
        path = tmp_path / "viewer" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("<p>digest</p>")
        (tmp_path / "map0.png").write_bytes(b"map0")
    service = new_service(tmp_path / "data", reader_study=ReaderStudy(store, tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "files", lambda _: _Place(tmp_path))
        yield House(service, application(service), staged(service))
    service.jobs.engine.dispose()


@pytest.fixture
def house(built):
    """The same for every test, which leaves it as it was."""
    yield built
    assert built.service.jobs.all() == [built.job]
    assert not list(built.service.storage.incoming.iterdir())


@dataclass(frozen=True)
class House:
    """What is to be guarded."""

    service: Service
    app: Gate
    job: Job

    def visitor(self, **headers):
        """Somebody from an address that nobody came from before."""
        return Client(self.app, headers, f"10.0.0.{next(VISITORS)}")


VISITORS = itertools.count()


class _Place:
    """Where the package seems to lie."""

    def __init__(self, folder):
        self.folder = folder

    def joinpath(self, *parts):
        return self.folder / parts[-1]


def routes_of(app):
    """Path and methods of every route, those of routers too."""
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        prefix = route.include_context.prefix if inner else ""
        for one in inner.routes if inner else [route]:
            yield prefix + one.path, one.methods


def doors(house):
    """Every path of the application with values that lead somewhere."""
    filled = {
        "job_id": house.job.id,
        "name:path": "report.html",
        "file": "ct.nii.gz",
        "item": "map0",
        "name": "form.js",
    }
    found = {re.sub(r"{([^}]+)}", lambda part: filled[part[1]], path) for path, _ in routes_of(api(house.service))}
    return sorted(found | {"/report.html", "/assets/index-0a1b.js", "/nothing", "//", "/api", "/docs", "/read/state"})


def test_every_route_is_known_to_these_tests(house):
    found = {path for path, _ in routes_of(api(house.service))}
    assert {"/", "/login", "/logout", "/api/v1/openapi.json", "/api/v1/jobs/{job_id}/archive.zip"} <= found
    assert {"/read/", "/read/state", "/read/pictures/{item}.png", "/{name:path}", "/api/v1/fetch"} <= found
    assert len(found) >= 22


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {ADA}"},
    {"Authorization": ADA}, {"Cookie": "fibrolens=guess"}, {"Cookie": f"fibrolens={ADA}"}, {"Cookie": ";;=\x01"},
    {"Cookie": 'fibrolens="'}, {"Authorization": "Bearer \xff"}, {"X-Forwarded-For": "127.0.0.1"},
    {"Authorization": "Bearer wrong", "Cookie": "fibrolens=guess", "Origin": f"http://{HOST}"},
])  # fmt: skip
def test_nobody_without_a_token_reads_or_changes_anything(house, headers, monkeypatch):
    monkeypatch.setattr(auth, "MOST_FAILURES", 10_000)
    stranger = replace(house.visitor(), headers=headers)
    for door in doors(house):
        for method in METHODS:
            reply = stranger.ask(method, door, b"{}")
            expected = 403 if (method, door) == ("POST", "/login") else 401
            assert (reply.status, method, door) == (expected, method, door)
            assert not any(treasure in reply.content for treasure in TREASURES)
            assert not reply.cookies


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=wrong&token=worse", "?token=%00", "?tok=1"])
def test_the_first_page_asks_a_stranger_for_the_token_and_tells_nothing(house, query):
    reply = house.visitor().get(f"/{query}")
    assert reply.status in (401, 403)
    assert b'name="token"' in reply.content
    assert b"Research use only" in reply.content
    assert not reply.cookies


def test_with_a_token_every_door_opens(house):
    admin = house.visitor().as_bearer(ADMIN)
    for door in ("/", "/api/v1/jobs", f"/api/v1/jobs/{house.job.id}/result", "/api/v1/openapi.json", "/read/state"):
        assert admin.get(door).status == 200


def test_the_link_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(house):
    stranger = house.visitor()
    reply = stranger.get(f"/?token={ADA}")
    assert (reply.status, reply.headers["location"]) == (303, "/")
    (cookie,) = reply.cookies
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert ADA not in cookie
    assert stranger.as_browser(ADA).get("/api/v1/health").json["user"] == "ada"


def test_under_tls_the_cookie_never_travels_without(begun):
    reply = Client(application(begun(secure=True))).get(f"/?token={ADA}")
    assert "Secure" in reply.cookies[0].split("; ")


def test_the_form_signs_in(house):
    stranger = house.visitor()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{HOST}"}
    assert stranger.ask("POST", "/login", b"token=wrong", **form).status == 403
    assert stranger.ask("POST", "/login", b"", **form).status == 403
    assert stranger.ask("POST", "/login", b"\xff%ff=&token", **form).status == 403
    assert stranger.ask("POST", "/login", f"token={ADA}".encode(), **form).status == 303


def test_who_signs_out_is_out(house):
    browser = house.visitor().as_browser(ADA)
    assert browser.ask("POST", "/logout").status == 303
    assert browser.get("/api/v1/health").status == 401


def test_a_session_ends_by_itself(house, monkeypatch):
    browser = house.visitor().as_browser(ADA)
    now = auth.time.monotonic()
    monkeypatch.setattr(auth.time, "monotonic", lambda: now + auth.SESSION_S + 1)
    assert browser.get("/api/v1/health").status == 401


@pytest.mark.parametrize("origin", [
    "http://evil.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:1", f"http://{HOST}.evil.example",
    "http://[", f"http://x@{HOST}", f"http://evil.example/{HOST}", "\xff", "file://",
])  # fmt: skip
def test_another_page_can_do_nothing_with_cookie_or_token(house, origin):
    browser, bearer = house.visitor().as_browser(ADMIN), house.visitor().as_bearer(ADMIN)
    one = f"/api/v1/jobs/{house.job.id}"
    for method, door in (("GET", one), ("DELETE", one), ("POST", "/logout")):
        for client in (browser, bearer):
            reply = client.ask(method, door, Origin=origin)
            assert reply.status == 403
            assert "another page" in reply.error
    assert browser.ask("POST", "/api/v1/jobs", b"PK", Origin=origin).status == 403
    assert browser.ask("POST", "/login", f"token={ADA}".encode(), Origin=origin).status == 403


def test_what_changes_something_by_cookie_must_tell_its_origin(service, stranger):
    job, browser = staged(service), stranger.as_browser(ADMIN)
    for method, door in (("DELETE", f"/api/v1/jobs/{job.id}"), ("POST", "/api/v1/jobs"), ("POST", "/read/readings")):
        reply = browser.ask(method, door, b"{}", Origin=None)
        assert (reply.status, "origin" in reply.error) == (403, True)
    assert service.jobs.all() == [job]
    assert browser.get(f"/api/v1/jobs/{job.id}", Origin=None).status == 200
    assert browser.ask("DELETE", f"/api/v1/jobs/{job.id}").status == 204


@pytest.mark.parametrize("host", [
    "evil.example", "evil.example:8642", "", "127.0.0.1.evil.example", "127.0.0.2", "localhost.evil", "0.0.0.0:8642",
    "[::]", "\xff", None,
])  # fmt: skip
def test_another_name_for_this_machine_is_refused(house, host):
    stranger = house.visitor()
    for client in (stranger, stranger.as_bearer(ADA), stranger.as_browser(ADA)):
        reply = client.get("/api/v1/jobs", Host=host, Origin=None)
        assert reply.status == 421
        assert "this machine alone" in reply.error


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:1", "localhost", "[::1]:8642", "[::1]"])
def test_the_names_of_this_machine_are_taken(house, host):
    assert house.visitor().as_bearer(ADA).get("/api/v1/health", Host=host).status == 200


def test_other_machines_reach_it_by_any_name_where_they_are_let_in(begun):
    client = Client(application(begun(loopback=False))).as_bearer(ADA)
    assert client.get("/api/v1/health", Host="ct.hospital.example").status == 200
    assert client.get("/api/v1/health", Host="a.example", Origin="https://b.example").status == 403


@pytest.mark.parametrize("door", ["/api/v1/jobs", "/?token=wrong", "/login"])
def test_wrong_tokens_soon_have_to_wait_and_right_ones_elsewhere_do_not(house, door):
    stranger = house.visitor()
    method = "POST" if door == "/login" else "GET"
    headers = {"Authorization": "Bearer wrong"} if door.startswith("/api") else {}
    replies = [stranger.ask(method, door, **headers).status for _ in range(MOST_FAILURES)]
    assert set(replies) <= {401, 403}
    reply = stranger.ask(method, door, **headers)
    assert (reply.status, reply.headers["retry-after"]) == (429, "60")
    assert stranger.as_bearer(ADA).get("/api/v1/health").status == 429
    elsewhere = house.visitor().as_bearer(ADA)
    assert elsewhere.get("/api/v1/health").status == 200


def test_every_answer_forbids_other_sources_framing_and_keeping(house):
    stranger, job = house.visitor(), house.job
    admin = stranger.as_bearer(ADMIN)
    doors = ("/", "/api/v1/health", "/nothing", "/read/", "/api/v1/jobs?limit=0", f"/api/v1/jobs/{job.id}/result")
    replies = [client.get(door) for client in (stranger, admin) for door in doors]
    replies += [admin.ask("PUT", "/api/v1/jobs"), admin.get("/", Host="evil"), admin.get("/", Origin="null")]
    replies += [admin.get(f"/api/v1/jobs/{job.id}/{what}") for what in ("archive.zip", "files/manifest.json")]
    for reply in replies:
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-frame-options"] == "DENY"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in reply.headers
        assert "server" not in reply.headers


def test_a_defect_is_told_without_its_words(ada, service, monkeypatch, caplog):
    def broken(*_):
        raise ValueError("DOE^JOHN")

    monkeypatch.setattr(type(service.jobs), "newest", broken)
    with caplog.at_level("INFO", logger="fibrolens.serve"):
        reply = ada.get("/api/v1/jobs")
    assert (reply.status, "defect" in reply.error) == (500, True)
    assert b"DOE" not in reply.content
    assert "DOE" not in caplog.text
    assert "content-security-policy" in reply.headers


def test_a_defect_of_the_framework_is_told_too(house, caplog):
    async def broken(*_):
        raise ValueError("DOE^JOHN")

    client = Client(replace(house.app, app=broken)).as_bearer(ADA)
    with caplog.at_level("INFO", logger="fibrolens.serve"):
        reply = client.get("/api/v1/jobs")
    assert (reply.status, "defect" in reply.error) == (500, True)
    assert "DOE" not in caplog.text


def test_only_an_upload_may_be_large(house):
    admin = house.visitor().as_browser(ADMIN)
    large = b'{"reader": "' + b"A" * gate.LARGEST_BODY + b'"}'
    for door in ("/read/login", "/login", "/api/v1/fetch"):
        reply = admin.ask("POST", door, [large[:9000], large[9000:]], Content_Type="application/json")
        assert reply.status == 413
