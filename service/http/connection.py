"""The HTTP/1.1 connection under a stream: what ASGI cannot say, and a stream that is held for days has to.

Owns what belongs to a socket: to cut it although the other side reads nothing, to notice a peer that vanished without a
word, to hear that the server shuts down, and to bound the head of a request, which no route ever sees before it is whole.
Knows no feed. `uvicorn.Config(http=Connection)` puts it in place.
"""

import asyncio
import http
import socket
from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from events.errors import Refused
from service.http.asgi import Scope
from service.http.problems import HeadMalformed, HeadTooLarge, HeadTooSlow, bytes_of, headers_of

EXTENSION: Final = "stillnew.connection"

SEND_BUFFER_BYTES: Final = 128 * 1024
"""What the kernel holds for a reader who does not read. Left alone it grows to 4 MiB a socket (Linux, tcp_wmem)."""

UNANSWERED_MS_MAX: Final = 45_000
"""A peer that acknowledges nothing for this long, heartbeats included, is gone (TCP_USER_TIMEOUT, RFC 5482)."""

HEAD_BYTES_MAX: Final = 64 * 1024
FRAMING_BYTES: Final = len(b": " + b"\r\n")
HEAD_WITHIN_S: Final = 20.0
"""As a body's: nobody holds a connection for longer without having asked for anything."""

REST_WITHIN_S: Final = 20.0
"""For what is left of a body whose request is answered already."""


class HttpConnection(HttpToolsProtocol):
    """A connection of uvicorn's which its requests can reach through `scope["extensions"]`."""

    when_shut: Callable[[], None] | None = None
    is_in_head = True
    head_bytes = 0
    """Of this head, in the reads before this one."""
    read_bytes = 0
    head_ends: asyncio.TimerHandle | None = None
    rest_ends: asyncio.TimerHandle | None = None
    unreadable: Refused | None = None
    """Why the parser was told to stop."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_head()
        self._have_rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.read_bytes = len(data)
        super().data_received(data)
        # Mostly a head comes whole, and this is all that its bounds cost.
        if self.is_in_head and not self.transport.is_closing():
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_BYTES_MAX:
                self._end(HeadTooLarge(bytes_max=HEAD_BYTES_MAX))
            elif self.head_ends is None:
                self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_in_head, self.head_bytes = True, 0
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        if self.head_bytes + self.read_bytes > HEAD_BYTES_MAX:
            self._measure_head()
        self.is_in_head = False
        if self.head_ends is not None:
            self._have_head()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        cycle = self.cycle
        if cycle.response_complete and (cycle.body or cycle.more_body):
            # Answered before its body was read: what came of it is of no use, and the rest is passed over, for a while.
            cycle.body = bytearray()
            if cycle.more_body and not self.transport.is_closing():
                self.rest_ends = asyncio.get_running_loop().call_later(REST_WITHIN_S, self.transport.close)

    def on_message_complete(self) -> None:
        if self.rest_ends is not None:
            self._have_rest()
            self.cycle.more_body = False
        super().on_message_complete()

    def _have_rest(self) -> None:
        if self.rest_ends is not None:
            self.rest_ends.cancel()
            self.rest_ends = None

    def _measure_head(self) -> None:
        """Refuse a whole head that is too large. A read may also hold a body, or several requests: only then is it measured."""
        size = len(self.url) + sum(len(name) + len(value) + FRAMING_BYTES for name, value in self.headers)
        if size > HEAD_BYTES_MAX:
            self.unreadable = HeadTooLarge(bytes_max=HEAD_BYTES_MAX)
            raise self.unreadable  # the parser stops, and uvicorn calls send_400_response

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what its parser cannot read."""
        self._end(self.unreadable or HeadMalformed())

    def _await_head(self) -> None:
        self.head_ends = asyncio.get_running_loop().call_later(HEAD_WITHIN_S, self._head_is_late)

    def _have_head(self) -> None:
        if self.head_ends is not None:
            self.head_ends.cancel()
            self.head_ends = None

    def _head_is_late(self) -> None:
        if self.head_bytes:
            self._end(HeadTooSlow(within_s=HEAD_WITHIN_S))
        else:  # connected, and never said a word
            self.transport.close()

    def _end(self, refusal: Refused) -> None:
        """Refuse what is no request, and close; without a word where an answer has begun, which this would spoil."""
        self._have_head()
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            body = bytes_of(refusal)
            line = b"HTTP/1.1 %d %b" % (refusal.status, http.HTTPStatus(refusal.status).phrase.encode())
            headers = [
                *self.server_state.default_headers,
                *headers_of(refusal),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"no-store"),
                (b"connection", b"close"),
            ]
            self.transport.write(b"\r\n".join([line, *(b"%b: %b" % pair for pair in dict(headers).items()), b"", body]))
        self.transport.close()

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


def connection_of(scope: Scope) -> HttpConnection | None:
    """The connection of this request; None under a server which does not run on `HttpConnection`.

    There a reader that reads nothing is held until TCP gives up on it, and a shutdown waits for its streams.
    """
    connection = scope.get("extensions", {}).get(EXTENSION)
    return connection if isinstance(connection, HttpConnection) else None
