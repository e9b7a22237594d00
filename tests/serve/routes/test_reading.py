"""The reader study through the service: each reader their own order and pictures, every reading on the disk."""

import json

import pytest
from tests.readers.conftest import small_items
from tests.serve.kit import ADA, ADMIN, BEN, HOST, client_of

from fibrolens.readers.choices import NAMES
from fibrolens.readers.store import Store
from fibrolens.serve.service import ReaderStudy

READING = {"item": "map0", "pattern": "surface", "confidence": 4, "comment": "", "seconds": 1.5, "submission": "one"}


@pytest.fixture
def store(tmp_path):
    """Two readers, nothing read; one who has a token reads as themselves."""
    names = [item.item for item in small_items()]
    store = Store.create(tmp_path / "readings.sqlite3", small_items(), {"ada": names, "B": names[:2]}, {"top": 6.0})
    for name in [*names, "secret"]:
        (tmp_path / f"{name}.png").write_bytes(b"\x89PNG of " + name.encode())
    return store


@pytest.fixture
def app(begun, store, tmp_path):
    """Somebody without a token."""
    return client_of(begun(reader_study=ReaderStudy(store, tmp_path)))


class Reader:
    """A browser in which somebody reads."""

    def __init__(self, app, reader, token=ADMIN):
        self.browser = app.as_browser(token)
        assert self.post("login", {"reader": reader}).status == 200

    def post(self, path, content):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.browser.ask("POST", f"/read/{path}", body, Content_Type="application/json")

    def get(self, path):
        return self.browser.get(f"/read/{path}")


def test_the_form_is_the_one_of_the_reader_study(app):
    browser = app.as_browser(ADMIN)
    assert browser.get("/read").headers["location"] == "/read/"
    page = browser.get("/read/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Research use only" in page.content
    for name in ("form.css", "form.js"):
        assert browser.get(f"/read/{name}").status == 200
    # The page names its parts by where it lies, so that it works below /read/ and as the only page of a server.
    assert b'="/' not in page.content


def test_a_whole_reading_is_saved_and_there_again(app, store):
    reader = Reader(app, "ada")
    items = [item["item"] for item in reader.get("state").json["items"]]
    assert items == list(store.order("ada"))
    for number, item in enumerate(items):
        said = {"item": item, "pattern": NAMES[number % len(NAMES)], "submission": str(number)}
        assert reader.post("readings", READING | said).json == {"saved": True}
    assert len(store.history("ada")) == len(items)
    again = Reader(app, "ada").get("state").json["items"]
    assert [entry["reading"]["pattern"] for entry in again] == [NAMES[n % len(NAMES)] for n in range(len(items))]
    assert store.history("B") == ()


def test_a_reader_learns_nothing_of_the_key(app):
    reader = Reader(app, "ada")
    told = reader.get("state").content + reader.get("").content + reader.get("form.js").content
    assert not any(secret in told for secret in (b"control", b"repeat", b'"F4"', b"seed", b"predicted"))


def test_a_reader_sees_the_pictures_of_their_order_alone(app, store):
    ada, other = Reader(app, "ada"), Reader(app, "B")
    for item in store.order("ada"):
        assert ada.get(f"pictures/{item}.png").content == b"\x89PNG of " + item.encode()
        assert other.get(f"pictures/{item}.png").status == (200 if item in store.order("B") else 404)
    wrong = ("secret.png", "..%2freadings.sqlite3", "%2e%2e/readings.sqlite3", "map0", "map0.png%00.png", "..%5cx.png")
    for name in wrong:
        assert ada.get(f"pictures/{name}").status == 404
    assert ada.get("readings.sqlite3").status == 404


def test_before_a_reader_is_chosen_nothing_is_shown_or_saved(app, store):
    browser = app.as_browser(ADMIN)
    state = browser.get("/read/state").json
    assert (state["reader"], state["items"], state["readers"]) == (None, [], ["ada", "B"])
    assert browser.get("/read/pictures/map0.png").status == 403
    reply = browser.ask("POST", "/read/readings", json.dumps(READING).encode(), Content_Type="application/json")
    assert reply.status == 403
    assert store.history("ada") == ()


def test_who_has_a_token_of_their_own_reads_only_as_themselves(app):
    ada = Reader(app, "ada", ADA)
    assert ada.get("state").json["readers"] == ["ada"]
    assert ada.post("login", {"reader": "B"}).status == 422
    assert app.as_bearer(BEN).get("/read/state").json["readers"] == []


def test_who_leaves_reads_no_more(app, store):
    reader = Reader(app, "ada")
    assert reader.post("logout", {}).status == 200
    assert reader.post("readings", READING).status == 403
    assert store.history("ada") == ()


@pytest.mark.parametrize("wrong", [
    {"pattern": "bright"}, {"confidence": "4"}, {"item": "other"}, {"comment": "x" * 2001}, {"seconds": -1},
    {"seconds": float("nan")}, {"submission": 5},
])  # fmt: skip
def test_a_reading_that_cannot_be_is_told(app, store, wrong):
    reply = Reader(app, "ada").post("readings", READING | wrong)
    assert reply.status == 422
    assert reply.error
    assert store.history("ada") == ()


@pytest.mark.parametrize("content", [b"{", b"[1]", b"[" * 9000, b"", b"\xff", b'{"seconds": 1e999}', b"null"])
def test_other_content_is_refused(app, store, content):
    reply = Reader(app, "ada").post("readings", content)
    assert reply.status in (400, 422)
    assert reply.error
    assert store.history("ada") == ()


@pytest.mark.parametrize("reader", ["C", ["ada"], None, 1, ""])
def test_a_reader_that_is_none_is_told(app, reader):
    browser = app.as_browser(ADMIN)
    content = json.dumps({"reader": reader}).encode()
    assert browser.ask("POST", "/read/login", content, Content_Type="application/json").status == 422


def test_without_a_study_there_is_no_form(stranger):
    browser = stranger.as_browser(ADMIN)
    for path in ("/read", "/read/", "/read/state", "/read/form.js"):
        assert browser.get(path, Origin=f"http://{HOST}").status == 404
