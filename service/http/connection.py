"""Controls the HTTP/1.1 connection of a request in ways that ASGI does not offer, for live streams that stay open for an hour.

Owns the socket: closes it even if the peer reads nothing, notices a peer that disappeared, and passes on the server's shutdown.
Also bounds the head of a request in size and time, before any route sees the request. Knows no feed.
`uvicorn.Config(http=HttpConnection)` installs it.
"""

import asyncio
import http
import socket
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from events.errors import Refused
from service.http.asgi import Scope
from service.http.problems import HeadMalformed, HeadTooLarge, HeadTooSlow, bytes_of, headers_of

EXTENSION: Final = "stillnew.connection"

SEND_BUFFER_BYTES: Final = 128 * 1024
"""The size of the kernel's send buffer for one stream. By default this buffer grows to 4 MiB per socket (Linux, tcp_wmem)."""

UNANSWERED_MS_MAX: Final = 45_000
"""The time after which a peer that acknowledges no bytes, not even heartbeats, counts as gone (TCP_USER_TIMEOUT, RFC 5482)."""

HEAD_BYTES_MAX: Final = 64 * 1024
FRAMING_BYTES: Final = len(b": " + b"\r\n")
HEAD_WITHIN_S: Final = 20.0
"""The time limit of the head of a request. A connection on which no head becomes complete in this time is closed."""

REST_WITHIN_S: Final = 20.0
"""The time for the rest of a body whose response was already sent."""


class HttpConnection(HttpToolsProtocol):
    """A uvicorn connection that each of its requests can reach through `scope["extensions"]`."""

    on_shutdown: Callable[[], None] | None = None
    is_in_head = True
    head_bytes = 0
    """The number of bytes of the current head that arrived in earlier reads."""
    read_bytes = 0
    head_timer: asyncio.TimerHandle | None = None
    rest_timer: asyncio.TimerHandle | None = None
    parse_error: Refused | None = None
    """The refusal to send after the parser was stopped."""

    def connection_made(self, transport: Any) -> None:  # asyncio and uvicorn type the transport differently
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._stop_rest_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.read_bytes = len(data)
        super().data_received(data)
        # Most heads arrive in one read. For such a head, this check is the only cost of the bounds.
        if self.is_in_head and not self.transport.is_closing():
            self.head_bytes += len(data)
            if self.head_bytes > HEAD_BYTES_MAX:
                self._end(HeadTooLarge(bytes_max=HEAD_BYTES_MAX))
            elif self.head_timer is None:
                self._start_head_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.is_in_head, self.head_bytes = True, 0
        extensions: Any = {EXTENSION: self}  # ASGI types them as dictionaries
        self.scope["extensions"] = extensions

    def on_headers_complete(self) -> None:
        if self.head_bytes + self.read_bytes > HEAD_BYTES_MAX:
            self._check_head_size()
        self.is_in_head = False
        if self.head_timer is not None:
            self._stop_head_timer()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        cycle = self.cycle
        if cycle.response_complete and (cycle.body or cycle.more_body):
            # The response was sent before the body was read: drop what arrived, and discard the rest for `REST_WITHIN_S`.
            cycle.body = bytearray()
            if cycle.more_body and not self.transport.is_closing():
                self.rest_timer = asyncio.get_running_loop().call_later(REST_WITHIN_S, self.transport.close)

    def on_message_complete(self) -> None:
        if self.rest_timer is not None:
            self._stop_rest_timer()
            self.cycle.more_body = False
        super().on_message_complete()

    def _stop_rest_timer(self) -> None:
        if self.rest_timer is not None:
            self.rest_timer.cancel()
            self.rest_timer = None

    def _check_head_size(self) -> None:
        """Refuses a whole head that is too large. Called only after a long read, which may also contain bodies or other heads."""
        size = len(self.url) + sum(len(name) + len(value) + FRAMING_BYTES for name, value in self.headers)
        if size > HEAD_BYTES_MAX:
            self.parse_error = HeadTooLarge(bytes_max=HEAD_BYTES_MAX)
            raise self.parse_error  # the parser stops, and uvicorn calls send_400_response

    def send_400_response(self, msg: str) -> None:
        """Sends a refusal of the request. uvicorn calls this method if its parser cannot read the request."""
        self._end(self.parse_error or HeadMalformed())

    def _start_head_timer(self) -> None:
        self.head_timer = asyncio.get_running_loop().call_later(HEAD_WITHIN_S, self._end_late_head)

    def _stop_head_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _end_late_head(self) -> None:
        if self.head_bytes:
            self._end(HeadTooSlow(within_s=HEAD_WITHIN_S))
        else:  # the peer connected and sent nothing
            self.transport.close()

    def _end(self, refusal: Refused) -> None:
        """Sends a refusal, and closes the connection. If a response has begun, only closes, so as not to corrupt the response."""
        self._stop_head_timer()
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
        """Ends the live stream of this connection, if there is one, because such a stream does not end by itself.

        The server calls this method when it begins to drain.
        """
        super().shutdown()
        if self.on_shutdown is not None:
            self.on_shutdown()

    def hold(self, on_shutdown: Callable[[], None]) -> None:
        """Marks the request as a long-lived stream; `on_shutdown` is called when the server shuts down."""
        self.on_shutdown = on_shutdown
        held: socket.socket | None = self.transport.get_extra_info("socket")
        if held is None or held.family not in (socket.AF_INET, socket.AF_INET6):
            return
        held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            held.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS_MAX)

    def release(self) -> None:
        """Marks the stream as ended."""
        self.on_shutdown = None

    def cut(self) -> None:
        """Closes the connection at once and drops unsent bytes."""
        self.transport.abort()


def connection_of(scope: Scope) -> HttpConnection | None:
    """Returns the connection of this request, or None if the server does not use `HttpConnection`.

    Without an `HttpConnection`, a peer that reads nothing stays connected until TCP gives up, and a shutdown waits for open
    streams.
    """
    connection = scope.get("extensions", {}).get(EXTENSION)
    return connection if isinstance(connection, HttpConnection) else None
