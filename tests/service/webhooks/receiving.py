"""Runs a receiver of webhooks, such as a digital picture frame, on a real socket. A test decides each byte of its responses.

Owns only the receiving side. Decides nothing.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.polling import until


@dataclass(frozen=True)
class Delivery:
    """One request that was received."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def entry(self) -> dict[str, Any]:
        """Returns the entry in the form that a page of the feed has, without the field `chain`."""
        return {name: value for name, value in self.received["entry"].items() if name != "chain"}

    @property
    def received(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    @property
    def place(self) -> int:
        return int(self.received["place"])

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def signatures(self) -> list[str]:
        return self.headers["webhook-signature"].split(" ")

    def is_signed_with(self, secret: str) -> None:
        """Verifies the signature with the independent standardwebhooks package, which raises an error for a wrong signature."""
        Webhook(secret).verify(self.body, self.headers)


Answer = Callable[[Delivery, asyncio.StreamWriter], Awaitable[None]]


def with_status(status: int, *headers: str, body: bytes = b"") -> Answer:
    async def answer(_: Delivery, writer: asyncio.StreamWriter) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", *headers, "", ""])
        writer.write(head.encode() + body)

    return answer


def after(seconds: float, then: Answer) -> Answer:
    async def answer(delivery: Delivery, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await then(delivery, writer)

    return answer


async def never(_: Delivery, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


@dataclass
class Frame:
    """A receiver of webhooks, with all requests that it received."""

    port: int = 0
    answer: Answer = field(default_factory=lambda: with_status(204))
    deliveries: list[Delivery] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    """The number of requests that have no complete response yet."""
    open_max: int = 0
    cut: int = 0
    """The number of connections that the sender closed before it had the complete response."""

    def url(self, *, host: str = "127.0.0.1", path: str = "/hooks/frame") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def places(self) -> list[int]:
        return [delivery.place for delivery in self.deliveries]

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (delivery := await _read(reader)) is not None:
                self.deliveries.append(delivery)
                self.open += 1
                self.open_max = max(self.open, self.open_max)
                try:
                    answering = asyncio.ensure_future(self.answer(delivery, writer))
                    gone = asyncio.ensure_future(_gone(reader))
                    await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
                    if not answering.done():
                        self.cut += 1
                        return
                    await answering
                    await writer.drain()
                finally:
                    self.open -= 1
                    for task in (answering, gone):
                        task.cancel()
        except OSError:
            self.cut += 1
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Delivery | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    return Delivery(head[0], headers, await reader.readexactly(int(headers["content-length"])))


async def _gone(reader: asyncio.StreamReader) -> None:
    """Waits until the sender closes the connection."""
    await until(reader.at_eof, within_s=60)


@asynccontextmanager
async def receiving(*, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Frame]:
    """Listens on a socket while the `with` block runs."""
    frame = Frame()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(frame.hear(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, address, port, ssl=tls)
    frame.port = server.sockets[0].getsockname()[1]
    try:
        yield frame
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
