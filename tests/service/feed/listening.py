"""Runs a service in the test's process, with devices of a family that push and that subscribe to streams."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from uuid_utils.compat import uuid7

from service.app import build
from service.http.connection import HttpConnection
from service.http.gateway import Gateway
from service.runtime import Runtime
from service.settings import Settings
from tests.polling import until


@dataclass(frozen=True, kw_only=True)
class Running:
    """A running service, in the event loop of the test."""

    url: str
    port: int
    gateway: Gateway
    server: uvicorn.Server

    @property
    def runtime(self) -> Runtime:
        assert self.gateway.runtime is not None
        return self.gateway.runtime


@dataclass(frozen=True, kw_only=True)
class Phone:
    """A device of a member."""

    family: str
    member: str
    device: str
    token: str
    child: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def notes(self, *texts: str, audience: str = "family") -> list[dict[str, Any]]:
        """Returns drafts of notes."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return [
            {
                "id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "audience": audience,
                "event": {"type": "NoteWritten", "child": self.child, "text": text},
            }
            for text in texts
        ]  # fmt: skip

    async def push(self, running: Running, drafts: list[dict[str, Any]]) -> httpx.Response:
        """Pushes drafts once."""
        sent_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        async with httpx.AsyncClient(base_url=running.url, headers=self.headers) as http:
            return await http.post(f"/v1/families/{self.family}/events", json={"sent_at": sent_at, "drafts": drafts})

    async def write(self, running: Running, *texts: str, audience: str = "family") -> list[int]:
        """Pushes notes, and returns their places in the feed of the device's member."""
        answer = await self.push(running, self.notes(*texts, audience=audience))
        assert answer.status_code == 200, answer.text
        return [receipt["place"] for receipt in answer.json()["receipts"]]


@dataclass
class Subscription:
    """The messages that one stream has received, in order."""

    status: int = 0
    body: bytes = b""
    opening: dict[str, Any] = field(default_factory=dict)
    """The first message of the stream: the log's id, the place in the feed, and the chain at this place."""
    places: list[int] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    beats_at: list[float] = field(default_factory=list)
    has_ended: bool = False
    was_cut: bool = False
    """Whether the connection broke before the stream ended."""
    message: bytes = b""
    """The type of the message whose lines are arriving."""

    def texts(self) -> list[str]:
        """Returns the texts of the received notes."""
        events = [json.loads(entry)["event"]["event"] for entry in self.entries]
        return [event["text"] for event in events if event["type"] == "NoteWritten"]

    def receive(self, line: bytes) -> None:
        if line.startswith(b":"):
            self.beats_at.append(time.monotonic())
        elif line.startswith(b"id: "):
            self.places.append(int(line[4:]))
        elif line.startswith(b"event: "):
            self.message = line[7:]
        elif line.startswith(b"data: ") and self.message == b"entry":
            self.entries.append(line[6:])
        elif line.startswith(b"data: "):
            assert (self.message, self.opening, self.entries) == (b"feed", {}, [])
            self.opening = json.loads(line[6:])
        else:
            assert line == b""


async def receive_lines(subscription: Subscription, answer: httpx.Response) -> None:
    """Splits a response into lines as SSE defines them: a U+2028 does not end a line."""
    rest = b""
    async for part in answer.aiter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            subscription.receive(line)


@asynccontextmanager
async def listening(
    running: Running, phone: Phone, *, after: int = 0, last_event_id: str | None = None
) -> AsyncIterator[Subscription]:
    """Opens a stream, and receives its messages while the `with` block runs."""
    subscription = Subscription()
    headers = phone.headers | ({} if last_event_id is None else {"Last-Event-ID": last_event_id})

    async def listen() -> None:
        try:
            async with (
                httpx.AsyncClient(base_url=running.url, timeout=60) as http,
                http.stream("GET", f"/v1/families/{phone.family}/live", params={"after": after}, headers=headers) as answer,
            ):
                subscription.status = answer.status_code
                if answer.is_success:
                    await receive_lines(subscription, answer)
                else:
                    subscription.body = await answer.aread()
        except httpx.TransportError:
            subscription.was_cut = True
        finally:
            subscription.has_ended = True

    task = asyncio.create_task(listen())
    try:
        await until(lambda: subscription.status != 0)
        yield subscription
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def serving(database_url: str, **settings: Any) -> AsyncIterator[Running]:
    """Runs a service on a database while the `with` block runs."""
    gateway = build(Settings(database_url=database_url, log="console", **settings))
    config = uvicorn.Config(
        gateway, port=0, http=HttpConnection, lifespan="on", access_log=False, log_level="error", timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started or task.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Running(url=f"http://127.0.0.1:{port}", port=port, gateway=gateway, server=server)
    finally:
        server.should_exit = True
        await task


async def found(running: Running) -> Phone:
    """Founds a family, and returns the device of the first parent."""
    body = {"you": {"name": "Ada"}, "household": {"name": "Hill"}, "child": {"name": "Noor"}, "device": {"name": "phone"}}
    async with httpx.AsyncClient(base_url=running.url) as http:
        answer = await http.post("/v1/families", json=body)
    assert answer.status_code == 201, answer.text
    return Phone(**{name: answer.json()[name] for name in ("family", "member", "device", "token", "child")})


async def invite(running: Running, phone: Phone, *, role: str = "parent") -> Phone:
    """Invites a member and accepts the invite. A parent gets a household of their own. Returns the member's device."""
    async with httpx.AsyncClient(base_url=running.url) as http:
        body = {"role": role} | ({"household": {"name": "Lake"}} if role == "parent" else {})
        answer = await http.post(f"/v1/families/{phone.family}/invites", json=body, headers=phone.headers)
        assert answer.status_code == 201, answer.text
        body = {"code": answer.json()["code"], "name": "Ben", "device": {"name": "phone"}}
        answer = await http.post("/v1/invites/accept", json=body)
    assert answer.status_code == 201, answer.text
    return Phone(child=phone.child, **{name: answer.json()[name] for name in ("family", "member", "device", "token")})


def counting_reads(running: Running) -> list[str]:
    """Returns a list. Each later read for a stream adds the member of that stream to the list."""
    members: list[str] = []
    read = running.runtime.streams.read

    async def reading(**arguments: Any) -> Any:
        members.append(str(arguments["member"]))
        return await read(**arguments)

    read_with(running, reading)
    return members


def read_with(running: Running, reading: Callable[..., Awaitable[Any]]) -> None:
    """Replaces the function that reads for streams, in all streams that are opened later."""
    streams: Any = running.runtime.streams
    streams.read = reading
