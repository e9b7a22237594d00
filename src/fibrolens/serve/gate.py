"""What every request passes before any route: is it meant for this server, from this page, by a known user?

And what every answer passes: the headers that forbid a browser other sources, and the log.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fibrolens.serve.answers import DEFECT, HEADERS, RefusedError
from fibrolens.serve.auth import Access, Caller
from fibrolens.serve.logs import complain, say
from fibrolens.serve.pages import login_page

SAFE = {"GET", "HEAD", "OPTIONS"}
LOGIN, UPLOAD = "/login", "/api/v1/jobs"
#: Bytes of any other request's content at most: a reader's comment of 2000 letters fits.
LARGEST_BODY = 16_384
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Gate:
    """The outermost layer of the application.

    Args:
        app: what lies behind.
        access: tokens, sessions, failures.
        cookie: name of the session's cookie; those of one machine are shared by all ports.
        loopback: whether the server answers on this machine alone; then a request for another name was sent here by a
            page of another site (DNS rebinding).
    """

    app: ASGIApp
    access: Access
    cookie: str
    loopback: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _Answer(send, scope))

    async def _http(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            refusal = self._admit(scope)
            await (self.app if refusal is None else refusal)(scope, _modest(scope, receive), answer)
        except RefusedError as refused:
            await _json(refused)(scope, receive, answer)
        except Exception as error:  # noqa: BLE001  (the last line of defence: its words may quote what was read)
            complain("request hit a defect", error, route=_route(scope))
            if not answer.begun:
                await _json(RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, DEFECT))(scope, receive, answer)
        finally:
            answer.log()

    def _admit(self, scope: Scope) -> Response | None:
        """Let a request in, with its caller in the scope; or the answer to one that is not.

        Raises:
            RefusedError: it is not meant for this server, or comes from another page.
        """
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self.loopback and host.rpartition(":")[0] not in LOOPBACK_NAMES and host not in LOOPBACK_NAMES:
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "This server answers on this machine alone.")
        origin = headers.get("origin")
        # Behind a proxy the scheme differs; the host is what another site cannot have.
        if origin is not None and _host(origin) != host:
            raise RefusedError(HTTPStatus.FORBIDDEN, "This request comes from another page.")
        caller = self._caller(headers, _address(scope))
        if caller is None:
            return self._stranger(scope)
        if caller.cookie and scope["method"] not in SAFE and origin is None:
            raise RefusedError(HTTPStatus.FORBIDDEN, "A request by cookie that changes something must tell its origin.")
        scope.setdefault("state", {})["caller"] = caller
        return None

    def _caller(self, headers: Headers, address: str) -> Caller | None:
        """Who asks; None of a stranger."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            self.require_patience(address)
            return self.access.bearer(token.strip(), address)
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return None
        morsel = cookies.get(self.cookie)
        return None if morsel is None else self.access.sessions.caller(morsel.value)

    def require_patience(self, address: str) -> None:
        """Raise RefusedError where an address tried too many wrong tokens."""
        if self.access.failures.too_many(address):
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong tokens; wait a minute.")

    def _stranger(self, scope: Scope) -> Response | None:
        """What somebody without a token may see: the page that asks for one; and they may send it."""
        path = scope["path"]
        if path == LOGIN and scope["method"] == "POST":
            self.require_patience(_address(scope))
            return None
        if path == "/" and scope["method"] in {"GET", "HEAD"}:
            if "token" in parse_qs(scope["query_string"].decode("latin-1")):
                self.require_patience(_address(scope))
                return None
            return login_page()
        refusal = RefusedError(HTTPStatus.UNAUTHORIZED, "Give a token: Authorization: Bearer TOKEN, or open the link.")
        return _json(refusal)


class _Answer:
    """Sends an answer with the headers of the service, and remembers what the log tells."""

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send = send
        self._scope = scope
        self._started = time.monotonic()
        self._status = 0

    @property
    def begun(self) -> bool:
        """Whether the status has been sent."""
        return self._status > 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)

    def log(self) -> None:
        """Route, not path: a path may hold anything."""
        job = self._scope.get("path_params", {}).get("job_id")
        fields = {"method": self._scope["method"], "route": _route(self._scope), "status": self._status}
        if isinstance(job, str) and job.isalnum() and len(job) == 32:
            fields["job"] = job
        say("request", **fields, seconds=round(time.monotonic() - self._started, 4))


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _modest(scope: Scope, receive: Receive) -> Receive:
    """The body of a request, which only an upload may have large."""
    if scope["path"] == UPLOAD:
        return receive
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            # Of what is raised while a body is read, the framework hands on this kind alone.
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The content has more than {LARGEST_BODY} bytes")
        return message

    return counted


def _route(scope: Scope) -> str | None:
    return getattr(scope.get("route"), "path", None)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _json(refused: RefusedError) -> JSONResponse:
    more = {
        HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
        HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "60"},
    }
    # What was not read of the request must not be taken for the next one.
    headers = {"Connection": "close"} | more.get(refused.status, {})
    return JSONResponse({"error": refused.reason}, refused.status, headers)
