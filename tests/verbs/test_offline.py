"""Every verb works with nothing but a loopback, and none even tries to reach another machine.

The verbs run (`test_campaign`) in a network of their own without any way out, where the kernel can give them one
(Linux), and under a guard on the calls of Python's sockets, which also counts what a program would try and keep silent
about.
"""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.verbs.campaign import ROOT, environment, own_network
from tests.verbs.steps import STEPS, verbs_of

SOURCE = ROOT / "src" / "fibrolens"
#: Modules that can call another machine.
CALLING = {"socket", "http.client", "urllib.request", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "ssl",
           "dicomweb_client", "pynetdicom", "websockets", "grpc", "ray", "webbrowser", "xmlrpc"}  # fmt: skip
#: The rooms that may import them, each because its user asks for it.
MAY_CALL = {"pacs", "serve/server.py", "ray_cluster.py"}
#: Two jobs on a cluster of one node, where there is no network.
WITH_RAY = """
from pathlib import Path
from tests.ray_nodes import cluster
from tests.test_engine import Counter, touch
from tests.verbs.run_steps import loopback_up
from fibrolens.engine import open_engine

loopback_up()
counter = Counter()
with cluster(2) as nodes, open_engine(None, nodes.address) as engine:
    engine.run(touch, [Path("a"), Path("b")], counter)
print(counter.units, sorted(path.name for path in Path().iterdir()))
"""
#: Of libraries that report their use.
REPORTING = {"sentry_sdk", "posthog", "opentelemetry", "wandb", "mlflow", "analytics", "google.analytics", "mixpanel"}


def test_every_verb_has_its_step():
    assert {step.verb for step in STEPS} == set(verbs_of())


def test_no_step_has_the_name_of_another():
    assert len({step.name for step in STEPS}) == len(STEPS)


def call(statement, tmp_path, prefix=()):
    """Try something in a process like those of the campaign; its error and what the guard wrote down."""
    told = environment(tmp_path)
    command = [*prefix, sys.executable, "-c", f"import socket, urllib.request as web\n{statement}"]
    ended = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    attempts = tmp_path / "attempts.txt"
    return ended.stderr, attempts.read_text().splitlines() if attempts.exists() else []


@pytest.mark.parametrize(
    ("statement", "written"),
    [
        ("socket.create_connection(('192.0.2.1', 80), 1)", "socket.getaddrinfo 192.0.2.1"),
        ("socket.socket().connect(('192.0.2.1', 80))", "socket.connect 192.0.2.1"),
        ("web.urlopen('http://example.org/', timeout=1)", "socket.getaddrinfo example.org"),
        ("socket.gethostbyname('example.org')", "socket.gethostbyname example.org"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))", "socket.sendto 192.0.2.1"),
        ("try: web.urlopen('http://example.org/')\nexcept OSError: pass", "socket.getaddrinfo example.org"),
    ],
    ids=["connection", "socket", "page", "name", "datagram", "silent"],
)
def test_the_guard_stops_and_counts_what_leaves(tmp_path, statement, written):
    said, attempts = call(statement, tmp_path)
    assert attempts == [written]
    assert "would leave this machine" in said or statement.startswith("try")


def test_the_guard_lets_the_loopback_and_the_machine_itself_through(tmp_path):
    statement = (
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname(), 1)\n"
        "socket.create_connection(('localhost', server.getsockname()[1]), 1)\n"
        "socket.socketpair()"
    )
    assert call(statement, tmp_path) == ("", [])


def test_a_network_of_its_own_has_no_way_out(tmp_path):
    if not own_network():
        pytest.skip("this machine gives no process a network of its own (unshare --net)")
    command = [*own_network(), sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 5)"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Network is unreachable" in ended.stderr


@cache
def imports():
    """Modules that each source imports anywhere, by their full names."""
    return {path.relative_to(SOURCE).as_posix(): set(_imported(path)) for path in SOURCE.rglob("*.py")}


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def those_that_import(names):
    return {path for path, found in imports().items() if any(one == name or one.startswith(f"{name}.")
            for one in found for name in names)}  # fmt: skip


def test_only_what_the_user_points_at_another_machine_can_call_one():
    callers = those_that_import(CALLING)
    assert len(callers) > 5
    assert {one for one in callers if not any(one == room or one.startswith(f"{room}/") for room in MAY_CALL)} == set()


def test_nothing_that_reports_its_use_is_imported():
    assert those_that_import(REPORTING) == set()


@pytest.mark.slow
def test_a_ray_cluster_needs_no_network(tmp_path):
    pytest.importorskip("ray", reason="ray is not installed (extra 'ray')")
    if not own_network():
        pytest.skip("this machine gives no process a network of its own (unshare --net)")
    command = [*own_network(), sys.executable, "-c", WITH_RAY]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert ended.stdout == "4 ['a', 'b']\n", ended.stderr
    assert not (tmp_path / "attempts.txt").exists()


@pytest.mark.parametrize("page", sorted(SOURCE.rglob("*.html*")), ids=lambda page: page.relative_to(SOURCE).as_posix())
def test_pages_load_nothing_from_elsewhere(page):
    text = Path(page).read_text(encoding="utf-8")
    for loading in ('src="http', "src='http", 'src="//', "@import", 'rel="stylesheet" href="http', "url(http"):
        assert loading not in text
