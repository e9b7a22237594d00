"""How a DICOMweb service is asked for with a secret, and what a person reads when it refuses."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from fibrolens.pacs.calling import RemoteError
from fibrolens.pacs.peers import Secret, WebServer
from fibrolens.pacs.web import web_client


@pytest.fixture
def service():
    """A service that answers every query with nothing and remembers who asked; or refuses by a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.headers.get("Authorization"))
            self.send_response(self.server.status)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_):
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status = [], 200
    server.url = f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server):
    with web_client(server) as client:
        assert client.search_for_studies() == []


def test_nothing_is_told_unless_asked_for(service, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    ask(WebServer(service.url))
    assert service.asked == [None]


def test_a_token_comes_from_the_environment(service, monkeypatch):
    monkeypatch.setenv("PACS_TOKEN", "t0ken")
    ask(WebServer(service.url, secret=Secret(environment="PACS_TOKEN")))
    assert service.asked == ["Bearer t0ken"]


def test_a_password_comes_from_a_file(service, tmp_path):
    (tmp_path / "secret").write_text("pässword\n", encoding="utf-8")
    ask(WebServer(service.url, "me", Secret(file=tmp_path / "secret")))
    kind, _, told = service.asked[0].partition(" ")
    assert (kind, base64.b64decode(told).decode()) == ("Basic", "me:pässword")


def test_a_secret_that_is_not_there_is_told(service, tmp_path):
    with pytest.raises(RemoteError, match="The environment variable NO_SUCH, which"):
        ask(WebServer(service.url, secret=Secret(environment="NO_SUCH")))
    (tmp_path / "empty").touch()
    for name in ("none", "empty"):
        with pytest.raises(RemoteError, match=f"The file .*{name}, which the file of --pacs names, holds no"):
            ask(WebServer(service.url, secret=Secret(file=tmp_path / name)))
    assert service.asked == []


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, "it asks for a user or token"), (403, "may not do this"), (503, "HTTP status 503")],
)
def test_a_refusal_is_told_by_its_meaning_and_not_repeated(service, status, sentence):
    service.status = status
    with pytest.raises(RemoteError, match=sentence):
        ask(WebServer(service.url))
    assert len(service.asked) == 1


def test_a_service_that_is_away_is_told():
    with pytest.raises(RemoteError, match="cannot be reached: no answer"):
        ask(WebServer("http://127.0.0.1:1/dicom-web"))
