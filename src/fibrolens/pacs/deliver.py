"""Brings files to a PACS: by C-STORE (PS3.4 B) or STOW-RS (PS3.18 10.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.filereader import read_file_meta_info
from pynetdicom import build_context
from pynetdicom.association import Association

from fibrolens.pacs.calling import Caller, RemoteError, status_word
from fibrolens.pacs.peers import Peer, Remote, WebServer, told
from fibrolens.pacs.web import web_client

#: Told of each file that the other side has; what was told need not be sent again.
Arrived = Callable[[str], None]
#: Statuses of C-STORE with which the instance is stored: success, and warnings (PS3.4 B.2.3).
STORED = (0x0000, 0xB000, 0xB006, 0xB007)


def deliver(files: Mapping[str, Path], remote: Remote, caller: Caller, arrived: Arrived) -> None:
    """Send DICOM files in their order.

    Args:
        files: by name.
        remote: to whom.
        caller: who calls, where the DICOM network is used.
        arrived: told the name of each file that is stored there.

    Raises:
        RemoteError: one did not get there; those after it were tried too.
    """
    failed = (
        _by_web(files, remote, arrived)
        if isinstance(remote, WebServer)
        else _by_network(files, remote, caller, arrived)
    )
    if failed:
        reasons = ", ".join(f"{name}: {why}" for name, why in failed.items())
        raise RemoteError(f"{told(remote)} did not store everything ({reasons}).")


def _by_network(files: Mapping[str, Path], peer: Peer, caller: Caller, arrived: Arrived) -> dict[str, str]:
    metas = {name: read_file_meta_info(path) for name, path in files.items()}
    kinds = {(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas.values()}
    failed = {}
    with caller.association(peer, [build_context(*kind) for kind in sorted(kinds)]) as association:
        for name, path in files.items():
            why = _store(association, path)
            if why is None:
                arrived(name)
            else:
                failed[name] = why
    return failed


def _store(association: Association, path: Path) -> str | None:
    """Send one file; why it did not get there, or None."""
    try:
        answer = association.send_c_store(path)
    except ValueError:
        return "this kind of object is not accepted there"
    except RuntimeError:
        return "the connection broke off"
    return None if getattr(answer, "Status", None) in STORED else status_word(answer)


def _by_web(files: Mapping[str, Path], server: WebServer, arrived: Arrived) -> dict[str, str]:
    failed = {}
    with web_client(server) as client:
        for name, path in files.items():
            # One at a time: a service that cannot store one of them stores the others.
            answer = client.store_instances([dcmread(path)])
            why = _refused(answer)
            if why is None:
                arrived(name)
            else:
                failed[name] = why
    return failed


def _refused(answer: Dataset) -> str | None:
    """Why an instance was not stored, by the answer to STOW-RS (PS3.18 I.2); None where it was."""
    items: Any = answer.get("FailedSOPSequence") or []
    return None if not items else f"reason {items[0].get('FailureReason', 0):04X}"
