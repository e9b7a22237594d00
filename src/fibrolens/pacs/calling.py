"""Associations that we ask for (PS3.8), and sentences for what can go wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

from fibrolens.pacs.peers import Pacs, Peer
from fibrolens.pacs.steady import steady
from fibrolens.pacs.tls import client_context

#: Seconds: to connect, to agree, and without a word in the middle of a transfer; a C-MOVE may gather from a tape first.
CONNECT_S, AGREE_S, SILENCE_S = 10.0, 30.0, 300.0
#: Reasons of a rejection by the service user (PS3.8 9.3.4) that a person can mend.
REJECTED = {3: "it does not know our AE title {own}", 7: "it does not call itself {peer}"}


class RemoteError(Exception):
    """Another system does not do what it was asked to; a sentence that names no patient."""


@dataclass(frozen=True)
class Caller:
    """Calls peers under our AE title.

    Args:
        pacs: our AE title and TLS files.
    """

    pacs: Pacs

    @contextmanager
    def association(self, peer: Peer, contexts: Sequence[PresentationContext]) -> Iterator[Association]:
        """An association that is open inside the block.

        Raises:
            RemoteError: the peer cannot be reached, or refuses.
        """
        if peer.host is None or peer.port is None:
            raise RemoteError(f"{peer.ae_title} has no host and port in the file of --pacs.")
        # Files are sent piece by piece, whatever their size. The library knows no other place for this.
        _config.STORE_SEND_CHUNKED_DATASET = True
        ae = AE(self.pacs.ae_title)
        ae.connection_timeout, ae.acse_timeout = CONNECT_S, AGREE_S
        ae.dimse_timeout = ae.network_timeout = SILENCE_S
        tls = (client_context(self.pacs.tls), peer.host) if peer.tls and self.pacs.tls is not None else None
        opened: list[evt.Event] = []
        call = partial(
            ae.associate, peer.host, peer.port, list(contexts), peer.ae_title,
            tls_args=tls, evt_handlers=[(evt.EVT_CONN_OPEN, opened.append)],
        )  # fmt: skip
        association = call()
        if opened and not association.is_established and not association.is_rejected:
            # The answer of a peer that hangs up with it may be lost on the way; asked once more, it may say why.
            association = call()
        try:
            if not association.is_established:
                raise RemoteError(self._why(association, peer))
            yield steady(association)
        finally:
            if association.is_established:
                association.release()

    def _why(self, association: Association, peer: Peer) -> str:
        where = f"{peer.ae_title} ({peer.host} port {peer.port})"
        if association.is_rejected:
            answer: Any = association.acceptor.primitive
            reason = REJECTED.get(answer.diagnostic, "it gives no reason that can be mended here")
            return f"{where} refuses our call: {reason.format(own=self.pacs.ae_title, peer=peer.ae_title)}."
        return f"{where} cannot be reached; check that it runs, its address, and TLS."


def status_word(status: Any) -> str:
    """A DICOM status as it stands in the standard, for sentences."""
    number = getattr(status, "Status", None)
    return "no answer" if number is None else f"status {number:04X}"
