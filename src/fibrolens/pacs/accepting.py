"""The server below the listener, which a caller that says nothing does not stop."""

from __future__ import annotations

import ssl
import threading
from typing import Any

from pynetdicom import AE
from pynetdicom.transport import ThreadedAssociationServer

#: Seconds for a TLS handshake.
HANDSHAKE_S = 10.0


class PatientServer(ThreadedAssociationServer):
    """Shakes hands with each caller in a thread of its own; the library does so in the one that accepts them all."""

    daemon_threads = True

    def get_request(self) -> tuple[Any, tuple[str, int]]:
        """The next connection."""
        accepting: Any = self.socket
        request, address = accepting.accept()
        if self.ssl_context is not None:
            request = self.ssl_context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        return request, address

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Begin an association with a caller whose certificate is in order."""
        if isinstance(request, ssl.SSLSocket):
            try:
                request.settimeout(HANDSHAKE_S)
                request.do_handshake()
                request.settimeout(None)
            except OSError:
                self.shutdown_request(request)
                return
        super().process_request_thread(request, client_address)


def serve(ae: AE, address: tuple[str, int], context: ssl.SSLContext | None, handlers: list[Any]) -> PatientServer:
    """A server that runs until its `shutdown`; raises OSError where the address cannot be used."""
    server: Any = ae.make_server(address, ssl_context=context, evt_handlers=handlers, server_class=PatientServer)
    # As the library's own start_server does; its shutdown relies on it.
    ae._servers.append(server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
