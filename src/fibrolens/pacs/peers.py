"""Who we are on the DICOM network, whom we know there, and what goes to whom; read by `fibrolens.pacs.settings`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

#: Files of a scan's ``dicom`` folder, in the order in which they are sent: the report refers to the others.
OBJECTS = ("seg", "map", "map_recommended", "overlay", "report")


@dataclass(frozen=True)
class Peer:
    """Another DICOM application.

    Args:
        ae_title: by which it calls and is called.
        host: where it is, and from where alone it may call; None: it may call from anywhere, and cannot be called.
        port: where it listens; None: it cannot be called.
        tls: whether it is called by TLS.
    """

    ae_title: str
    host: str | None = None
    port: int | None = None
    tls: bool = False


@dataclass(frozen=True)
class Secret:
    """Where a password or token is read when it is needed.

    Args:
        environment: name of a variable; file: that holds nothing else. One of both.
    """

    environment: str | None = None
    file: Path | None = None


@dataclass(frozen=True)
class WebServer:
    """A DICOMweb service (PS3.18).

    Args:
        url: its base, to which ``/studies`` is added.
        user: for basic authentication; None: the secret is a bearer token.
        secret: password or token; None where none is asked for.
        ca: file of certificates by which the server is known, where it is not known publicly.
    """

    url: str
    user: str | None = None
    secret: Secret | None = None
    ca: Path | None = None


#: Where objects go, or where studies are fetched from.
Remote = Peer | WebServer


@dataclass(frozen=True)
class Sending:
    """What becomes of a result.

    Args:
        to: where it goes.
        objects: which of `OBJECTS`.
        retry_hours: for how long it is tried.
        first_pause_s: seconds until the second try; it doubles from try to try.
    """

    to: Remote
    objects: tuple[str, ...] = OBJECTS
    retry_hours: float = 72.0
    first_pause_s: float = 5.0


@dataclass(frozen=True)
class Tls:
    """Files in PEM of DICOM over TLS (PS3.15 B.9).

    Args:
        certificate: of this node; key: that belongs to it; ca: certificates by which peers are known.
    """

    certificate: Path
    key: Path
    ca: Path


@dataclass(frozen=True)
class Limits:
    """What the listener takes.

    Args:
        associations: at the same time.
        study_bytes: of one study.
        instance_bytes: of one instance, which lies in memory while it arrives.
        free_bytes: on the disk, below which nothing more is taken.
    """

    associations: int = 8
    study_bytes: int = 8 * 2**30
    instance_bytes: int = 2**30
    free_bytes: int = 2 * 2**30


@dataclass(frozen=True)
class Pacs:
    """Everything that the file given to ``--pacs`` says.

    Args:
        ae_title: our own; bind: address on which we listen; port: 0 takes a free one.
        quiet_seconds: without a new instance after which a study is complete.
        peers: those whom we know, by AE title.
        tls: None: we listen without encryption.
        limits: of the listener.
        send: None: results stay here.
        fetch: where studies are asked for; None: nowhere.
    """

    ae_title: str
    port: int
    peers: tuple[Peer, ...]
    bind: str = "127.0.0.1"
    quiet_seconds: float = 60.0
    tls: Tls | None = None
    limits: Limits = field(default_factory=Limits)
    send: Sending | None = None
    fetch: Remote | None = None

    def peer(self, ae_title: str) -> Peer | None:
        """A known peer by its AE title."""
        return next((peer for peer in self.peers if peer.ae_title == ae_title), None)


def told(remote: Remote) -> str:
    """How a sentence names a remote."""
    return remote.ae_title if isinstance(remote, Peer) else remote.url
