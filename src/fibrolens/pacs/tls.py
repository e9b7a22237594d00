"""DICOM over TLS (PS3.15 B.9): both sides show a certificate, and each is checked."""

from __future__ import annotations

import ssl

from fibrolens.errors import UsageError
from fibrolens.pacs.peers import Tls


def server_context(tls: Tls) -> ssl.SSLContext:
    """For the listener: who calls without a certificate of the authority is turned away.

    Raises:
        UsageError: the files cannot be used.
    """
    context = _context(tls, ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: Tls) -> ssl.SSLContext:
    """For calling a peer, whose certificate must be of the authority and name its host.

    Raises:
        UsageError: the files cannot be used.
    """
    return _context(tls, ssl.Purpose.SERVER_AUTH)


def _context(tls: Tls, purpose: ssl.Purpose) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(purpose, cafile=str(tls.ca))
        context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise UsageError(
            f"The TLS files of --pacs ({tls.certificate.name}, {tls.key.name}, {tls.ca.name}) cannot be used: {error}."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
