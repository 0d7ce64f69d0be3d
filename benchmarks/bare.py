"""Implements the bare app, which shows the cost of the framework alone: a litestar app that decodes a push and sends receipts.

Stores nothing, authorises nobody, knows no database. The app also relays pushed drafts to open streams, and keeps streams open
that send nothing. They show the cost of a stream without the service.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
from litestar import Litestar, get, post
from litestar.response import ServerSentEvent

from events.wire import DeviceDraft

LOG = uuid4()
QUEUE_MAX = 1_000

listening: set[asyncio.Queue[bytes]] = set()


class Push(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a push."""

    sent_at: datetime
    drafts: list[DeviceDraft]


class Receipt(msgspec.Struct, frozen=True):
    """A receipt of the same length as a receipt of the service."""

    id: UUID
    outcome: str
    place: int


class Receipts(msgspec.Struct, frozen=True):
    """The response to a push."""

    log: UUID
    receipts: list[Receipt]


@post("/events", status_code=200)
async def push(data: Push) -> Receipts:
    return Receipts(LOG, [Receipt(draft.id, "recorded", 1) for draft in data.drafts])


@post("/relay", status_code=200)
async def relay(data: Push) -> Receipts:
    for draft in data.drafts:
        entry = msgspec.json.encode(draft)
        for queue in listening:
            queue.put_nowait(entry)
    return Receipts(LOG, [Receipt(draft.id, "recorded", 1) for draft in data.drafts])


@get("/live")
async def live() -> ServerSentEvent:
    async def entries() -> AsyncIterator[str]:
        queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_MAX)
        listening.add(queue)
        try:
            yield "hello"
            while True:
                yield (await queue.get()).decode()
        finally:
            listening.discard(queue)

    return ServerSentEvent(entries())


@get("/ready", sync_to_thread=False)
def ready() -> str:
    return "yes"


app = Litestar([push, relay, live, ready], openapi_config=None)
