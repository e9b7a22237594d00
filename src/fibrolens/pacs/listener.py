"""The DICOM node that PACS call: C-ECHO, and C-STORE of the CT of a study (PS3.4 A and B).

Everything that is sent along with a CT study is accepted, so that the sender's job does not fail, and what is no CT is
not kept. So our own objects, when they come back, lead to nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass, field
from typing import IO, Any

from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.dsutils import create_file_meta
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from fibrolens.errors import OutputError
from fibrolens.io.dicom.series import CT_CLASSES
from fibrolens.pacs.accepting import serve
from fibrolens.pacs.inbox import FullError, Inbox, MismatchError
from fibrolens.pacs.peers import Pacs, Peer
from fibrolens.pacs.tls import server_context
from fibrolens.serve.logs import complain, say

#: Status of a C-STORE response (PS3.4 B.2.3).
SUCCESS, OUT_OF_RESOURCES, NO_MATCH, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
#: By what went wrong; of anything else it is NOT_UNDERSTOOD.
STATUS = ((FullError, OUT_OF_RESOURCES), (MismatchError, NO_MATCH), (OSError, OUT_OF_RESOURCES))
#: A-ASSOCIATE-RJ: permanent, by the service user, calling AE title not recognised (PS3.8 9.3.4).
UNKNOWN_CALLER = (0x01, 0x01, 0x03)
#: Larger than the usual 16 KiB: fewer pieces for the same slice.
PDU_BYTES = 2**18
#: Seconds that a peer may be silent on an open association.
SILENCE_S = 60.0


@dataclass
class Listener:
    """Listens inside a ``with`` block.

    Args:
        pacs: own AE title, address, peers.
        inbox: where CT instances go.
    """

    pacs: Pacs
    inbox: Inbox
    _arrived: dict[int, int] = field(default_factory=dict)

    def __enter__(self) -> Listener:
        self._ae = AE(self.pacs.ae_title)
        self._ae.require_called_aet = True
        self._ae.require_calling_aet = [peer.ae_title for peer in self.pacs.peers]
        self._ae.maximum_associations = self.pacs.limits.associations
        self._ae.maximum_pdu_size = PDU_BYTES
        self._ae.network_timeout = SILENCE_S
        self._ae.add_supported_context(Verification)
        for offered in AllStoragePresentationContexts:
            self._ae.add_supported_context(str(offered.abstract_syntax), ALL_TRANSFER_SYNTAXES)
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._check_caller),
            (evt.EVT_PDU_RECV, self._check_size),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_CONN_CLOSE, self._forget),
        ]
        context = None if self.pacs.tls is None else server_context(self.pacs.tls)
        address = (self.pacs.bind, self.pacs.port)
        try:
            self._server = serve(self._ae, address, context, handlers)
        except OSError as error:
            raise OutputError(
                f"The DICOM listener cannot use {self.pacs.bind} port {self.pacs.port}: {error.strerror}. Give another "
                "bind or port in the file of --pacs."
            ) from None
        say("DICOM listener ready", port=self.port, tls=context is not None)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._ae.shutdown()

    @property
    def port(self) -> int:
        """On which it listens."""
        return int(self._server.server_address[1])

    def _check_caller(self, event: evt.Event) -> None:
        """Turn away who calls from another host than the peer's; AE titles alone prove nothing."""
        association = event.assoc
        asked: Any = association.requestor.primitive
        peer = self.pacs.peer(asked.calling_ae_title.strip())
        if peer is None or not calls_from(peer, str(association.requestor.address)):
            say("association refused", reason="calling AE title or host not known")
            association.acse.send_reject(*UNKNOWN_CALLER)
            association.kill()

    def _check_size(self, event: evt.Event) -> None:
        """End an association that fills the memory with one instance."""
        key = id(event.assoc)
        data = getattr(event.pdu, "presentation_data_value_items", None)
        if data is None:
            return
        self._arrived[key] = self._arrived.get(key, 0) + sum(len(item.presentation_data_value) for item in data)
        if self._arrived[key] > self.pacs.limits.instance_bytes:
            say("association ended", reason="instance too large")
            self._arrived[key] = -(2**62)
            # This is the thread that must go on for the abort to be sent.
            threading.Thread(target=event.assoc.abort, daemon=True).start()

    def _forget(self, event: evt.Event) -> None:
        self._arrived.pop(id(event.assoc), None)

    def _store(self, event: evt.Event) -> int:
        """The status of one C-STORE request; no instance ends the listener."""
        self._arrived.pop(id(event.assoc), None)
        request: Any = event.request
        if request.AffectedSOPClassUID not in CT_CLASSES:
            return SUCCESS
        try:
            self._keep(request, event.context.transfer_syntax)
        except Exception as error:  # noqa: BLE001  (one instance must not end the listener)
            complain("instance refused", error)
            return next((status for kinds, status in STATUS if isinstance(error, kinds)), NOT_UNDERSTOOD)
        return SUCCESS

    def _keep(self, request: Any, syntax: UID) -> None:
        instance = request.AffectedSOPInstanceUID
        meta = create_file_meta(
            sop_class_uid=request.AffectedSOPClassUID, sop_instance_uid=instance, transfer_syntax=syntax
        )

        def write(file: IO[bytes]) -> None:
            file.write(bytes(128) + b"DICM")
            write_file_meta_info(DicomFileLike(file), meta)
            # Not decoded, and no second copy: the bytes as they came.
            file.write(request.DataSet.getbuffer())

        self.inbox.take(write, request.DataSet.getbuffer().nbytes, str(instance))


def calls_from(peer: Peer, address: str) -> bool:
    """Whether an IP address is one of the peer's host; any is where none is given."""
    if peer.host is None:
        return True
    try:
        found = {ipaddress.ip_address(str(info[4][0])) for info in socket.getaddrinfo(peer.host, None)}
        caller = ipaddress.ip_address(address)
    except (OSError, ValueError):
        return False
    mapped = getattr(caller, "ipv4_mapped", None)
    return caller in found or mapped in found
