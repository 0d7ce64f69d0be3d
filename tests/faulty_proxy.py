"""A wire that fails on purpose: a TCP proxy which cuts, or answers in the service's place as a busy proxy would.

Owns bytes and connections. Knows nothing of events or feeds: it stands in front of a real service, and replaces none.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, assert_never

import msgspec

CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class Pass:
    """Forward everything."""


@dataclass(frozen=True, kw_only=True)
class CutRequest:
    """Forward so many bytes of what the device sends, then reset both sides."""

    after_bytes: int


@dataclass(frozen=True, kw_only=True)
class CutAnswer:
    """Forward so many bytes of what the service answers, then reset both sides: the deed is done, the answer lost."""

    after_bytes: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer in the service's place, and close; `falls_silent`: leave the wire open, and say no more."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    falls_silent: bool = False


Fault = Pass | CutRequest | CutAnswer | Answer


def answered(said: object, *, status: int = 200, **headers: str) -> Answer:
    """An answer in the service's own form. Bytes are sent as they are."""
    body = said if isinstance(said, bytes) else msgspec.json.encode(said)
    return Answer(status=status, headers={"Content-Type": "application/json", **headers}, body=body)


def refused(status: int, code: str, *, at: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """The service's own problem document."""
    said = {"type": f"tag:stillnew.org,2026:problem/{code}", "title": "No", "status": status, "code": code, "at": at, "new": 1}
    types = {"Content-Type": "application/problem+json", **(headers or {})}
    return Answer(status=status, headers=types, body=msgspec.json.encode(said))


def page_of(status: int, body: bytes = b"<html>Welcome to the hotel</html>", **headers: str) -> Answer:
    """A page of HTML from somebody on the way."""
    return Answer(status=status, headers={"Content-Type": "text/html; charset=utf-8", **headers}, body=body)


class FaultyProxy:
    """A listening proxy. Each connection takes the next fault of the plan; where none is left, everything passes."""

    def __init__(self, faults: Iterable[Fault] = (), *, host: str = "127.0.0.1", port: int = 0) -> None:
        """`host` and `port` are the service's; port 0: there is none, and a connection that would pass is reset."""
        self.plan = deque(faults)
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""
        self._upstream = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        fault = self.plan.popleft() if self.plan else Pass()
        try:
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
        except (ConnectionError, asyncio.IncompleteReadError):
            # The other side went first: a connection that ends is what this proxy is for.
            return
        finally:
            writer.transport.abort()

    async def _answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        self.requests.append(head + await reader.readexactly(length))
        headers = {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} Said", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + answer.body)
        await writer.drain()
        if not answer.falls_silent:
            writer.write_eof()
        # Until the device has read it and hangs up: a reset would take the answer back.
        await reader.read()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        up_bytes: int | None,
        down_bytes: int | None,
    ) -> None:
        """Copy both ways until either side ends or its allowance is used up."""
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
    """Copy until the end, or until the allowance is used up; None has no end."""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            if allowance_bytes is not None:
                chunk = chunk[:allowance_bytes]
                allowance_bytes -= len(chunk)
            writer.write(chunk)
            await writer.drain()
            if allowance_bytes == 0:
                return
