"""The form of a reader study in the browser: on this machine alone, behind a link with a secret."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from fibrolens.errors import FibrolensError, InputError, UsageError
from fibrolens.readers.messages import reading_of, state
from fibrolens.readers.sessions import Sessions
from fibrolens.readers.store import Store

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
#: Bytes of a request's content at most: a comment of 2000 letters fits.
LARGEST_BODY = 16_384
#: Seconds that a connection may be silent.
SILENCE = 60
#: Path, file of the package and type of what the page is made of.
STATIC = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/form.css": ("form.css", "text/css; charset=utf-8"),
    "/form.js": ("form.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class RefusedError(Exception):
    """A request that is not answered, with the status that says so."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class FormServer(ThreadingHTTPServer):
    """Serves the form until it is shut down.

    Args:
        store: of the set.
        pictures: folder of its pictures.
        port: on the loopback address; 0 takes a free one.

    Raises:
        UsageError: another program has the port.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, store: Store, pictures: Path, port: int = 0) -> None:
        self.store = store
        self.pictures = pictures
        self._token = secrets.token_urlsafe(24)
        self.sessions = Sessions(self._token)
        try:
            super().__init__((LOOPBACK, port), FormHandler)
        except OSError as error:
            raise UsageError(f"Port {port} cannot be used ({error.strerror}); choose another by --port.") from None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle of an answer is no error of anybody's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a browser on this machine calls the server."""
        return tuple(f"{name}:{self.server_address[1]}" for name in NAMES)

    @property
    def cookie(self) -> str:
        """Name of its cookie: those of one machine are shared by all ports."""
        return f"fibrolens-read-{self.server_address[1]}"

    @property
    def link(self) -> str:
        """What a reader opens; who has it may read."""
        return f"http://{self.hosts[0]}/?token={self._token}"


class FormHandler(BaseHTTPRequestHandler):
    """One connection to the form."""

    server: FormServer
    protocol_version = "HTTP/1.1"
    server_version = "fibrolens"
    sys_version = ""
    timeout = SILENCE
    POSTS: ClassVar[Mapping[str, str]] = {"/login": "_login", "/logout": "_logout", "/readings": "_save"}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (named so by the base class)
        """Nothing is logged: a path may hold the token."""

    def do_GET(self) -> None:
        """Page, state or picture."""
        self._answered(self._get)

    def do_POST(self) -> None:
        """Login, logout or a reading."""
        self._answered(self._post)

    def _answered(self, work: Callable[[], None]) -> None:
        try:
            self._require_this_machine()
            work()
        except RefusedError as refused:
            self._refuse(refused.status, str(refused))
        except InputError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except FibrolensError as error:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    def _get(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/" and place.query:
            self._enter(parse_qs(place.query).get("token", [""])[0])
            return
        session = self._session()
        if place.path in STATIC:
            name, kind = STATIC[place.path]
            self._send(HTTPStatus.OK, files("fibrolens").joinpath("readers", "form", name).read_bytes(), kind)
        elif place.path == "/state":
            self._json(state(self.server.store, self.server.sessions.reader(session)))
        else:
            self._picture(place.path)

    def _post(self) -> None:
        session, content = self._session(), self._content()
        if self.path not in self.POSTS:
            raise RefusedError(HTTPStatus.NOT_FOUND, "There is nothing here.")
        getattr(self, self.POSTS[self.path])(session, content)

    def _enter(self, token: str) -> None:
        """Change the token of the link for a cookie, so that the token does not stay in the address."""
        session = self.server.sessions.open(token)
        if session is None:
            raise RefusedError(
                HTTPStatus.FORBIDDEN, "This link is not valid; open the newest one that fibrolens printed."
            )
        cookie = f"{self.server.cookie}={session}; HttpOnly; SameSite=Strict; Path=/"
        self._send(HTTPStatus.SEE_OTHER, b"", "text/plain", {"Set-Cookie": cookie, "Location": "/"})

    def _login(self, session: str, content: Mapping[str, Any]) -> None:
        reader = content.get("reader")
        if reader not in self.server.store.readers():
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "There is no such reader in this study.")
        self.server.sessions.choose(session, reader)
        self._json(state(self.server.store, reader))

    def _logout(self, session: str, _content: Mapping[str, Any]) -> None:
        self.server.sessions.choose(session, None)
        self._json({"reader": None})

    def _save(self, session: str, content: Mapping[str, Any]) -> None:
        self.server.store.add([reading_of(self._reader(session), content)])
        # Only now is it on the disk.
        self._json({"saved": True})

    def _picture(self, path: str) -> None:
        item = path.removeprefix("/pictures/").removesuffix(".png")
        if path != f"/pictures/{item}.png" or item not in self.server.store.order(self._reader(self._session())):
            raise RefusedError(HTTPStatus.NOT_FOUND, "There is nothing here.")
        self._send(HTTPStatus.OK, (self.server.pictures / f"{item}.png").read_bytes(), "image/png")

    def _require_this_machine(self) -> None:
        """Refuse names that another site's page could have given this machine, and pages of other sites."""
        if self.headers.get("Host") not in self.server.hosts:
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "This server answers on this machine alone.")
        origin = self.headers.get("Origin")
        allowed = {f"http://{host}" for host in self.server.hosts}
        if (self.command == "POST" or origin is not None) and origin not in allowed:
            raise RefusedError(HTTPStatus.FORBIDDEN, "This request comes from another page.")

    def _session(self) -> str:
        try:
            cookies = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        morsel = cookies.get(self.server.cookie)
        if morsel is None or not self.server.sessions.known(morsel.value):
            raise RefusedError(HTTPStatus.FORBIDDEN, "Open the link that fibrolens read serve printed.")
        return morsel.value

    def _reader(self, session: str) -> str:
        reader = self.server.sessions.reader(session)
        if reader is None:
            raise RefusedError(HTTPStatus.FORBIDDEN, "Choose who reads first.")
        return reader

    def _content(self) -> Mapping[str, Any]:
        """The JSON object of a request."""
        if self.headers.get_content_type() != "application/json":
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The content must be JSON.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "The length of the content must be given.")
        if int(length) > LARGEST_BODY:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The content has more than {LARGEST_BODY} bytes.")
        try:
            content = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "The content is no JSON.") from None
        if not isinstance(content, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "The content must be a JSON object.")
        return content

    def _json(self, content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        # What was not read of the request must not be taken for the next one.
        self.close_connection = True
        page = self.command == "GET" and self.path.partition("?")[0] == "/"
        if page:
            self._send(status, f"{reason}\n".encode(), "text/plain; charset=utf-8", {"Connection": "close"})
        else:
            self._send(status, json.dumps({"error": reason}).encode(), "application/json", {"Connection": "close"})

    def _send(self, status: HTTPStatus, content: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content))} | HEADERS | dict(more or {})
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
