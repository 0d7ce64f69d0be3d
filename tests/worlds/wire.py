"""Sends requests over a socket like a device, and keeps every byte of the responses, in order.

Owns the one header that is left out, `Date`. A client library would hide the rest: the order of headers, how a body is framed,
where the chunks of a stream begin and end. Knows no route and no family.
"""

import json
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

REQUEST_ID = "one-and-the-same"
PIPELINED_MAX = 24
"""The number of requests that are sent before their responses are read. The service answers them in order."""
PATIENCE_S = 10.0
JSON = "Content-Type: application/json"
LATE = b"(and then nothing)"
"""A text in the received bytes which marks that the next bytes did not come in time."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    token: str | None = None
    headers: tuple[str, ...] = ()
    body: bytes | None = None

    @property
    def as_bytes(self) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", f"X-Request-Id: {REQUEST_ID}", *self.headers]
        if self.token is not None:
            lines.append(f"Authorization: Bearer {self.token}")
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + (self.body or b"")

    def __str__(self) -> str:
        body = "" if self.body is None else f" {self.body[:300]!r}"
        return f"{self.method} {self.path} {' '.join(self.headers)}{body}"


def json_request(method: str, path: str, token: str | None, body: Any) -> Request:
    return Request(method, path, token, (JSON,), json.dumps(body).encode())


@dataclass(frozen=True)
class Response:
    head: bytes
    """The status line and every header but `Date`, as they came."""
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def as_bytes(self) -> bytes:
        return self.head + b"\r\n\r\n" + self.body

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """Returns the value of a header, or nothing."""
        values = {line.partition(b":")[0].lower(): line.partition(b":")[2] for line in self.head.split(b"\r\n")[1:]}
        return values.get(name.lower().encode(), b"").strip().decode()


class Connection:
    """A connection to one service. It is opened with the first request, and stays open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._received: BinaryIO | None = None

    def close(self) -> None:
        for opened in (self._received, self._socket):
            if opened is not None:
                opened.close()
        self._socket = self._received = None

    def send(self, *requests: Request) -> None:
        """Sends requests, and does not wait."""
        if self._socket is None:
            self._socket = _connect(self._port)
            self._received = self._socket.makefile("rb")
        self._socket.sendall(b"".join(request.as_bytes for request in requests))

    def request(self, request: Request) -> Response:
        """Sends a request, and reads its response."""
        self.send(request)
        return self.read(request)

    def request_all(self, requests: Sequence[Request]) -> list[Response]:
        """Sends requests, and returns their responses in the same order."""
        responses: list[Response] = []
        for start in range(0, len(requests), PIPELINED_MAX):
            portion = requests[start : start + PIPELINED_MAX]
            self.send(*portion)
            responses += [self.read(request) for request in portion]
        return responses

    def read(self, request: Request) -> Response:
        """Reads the response to a request that was sent."""
        assert self._received is not None
        lines: list[bytes] = []
        while (line := self._received.readline()) != b"\r\n":
            assert line, f"the connection ended within a response: {lines}"
            lines.append(line.removesuffix(b"\r\n"))
        value_by_name = {name.lower(): value for name, _, value in (line.partition(b":") for line in lines)}
        assert b"transfer-encoding" not in value_by_name, f"the response to {request} has no length"
        is_empty = request.method == "HEAD" or b" 204 " in lines[0]
        length = 0 if is_empty else int(value_by_name.get(b"content-length", 0))
        body = self._received.read(length)
        assert len(body) == length, f"the connection ended within a response: {lines}"
        if value_by_name.get(b"connection", b"").strip() == b"close":
            self.close()
        return Response(_without_date(lines), body)


class LiveStream:
    """An open live stream: its `head`, and in `received` every byte after the head, with the framing of the chunks."""

    def __init__(self, port: int, request: Request) -> None:
        self._socket = _connect(port)
        self._socket.sendall(request.as_bytes)
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        self.head = _without_date(head.split(b"\r\n"))

    def wait_past(self, length: int) -> None:
        """Waits until more than `length` bytes have come."""
        self._wait_until(lambda received: len(received) > length)

    def wait_for(self, mark: bytes) -> None:
        """Waits until the bytes `mark` have come."""
        self._wait_until(lambda received: mark in received)

    def _wait_until(self, is_enough: Callable[[bytes], bool]) -> None:
        self._socket.settimeout(PATIENCE_S)
        try:
            while not is_enough(self.received) or _chunks(self.received)[1]:
                self._receive()
        except TimeoutError:
            self.received += LATE

    def receive_at_once(self) -> None:
        """Receives the bytes that have already arrived, without waiting."""
        self._socket.setblocking(False)
        try:
            self._receive()
        except BlockingIOError:
            return

    def lines(self) -> list[bytes]:
        """Returns the lines of the stream, without the framing of its chunks."""
        return b"".join(_chunks(self.received)[0]).splitlines()

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> None:
        received = self._socket.recv(1 << 20)
        if not received:
            raise TimeoutError
        self.received += received


def _chunks(received: bytes) -> tuple[list[bytes], bytes]:
    """Returns the contents of the complete chunks, and the bytes after the last complete chunk."""
    chunks, at = [], 0
    while (end := received.find(b"\r\n", at)) >= 0:
        begin = end + 2
        length = int(received[at:end], 16)
        if len(received) < begin + length + 2:
            break
        chunks.append(received[begin : begin + length])
        at = begin + length + 2
    return chunks, received[at:]


def _connect(port: int) -> socket.socket:
    """Connects without Nagle's algorithm, so that a small request does not wait until the request before it is acknowledged."""
    connected = socket.create_connection(("127.0.0.1", port), timeout=20)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _without_date(lines: Iterable[bytes]) -> bytes:
    return b"\r\n".join(line for line in lines if not line.lower().startswith(b"date:"))
