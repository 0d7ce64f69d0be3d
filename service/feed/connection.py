"""The HTTP/1.1 connection under a stream: what ASGI cannot say, and a stream that is held for days has to.

Owns three things that belong to a socket: to cut it although the other side reads nothing, to notice a peer that vanished
without a word, and to hear that the server shuts down. Knows no feed. `uvicorn.Config(http=Connection)` puts it in place.
"""

import socket
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.asgi import Scope

EXTENSION: Final = "stillnew.connection"

SEND_BUFFER_BYTES: Final = 128 * 1024
"""What the kernel holds for a reader who does not read. Left alone it grows to 4 MiB a socket (Linux, tcp_wmem)."""

UNANSWERED_MS_MAX: Final = 45_000
"""A peer that acknowledges nothing for this long, heartbeats included, is gone (TCP_USER_TIMEOUT, RFC 5482)."""


class Connection(HttpToolsProtocol):
    """A connection of uvicorn's which its requests can reach through `scope["extensions"]`."""

    when_shut: Callable[[], None] | None = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]

    def shutdown(self) -> None:
        """Called by the server as it begins to drain: a stream never completes unless it is told."""
        super().shutdown()
        if self.when_shut is not None:
            self.when_shut()

    def hold(self, when_shut: Callable[[], None]) -> None:
        """This request will be held open."""
        self.when_shut = when_shut
        held: socket.socket | None = self.transport.get_extra_info("socket")
        if held is None or held.family not in (socket.AF_INET, socket.AF_INET6):
            return
        held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            held.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS_MAX)

    def release(self) -> None:
        """The request is not held any more."""
        self.when_shut = None

    def cut(self) -> None:
        """Close at once; what was not sent yet is dropped."""
        self.transport.abort()


def connection_of(scope: Scope) -> Connection | None:
    """The connection of this request; None under a server which does not run on `Connection`.

    There a reader that reads nothing is held until TCP gives up on it, and a shutdown waits for its streams.
    """
    connection = scope.get("extensions", {}).get(EXTENSION)
    return connection if isinstance(connection, Connection) else None
