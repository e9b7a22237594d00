"""Loaded before anything else by every Python of a campaign: stops whatever would leave this machine, and says it.

Sockets of the kernel's own (Unix) and of the loopback are let through. What is stopped is written down too, since a
program may swallow the error, as one that reports its use does.
"""

import os
import sys

ATTEMPTS = os.environ.get("TEST_NETWORK_ATTEMPTS")
LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")
#: Where each event has the host: in an address, or as such.
ADDRESS, HOST = (
    {"socket.connect", "socket.sendto", "socket.sendmsg"},
    {
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
    },
)


def _host(event, arguments):
    """The host that is meant; None for sockets that have none."""
    if event in HOST:
        return arguments[0]
    address = arguments[1] if event in ADDRESS else None
    return address[0] if isinstance(address, tuple) else None


def _guard(event, arguments):
    if not event.startswith("socket."):
        return
    host = _host(event, arguments)
    host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not host or str(host).startswith(LOOPBACK):
        return
    with open(ATTEMPTS, "a", encoding="utf-8") as stream:
        stream.write(f"{event} {host}\n")
    raise PermissionError(f"{event} to {host} would leave this machine")


if ATTEMPTS:
    sys.addaudithook(_guard)
