"""DICOMweb services (PS3.18): how they are called, and sentences for what can go wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import requests
from dicomweb_client.web import DICOMwebClient
from requests.auth import HTTPBasicAuth

from fibrolens.pacs.calling import RemoteError
from fibrolens.pacs.peers import Secret, WebServer

#: Seconds to connect, and to wait for a word.
TIMEOUT_S = (10.0, 300.0)
#: What a service may answer for a while, without anything being wrong with the request.
MEANINGS = {
    HTTPStatus.UNAUTHORIZED: "it asks for a user or token; check the secret in the file of --pacs",
    HTTPStatus.FORBIDDEN: "the user or token may not do this",
    HTTPStatus.NOT_FOUND: "there is no DICOMweb service at this url, or it has not what was asked for",
}


@contextmanager
def web_client(server: WebServer) -> Iterator[DICOMwebClient]:
    """A client inside the block; what goes wrong there becomes a RemoteError.

    Raises:
        RemoteError: the secret cannot be read, the service cannot be reached, or it refuses.
    """
    with requests.Session() as session:
        # What the environment says of proxies and passwords is not meant for a hospital's archive.
        session.trust_env = False
        session.verify = True if server.ca is None else str(server.ca)
        secret = None if server.secret is None else _read(server.secret)
        if secret is not None and server.user is not None:
            session.auth = HTTPBasicAuth(server.user.encode(), secret.encode())
        elif secret is not None:
            session.headers["Authorization"] = f"Bearer {secret}"
        client = DICOMwebClient(server.url, session, timeout=TIMEOUT_S)
        # The library would repeat for minutes; who calls this repeats in its own time.
        client.set_http_retry_params(retry=False)
        try:
            yield client
        except requests.HTTPError as error:
            raise RemoteError(f"{server.url} refuses: {_meaning(error)}.") from None
        except (requests.RequestException, OSError) as error:
            kind = "its certificate is not known" if isinstance(error, requests.exceptions.SSLError) else "no answer"
            raise RemoteError(f"{server.url} cannot be reached: {kind}; check that it runs and its url.") from None


def _meaning(error: requests.HTTPError) -> str:
    if error.response is None:
        return "no status"
    status = error.response.status_code
    known = {int(code): words for code, words in MEANINGS.items()}
    return known.get(status, f"HTTP status {status}")


def _read(secret: Secret) -> str:
    if secret.environment is not None:
        value = os.environ.get(secret.environment, "")
        where = f"The environment variable {secret.environment}"
    else:
        where = f"The file {secret.file}"
        try:
            value = secret.file.read_text(encoding="utf-8").strip() if secret.file else ""
        except (OSError, UnicodeDecodeError):
            value = ""
    if not value or not value.isprintable():
        raise RemoteError(f"{where}, which the file of --pacs names, holds no password or token.")
    return value
