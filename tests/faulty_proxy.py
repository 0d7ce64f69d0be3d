"""Proxies a real service and causes faults: it cuts connections, or responds in place of the service as a busy proxy does.

Owns bytes and connections. Knows no events and no feeds.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import assert_never

import msgspec

from tests.local_proxy import LocalProxy

CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class Pass:
    """Forwards everything."""


@dataclass(frozen=True, kw_only=True)
class CutRequest:
    """Forwards `after_bytes` of the request, then resets both sides."""

    after_bytes: int


@dataclass(frozen=True, kw_only=True)
class CutAnswer:
    """Forwards `after_bytes` of the response, then resets both sides: the request took effect, but its response is lost."""

    after_bytes: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Sends a response of the proxy's own, and closes the connection.

    With `falls_silent` the proxy sends nothing more, and leaves the connection open.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    falls_silent: bool = False


Fault = Pass | CutRequest | CutAnswer | Answer


def answered(content: object, *, status: int = 200, **headers: str) -> Answer:
    """Returns a response in the form that the service uses. Content of type `bytes` is sent unchanged."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Answer(status=status, headers={"Content-Type": "application/json", **headers}, body=body)


def refused(status: int, code: str, *, at: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Returns a problem document in the form that the service uses."""
    problem = {"type": f"tag:stillnew.org,2026:problem/{code}", "title": "No", "status": status, "code": code, "at": at, "new": 1}
    types = {"Content-Type": "application/problem+json", **(headers or {})}
    return Answer(status=status, headers=types, body=msgspec.json.encode(problem))


def page_of(status: int, body: bytes = b"<html>Welcome to the hotel</html>", **headers: str) -> Answer:
    """Returns a response with an HTML page, like that of a proxy between the device and the service."""
    return Answer(status=status, headers={"Content-Type": "text/html; charset=utf-8", **headers}, body=body)


class FaultyProxy(LocalProxy):
    """A proxy with a list of faults. Each connection takes the next fault; after the last fault, everything is forwarded."""

    def __init__(self, faults: Iterable[Fault] = (), *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Takes the address of the service, `host` and `port`.

        With port 0 there is no service: a connection without a fault is reset.
        """
        super().__init__()
        self.plan = deque(faults)
        self.connections = 0
        self.requests: list[bytes] = []
        self._upstream = (host, port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        fault = self.plan.popleft() if self.plan else Pass()
        match fault:
            case Answer():
                await self._answer(fault, reader, writer)
            case Pass():
                await self._forward(reader, writer, up_bytes=None, down_bytes=None)
            case CutRequest():
                await self._forward(reader, writer, up_bytes=fault.after_bytes, down_bytes=None)
            case CutAnswer():
                await self._forward(reader, writer, up_bytes=None, down_bytes=fault.after_bytes)
            case _:
                assert_never(fault)

    async def _answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        self.requests.append(head + await reader.readexactly(length))
        headers = {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} Reason", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + answer.body)
        await writer.drain()
        if not answer.falls_silent:
            writer.write_eof()
        # Read until the device closes the connection. A reset before that would discard the response that the device still has to
        # read.
        await reader.read()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        up_bytes: int | None,
        down_bytes: int | None,
    ) -> None:
        """Copies bytes in both directions until one side ends, or until as many bytes as allowed were copied."""
        host, port = self._upstream
        if port == 0:
            return
        from_service, to_service = await asyncio.open_connection(host, port)
        ways = [
            asyncio.create_task(_copy(reader, to_service, allowance_bytes=up_bytes)),
            asyncio.create_task(_copy(from_service, writer, allowance_bytes=down_bytes)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            to_service.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, allowance_bytes: int | None) -> None:
    """Copies bytes until the end, or until `allowance_bytes` were copied. None means no limit."""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            if allowance_bytes is not None:
                chunk = chunk[:allowance_bytes]
                allowance_bytes -= len(chunk)
            writer.write(chunk)
            await writer.drain()
            if allowance_bytes == 0:
                return
