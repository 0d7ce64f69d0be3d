"""Bytes on a socket: asks as a device asks, and keeps every byte of the answer, in its order.

Owns the one header that is left out, `Date`. A client library would hide the rest: the order of headers, how a body is framed,
where a stream's chunks begin and end. Knows no route and no family.
"""

import json
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

REQUEST_ID = "one-and-the-same"
TOGETHER_MAX = 24
"""Requests sent before their answers are read; the service answers them in order."""
PATIENCE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request. `{family}` was put in before."""

    method: str
    path: str
    token: str | None = None
    headers: tuple[str, ...] = ()
    body: bytes | None = None

    def as_bytes(self) -> bytes:
        """The request on the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", f"X-Request-Id: {REQUEST_ID}", *self.headers]
        if self.token is not None:
            lines.append(f"Authorization: Bearer {self.token}")
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
            if not any(line.startswith("Content-Type") for line in self.headers):
                lines.append("Content-Type: application/json")
        return "\r\n".join([*lines, "", ""]).encode() + (self.body or b"")

    def __str__(self) -> str:
        said = "" if self.body is None else f" {self.body[:300]!r}"
        return f"{self.method} {self.path} {' '.join(self.headers)}{said}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    head: bytes
    """The status line and every header but `Date`, as they came."""
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def as_bytes(self) -> bytes:
        return self.head + b"\r\n\r\n" + self.body

    def said(self) -> Any:
        return json.loads(self.body)


def asking(method: str, path: str, *, token: str | None, headers: tuple[str, ...] = (), said: Any = None) -> Ask:
    """A request whose body is JSON."""
    body = None if said is None else json.dumps(said).encode()
    return Ask(method=method, path=path, token=token, headers=headers, body=body)


class Wire:
    """A kept connection to one service."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._held = b""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._held = None, b""

    def send(self, ask: Ask) -> None:
        """Send, and do not wait."""
        self._send(ask.as_bytes())

    def ask(self, ask: Ask) -> Answer:
        """Send, and read the answer."""
        self.send(ask)
        return self.read(ask)

    def ask_all(self, asks: Sequence[Ask]) -> list[Answer]:
        """Ask in a row; answers in the order of the questions."""
        answers: list[Answer] = []
        for start in range(0, len(asks), TOGETHER_MAX):
            portion = asks[start : start + TOGETHER_MAX]
            self._send(b"".join([ask.as_bytes() for ask in portion]))
            answers += [self.read(ask) for ask in portion]
        return answers

    def read(self, ask: Ask) -> Answer:
        """Read the answer to what was sent."""
        head = self._until(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = 0
        for line in lines:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            assert name.lower() != b"transfer-encoding", f"{ask} is answered without a length"
        body = b"" if ask.method == "HEAD" or b" 204 " in lines[0] else self._take(length)
        answer = Answer(without_date(lines), body)
        if b"connection: close" in answer.head.lower():
            self.close()
        return answer

    def _send(self, asked: bytes) -> None:
        if self._socket is None:
            self._socket = connect(self._port)
        self._socket.sendall(asked)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._held:
            self._receive()
        head, _, self._held = self._held.partition(mark)
        return head

    def _take(self, count: int) -> bytes:
        while len(self._held) < count:
            self._receive()
        body, self._held = self._held[:count], self._held[count:]
        return body

    def _receive(self) -> None:
        assert self._socket is not None
        got = self._socket.recv(1 << 20)
        assert got, f"the connection ended within an answer: {self._held!r}"
        self._held += got


class Listening:
    """An open live stream: every byte after its head, chunks and all."""

    def __init__(self, port: int, ask: Ask) -> None:
        self._socket = connect(port)
        self._socket.sendall(ask.as_bytes())
        self.heard = b""
        while b"\r\n\r\n" not in self.heard:
            self._receive()
        head, _, self.heard = self.heard.partition(b"\r\n\r\n")
        self.head = without_date(head.split(b"\r\n"))

    def hear(self, *, past: int, within_s: float = PATIENCE_S) -> None:
        """Wait until there is more than `past` bytes, in whole chunks; less where nothing more comes."""
        self._socket.settimeout(within_s)
        try:
            while len(self.heard) <= past or not _is_whole(self.heard):
                self._receive()
        except TimeoutError:
            self.heard += b"(and then nothing)"
        self._socket.settimeout(None)

    def hear_until(self, mark: bytes) -> None:
        """Wait for the chunk in which something is said."""
        self._socket.settimeout(PATIENCE_S)
        try:
            while mark not in self.heard or not _is_whole(self.heard):
                self._receive()
        except TimeoutError:
            self.heard += b"(and then nothing)"
        self._socket.settimeout(None)

    def hear_what_is_there(self) -> None:
        """Take what has arrived, and wait for nothing."""
        self._socket.setblocking(False)
        try:
            self._receive()
        except BlockingIOError:
            return
        finally:
            self._socket.setblocking(True)

    def lines(self) -> list[bytes]:
        """What was said, without the framing of chunks."""
        said, at = b"", 0
        while (end := self.heard.find(b"\r\n", at)) >= 0:
            length = int(self.heard[at:end], 16)
            said += self.heard[end + 2 : end + 2 + length]
            at = end + 2 + length + 2
        return said.splitlines()

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> None:
        got = self._socket.recv(1 << 20)
        if not got:
            raise TimeoutError
        self.heard += got


def _is_whole(chunked: bytes) -> bool:
    at = 0
    while at < len(chunked):
        end = chunked.find(b"\r\n", at)
        if end < 0:
            return False
        at = end + 2 + int(chunked[at:end], 16) + 2
    return at == len(chunked)


def connect(port: int) -> socket.socket:
    """A connection without Nagle's algorithm: a small request behind another is not to wait for an acknowledgement."""
    made = socket.create_connection(("127.0.0.1", port), timeout=20)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def without_date(lines: Iterable[bytes]) -> bytes:
    """A head without its one line that may differ."""
    return b"\r\n".join(line for line in lines if not line.lower().startswith(b"date:"))
