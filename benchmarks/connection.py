"""Implements a keep-alive connection with little CPU use, so that a benchmark measures the server and not its own client.

Owns the framing of HTTP/1.1 requests and the parsing of responses (httptools). Knows no event, no workload and no clock. An HTTP
client for general use costs more CPU per request than the measured service. This connection costs about 70 µs per request, half
of that in the kernel.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, cast

import httptools
import msgspec


class Answer(NamedTuple):
    """A response: the status and the whole body. A compressed body stays compressed."""

    status: int
    body: bytes


class Address(NamedTuple):
    """The address of a server on this machine."""

    host: str
    port: int


class WrongAnswer(RuntimeError):
    """The server sent another response than the workload expects, so the measurement is invalid."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}: {answer.body[:400]!r}")
        self.answer = answer


class ConnectionCut(ConnectionError):
    """The server closed the connection in the middle of the work."""


def request(method: str, path: str, *, token: str | None = None, body: bytes | None = None, more: str = "") -> bytes:
    """Returns the bytes of one request. `more` contains further header lines, each with its CRLF."""
    return head(method, path, token=token, length=None if body is None else len(body), more=more) + (body or b"")


def head(method: str, path: str, *, token: str | None, length: int | None, more: str = "") -> bytes:
    """Returns the bytes before the body. `length` is the length of the body in bytes, or None if there is no body."""
    lines = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}"
    if token is not None:
        lines += f"Authorization: Bearer {token}\r\n"
    if length is not None:
        lines += f"Content-Type: application/json\r\nContent-Length: {length}\r\n"
    return f"{lines}\r\n".encode()


class Connection(asyncio.Protocol):
    """A connection with at most one request in flight. httptools prescribes the names of the `on_` methods.

    `answered` is called with each whole response. If `heard` is set, it is called with each piece of a body when the piece
    arrives: a stream has no whole response.
    """

    def __init__(self) -> None:
        self.answered: Callable[[Answer], None] | None = None
        self.heard: Callable[[bytes], None] | None = None
        self.cut: Callable[[], None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.status = 0

    @classmethod
    async def open(cls, address: Address) -> "Connection":
        """Opens a connection to a server."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, address.host, address.port)
        return connection

    def send(self, request: bytes) -> None:
        """Writes a whole request. The caller must have received the response to the request before."""
        if self._transport is None:
            raise ConnectionCut("the connection is closed")
        self._transport.write(request)

    async def ask(self, request: bytes) -> Answer:
        """Sends a request and waits for its whole response.

        Raises:
            ConnectionCut: the server closed the connection first.
        """
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def fail() -> None:
            if not waiting.done():
                waiting.set_exception(ConnectionCut("the connection was closed before the answer"))

        self.answered, self.cut = waiting.set_result, fail
        try:
            self.send(request)
            return await waiting
        finally:
            self.answered, self.cut = None, None

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport has the methods of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.cut is not None:
            self.cut()

    def on_message_begin(self) -> None:
        self._pieces = []

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        if self.heard is not None:
            self.heard(piece)
        else:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        if self.answered is not None:
            self.answered(Answer(self.status, b"".join(self._pieces)))


async def ask_json(
    connection: Connection, method: str, path: str, *, token: str | None = None, json: object = None
) -> dict[str, object]:
    """Sends a JSON body, and reads the JSON object of the response.

    Raises:
        WrongAnswer: the status is not 2xx.
        msgspec.DecodeError: the body is not a JSON object.
    """
    body = None if json is None else msgspec.json.encode(json)
    answer = await connection.ask(request(method, path, token=token, body=body))
    if not 200 <= answer.status < 300:
        raise WrongAnswer(answer)
    return msgspec.json.decode(answer.body, type=dict[str, object])
