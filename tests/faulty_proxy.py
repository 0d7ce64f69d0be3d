"""Proxies a real service and fails on purpose: cuts connections, or answers in the service's place as a busy proxy would.

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
    """Forwards `after_bytes` of the response, then resets both sides: the request took effect, and its response is lost."""

    after_bytes: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answers in the service's place, and closes; `falls_silent`: leaves the connection open, and sends no more."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    falls_silent: bool = False


Fault = Pass | CutRequest | CutAnswer | Answer


def answered(content: object, *, status: int = 200, **headers: str) -> Answer:
    """Returns an answer in the service's own form. Bytes are sent as they are."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Answer(status=status, headers={"Content-Type": "application/json", **headers}, body=body)


def refused(status: int, code: str, *, at: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Returns the service's own problem document."""
    problem = {"type": f"tag:stillnew.org,2026:problem/{code}", "title": "No", "status": status, "code": code, "at": at, "new": 1}
    types = {"Content-Type": "application/problem+json", **(headers or {})}
    return Answer(status=status, headers=types, body=msgspec.json.encode(problem))


def page_of(status: int, body: bytes = b"<html>Welcome to the hotel</html>", **headers: str) -> Answer:
    """Returns a page of HTML, as from a proxy on the way."""
    return Answer(status=status, headers={"Content-Type": "text/html; charset=utf-8", **headers}, body=body)


class FaultyProxy(LocalProxy):
    """A proxy with a plan of faults. Each connection takes the next fault of the plan; where none is left, everything passes."""

    def __init__(self, faults: Iterable[Fault] = (), *, host: str = "127.0.0.1", port: int = 0) -> None:
        """`host` and `port` are the service's; port 0: there is none, and a connection that would pass is reset."""
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
        # Until the device has read the answer and closes: a reset would discard it.
        await reader.read()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        up_bytes: int | None,
        down_bytes: int | None,
    ) -> None:
        """Copies both ways until either side ends or its allowance is used up."""
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
    """Copies until the end, or until the allowance is used up; None is no limit."""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            if allowance_bytes is not None:
                chunk = chunk[:allowance_bytes]
                allowance_bytes -= len(chunk)
            writer.write(chunk)
            await writer.drain()
            if allowance_bytes == 0:
                return
