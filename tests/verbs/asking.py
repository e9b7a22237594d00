"""Who asks the verbs that serve: a client on the loopback, as a browser or a program would."""

import io
import json
import re
import time
import urllib.request
import zipfile
from http.cookiejar import CookieJar
from pathlib import Path

LONGEST_S = 300
LINK = re.compile(r"(http://[^/\s]+)/\?token=(\S+)")


def form(link: str, home: Path) -> dict[str, str]:
    """A reader opens the form, says who they are, and sees a picture."""
    del home
    address = LINK.search(link)[1]
    browser = _browser()
    page = browser.open(link, timeout=20).read().decode()
    told = _post(browser, f"{address}/login", {"reader": "A"}, address)
    return {"page": page, "state": told}


def service(link: str, home: Path) -> dict[str, str]:
    """A CT is uploaded, staged, and fetched by every route; then its job is deleted."""
    address, token = LINK.search(link).groups()
    ask = _Asker(f"{address}/api/v1", token)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((home / "study").iterdir()):
            archive.write(path, path.name)
    job = json.loads(ask("POST", "/jobs?filename=ct.zip&force=true", packed.getvalue()))["id"]
    until = time.monotonic() + LONGEST_S
    while json.loads(ask("GET", f"/jobs/{job}"))["state"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.2)
    told = {name: ask("GET", f"/jobs/{job}/{name}") for name in ("result", "files", "view")}
    told |= {"job": ask("GET", f"/jobs/{job}"), "jobs": ask("GET", "/jobs"), "health": ask("GET", "/health")}
    told["page"] = _browser().open(link, timeout=20).read().decode()
    ask("DELETE", f"/jobs/{job}")
    return told


class _Asker:
    """Asks with a token."""

    def __init__(self, api: str, token: str) -> None:
        self.api, self.headers, self.browser = api, {"Authorization": f"Bearer {token}"}, _browser()

    def __call__(self, method: str, path: str, body: bytes | None = None) -> str:
        """The answer as text."""
        asked = urllib.request.Request(f"{self.api}{path}", body, self.headers, method=method)  # noqa: S310
        with self.browser.open(asked, timeout=60) as answer:
            return answer.read().decode()


def _browser() -> urllib.request.OpenerDirector:
    """Keeps cookies, and asks no proxy that the environment may name."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar()))


def _post(browser: urllib.request.OpenerDirector, url: str, content: dict[str, str], origin: str) -> str:
    headers = {"Content-Type": "application/json", "Origin": origin}
    asked = urllib.request.Request(url, json.dumps(content).encode(), headers)  # noqa: S310
    return browser.open(asked, timeout=20).read().decode()
