"""The form's server: on this machine alone, for those who have the link, each as one reader."""

import http.client
import json
import socket
import struct
import threading

import pytest

from fibrolens.errors import UsageError
from fibrolens.readers.server import LARGEST_BODY, FormServer

READING = {"item": "map0", "pattern": "surface", "confidence": 4, "comment": "", "seconds": 1.5, "submission": "one"}


@pytest.fixture
def server(store, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for item in store.order("A"):
        (pictures / f"{item}.png").write_bytes(b"picture of " + item.encode())
    with FormServer(store, pictures) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Browser:
    """Keeps the cookie, and says where it comes from."""

    def __init__(self, server):
        self.server, self.cookie = server, ""
        self.host = server.hosts[0]

    def ask(self, method, path, content=None, **headers):
        sent = {"Host": self.host, "Cookie": self.cookie} | headers
        body = None
        if method == "POST":
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            sent = {"Origin": f"http://{self.host}", "Content-Type": "application/json"} | sent
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=10)
        connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def enter(self, reader=None):
        answer = self.ask("GET", self.server.link.partition(self.host)[2])
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        if reader:
            assert self.ask("POST", "/login", {"reader": reader}).status == 200
        return self


def test_the_link_opens_the_form_and_the_token_does_not_stay(server):
    browser = Browser(server).enter()
    page = browser.ask("GET", "/")
    assert page.status == 200
    assert b"Research use only" in page.content
    flags = browser.ask("GET", server.link.partition(browser.host)[2]).headers["Set-Cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Strict" in flags
    assert server.link.partition("token=")[2] not in flags


@pytest.mark.parametrize(
    "path", ["/", "/state", "/form.js", "/pictures/map0.png", "/?token=", "/?token=guess", "/?x=1"]
)
def test_without_the_link_there_is_nothing(server, path):
    answer = Browser(server).ask("GET", path)
    assert answer.status == 403
    assert b"map0" not in answer.content


def test_a_made_up_cookie_opens_nothing(server):
    browser = Browser(server)
    for cookie in (f"{server.cookie}=guess", f"{server.cookie}=", ";;=\x01", "a=b"):
        assert browser.ask("GET", "/state", Cookie=cookie).status == 403


def test_every_answer_forbids_other_sources_framing_and_keeping(server):
    browser = Browser(server).enter("A")
    for path in ("/", "/form.css", "/form.js", "/state", "/pictures/map0.png", "/nothing"):
        headers = browser.ask("GET", path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Python" not in headers["Server"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", ""])
def test_another_name_for_this_machine_is_refused(server, host):
    browser = Browser(server).enter("A")
    assert browser.ask("GET", "/state", Host=host).status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None, "https://127.0.0.1"])
def test_another_page_cannot_send_readings(server, store, origin):
    browser = Browser(server).enter("A")
    assert browser.ask("POST", "/readings", READING, Origin=origin).status == 403
    assert store.history("A") == ()


def test_before_a_reader_is_chosen_nothing_is_shown_or_saved(server):
    browser = Browser(server).enter()
    state = json.loads(browser.ask("GET", "/state").content)
    assert (state["reader"], state["readers"], state["items"]) == (None, ["A", "B"], [])
    assert browser.ask("GET", "/pictures/map0.png").status == 403
    assert browser.ask("POST", "/readings", READING).status == 403
    assert browser.ask("POST", "/login", {"reader": "C"}).status == 422
    assert browser.ask("POST", "/login", {"reader": ["A"]}).status == 422


def test_a_reader_sees_pictures_in_order_and_nothing_of_the_key(server, store):
    browser = Browser(server).enter("B")
    answer = browser.ask("GET", "/state")
    state = json.loads(answer.content)
    assert [entry["item"] for entry in state["items"]] == list(store.order("B"))
    assert not any(entry["reading"] for entry in state["items"])
    assert not any(told in answer.content for told in (b"control", b"repeat", b"F4", b"seed"))
    assert browser.ask("GET", "/pictures/again.png").content == b"picture of again"


@pytest.mark.parametrize("path", [
    "/pictures/../readings.sqlite3", "/pictures/%2e%2e/readings.sqlite3", "/pictures/x.png", "/readings.sqlite3",
    "/pictures/", "/pictures/map0", "//etc/passwd",
])  # fmt: skip
def test_there_are_no_other_files(server, path):
    assert Browser(server).enter("A").ask("GET", path).status == 404


def test_an_answer_is_saved_when_it_is_told_so_and_is_there_again(server, store):
    browser = Browser(server).enter("A")
    assert json.loads(browser.ask("POST", "/readings", READING).content) == {"saved": True}
    (reading,) = store.history("A")
    assert (reading.said, reading.seconds, reading.source) == (("surface", 4, ""), 1.5, "form")
    again = json.loads(Browser(server).enter("A").ask("GET", "/state").content)
    assert {entry["item"]: entry["reading"] for entry in again["items"]}["map0"]["pattern"] == "surface"
    other = json.loads(Browser(server).enter("B").ask("GET", "/state").content)
    assert not any(entry["reading"] for entry in other["items"])


def test_a_reading_goes_to_the_reader_of_the_browser_whatever_it_says(server, store):
    Browser(server).enter("A").ask("POST", "/readings", READING | {"reader": "B"})
    assert len(store.history("A")) == 1
    assert store.history("B") == ()


def test_who_leaves_reads_no_more(server):
    browser = Browser(server).enter("A")
    assert browser.ask("POST", "/logout", {}).status == 200
    assert browser.ask("POST", "/readings", READING).status == 403


@pytest.mark.parametrize("wrong", [
    {"pattern": "bright"}, {"confidence": 9}, {"confidence": "4"}, {"confidence": True}, {"item": "other"},
    {"comment": None}, {"comment": "x" * 2001}, {"seconds": -1}, {"seconds": None}, {"submission": 5},
])  # fmt: skip
def test_a_reading_that_cannot_be_is_told(server, store, wrong):
    answer = Browser(server).enter("A").ask("POST", "/readings", READING | wrong)
    assert answer.status == 422
    assert json.loads(answer.content)["error"]
    assert store.history("A") == ()


@pytest.mark.parametrize(("content", "headers", "status"), [
    (b"x" * (LARGEST_BODY + 1), {}, 413), (b"{", {}, 400), (b"[1]", {}, 400), (b"[" * 9000, {}, 400),
    (b"{}", {"Content-Type": "text/plain"}, 415), (b"{}", {"Content-Length": "x"}, 411),
    (b"{}", {"Content-Length": "-1"}, 411), (b'{"seconds": NaN}', {}, 422),
])  # fmt: skip
def test_other_content_is_refused(server, store, content, headers, status):
    assert Browser(server).enter("A").ask("POST", "/readings", content, **headers).status == status
    assert store.history("A") == ()


def test_only_what_exists_can_be_posted_to(server):
    assert Browser(server).enter("A").ask("POST", "/state", {}).status == 404
    assert Browser(server).enter("A").ask("DELETE", "/readings").status == 501


def test_the_server_listens_on_the_loopback_address_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.socket.family == socket.AF_INET


def test_a_port_that_is_taken_is_told(server, store, tmp_path):
    with pytest.raises(UsageError, match="--port"):
        FormServer(store, tmp_path, server.server_address[1])


def test_a_browser_that_hangs_up_is_no_error(server, capsys):
    with socket.create_connection(server.server_address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        # Closing with no time to linger sends a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert Browser(server).enter().cookie
    assert capsys.readouterr().err == ""
