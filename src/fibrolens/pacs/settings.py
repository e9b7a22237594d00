"""Reads the file given to ``--pacs``: TOML, each key checked, none unknown (docs/pacs.md)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from fibrolens.errors import UsageError
from fibrolens.pacs.peers import OBJECTS, Limits, Pacs, Peer, Remote, Secret, Sending, Tls, WebServer
from fibrolens.pacs.tables import Table

GIB, MIB = 2**30, 2**20


def read_pacs(path: Path) -> Pacs:
    """The settings in a file.

    Raises:
        UsageError: it cannot be read, or a key is missing, unknown or has a value that it cannot have.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; give --pacs a TOML file (docs/pacs.md).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}.") from None
    return _pacs(Table(path, content))


def _pacs(top: Table) -> Pacs:
    peers = tuple(_peer(table) for table in top.tables("peers"))
    titles = [peer.ae_title for peer in peers]
    if twice := sorted({title for title in titles if titles.count(title) > 1}):
        raise top.wrong("peers", f"names {', '.join(twice)} more than once")
    tls = top.table("tls")
    found = Pacs(
        ae_title=top.ae_title(),
        port=top.integer("port", 0, 65535),
        peers=peers,
        bind=top.text("bind", Pacs.bind),
        quiet_seconds=top.number("quiet_seconds", Pacs.quiet_seconds, 0.1, 86400.0),
        tls=None if tls is None else _tls(tls),
        limits=_limits(top),
        send=_sending(top.table("send"), peers),
        fetch=_fetch(top.table("fetch"), peers),
    )
    top.finish()
    if found.tls is None and any(peer.tls for peer in peers):
        raise top.wrong("tls", "is needed where a peer has tls = true")
    return found


def _peer(table: Table) -> Peer:
    host = table.text("host", "") or None
    port = table.integer("port", 1, 65535, required=False)
    if port and not host:
        raise table.wrong("host", "is missing, and the peer has a port")
    peer = Peer(table.ae_title(), host, port or None, table.truth("tls"))
    table.finish()
    return peer


def _limits(top: Table) -> Limits:
    usual = Limits()
    return Limits(
        top.integer("max_associations", 1, 100, required=False) or usual.associations,
        round(top.number("max_study_gb", usual.study_bytes / GIB, 0.001, 1000.0) * GIB),
        round(top.number("max_instance_mb", usual.instance_bytes / MIB, 0.001, 4096.0) * MIB),
        round(top.number("keep_free_gb", usual.free_bytes / GIB, 0.0, 100_000.0) * GIB),
    )


def _tls(table: Table) -> Tls:
    tls = Tls(table.file("certificate"), table.file("key"), table.file("ca"))
    table.finish()
    return tls


def _sending(table: Table | None, peers: tuple[Peer, ...]) -> Sending | None:
    if table is None:
        return None
    objects = table.texts("objects", OBJECTS)
    if unknown := [name for name in objects if name not in OBJECTS]:
        raise table.wrong("objects", f"holds {unknown[0]!r}; possible are {', '.join(OBJECTS)}")
    if not objects:
        raise table.wrong("objects", "is empty; leave [send] out to send nothing")
    chosen = tuple(name for name in OBJECTS if name in objects)
    hours = table.number("retry_hours", Sending.retry_hours, 0.0, 10_000.0)
    pause = table.number("first_pause_seconds", Sending.first_pause_s, 0.01, 3600.0)
    sending = Sending(_remote(table, "to", peers), chosen, hours, pause)
    table.finish()
    return sending


def _fetch(table: Table | None, peers: tuple[Peer, ...]) -> Remote | None:
    if table is None:
        return None
    remote = _remote(table, "from", peers)
    table.finish()
    return remote


def _remote(table: Table, key: str, peers: tuple[Peer, ...]) -> Remote:
    """A peer by its AE title under `key`, or a DICOMweb service by its ``url``."""
    title, url = table.text(key, ""), table.text("url", "")
    if bool(title) == bool(url):
        raise table.wrong(key, f"or url is needed, one of both: {key} with a peer's AE title, or url of DICOMweb")
    if url:
        return _web(table, url)
    peer = next((peer for peer in peers if peer.ae_title == title), None)
    if peer is None:
        raise table.wrong(key, f"names {title!r}, which is no AE title of [[peers]]")
    if peer.host is None or peer.port is None:
        raise table.wrong(key, f"names {title}, whose host and port are not given in [[peers]]")
    return peer


def _web(table: Table, url: str) -> WebServer:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise table.wrong("url", "is no address that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise table.wrong("url", "holds a user; give user and password_env or password_file instead")
    user = table.text("user", "") or None
    what = "token" if user is None else "password"
    variable, file = table.text(f"{what}_env", ""), table.text(f"{what}_file", "")
    if variable and file:
        raise table.wrong(f"{what}_env", f"and {what}_file exclude each other")
    if user is not None and not (variable or file):
        raise table.wrong("password_env", "or password_file is needed with user")
    secret = Secret(variable or None, table.beside(file) if file else None) if variable or file else None
    ca = table.file("ca") if table.text("ca", "") else None
    return WebServer(url.rstrip("/"), user, secret, ca)
