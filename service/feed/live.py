"""Serves GET /v1/families/{family}/live: a member's feed as `text/event-stream`, with each entry as soon as it is written.

Owns the request: the place after which the stream starts, the headers of the response, and the end of the request. The route is
plain ASGI, because a stream stays open for an hour. A framework would keep its objects for the request in memory all that time.
"""

import re
from collections.abc import Awaitable
from typing import Annotated, Final

import msgspec

from events.errors import FieldInvalid
from service.access.guard import Membership
from service.feed.pages import FeedAhead
from service.feed.stream import Stream
from service.feed.streams import NoRoomForStreams, TooManyStreams
from service.http.asgi import HEADERS_BY_NAME, Receive, Scope, Send
from service.http.body import query_of
from service.http.connection import connection_of
from service.http.endpoint import CallerKind, Endpoint
from service.http.rate_limit import Kind
from service.runtime import Runtime

PLACE_MAX: Final = 2**62
PLACE: Final = re.compile(rb"[0-9]{1,18}")

HEAD: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Otherwise nginx holds entries back until its buffer is full.
    (b"x-accel-buffering", b"no"),
    # The connection ends with the stream: a server that shuts down does not wait for sockets that could carry another request.
    (b"connection", b"close"),
]


class After(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a live stream."""

    after: Annotated[int, msgspec.Meta(ge=0, le=PLACE_MAX)] = 0


LIVE: Final = Endpoint(
    summary="The feed as it grows, as server-sent events: catches up, then follows",
    caller=CallerKind.MEMBER, kind=Kind.READ, response=str, media_types=("text/event-stream",),
    query={"after": {"type": "integer", "minimum": 0, "maximum": PLACE_MAX, "default": 0}},
    headers={"Last-Event-ID": {"type": "string", "pattern": "^[0-9]{1,18}$"}},
    errors=(FeedAhead, TooManyStreams, NoRoomForStreams, FieldInvalid),
)  # fmt: skip


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """Streams the caller's feed from a place on: first the stored entries, then each new entry.

    The place is `Last-Event-ID` if the request has that header, else `after`.

    Raises:
        FieldInvalid: `Last-Event-ID` or `after` is not a place.
        FeedAhead: the feed ends before that place.
        TooManyStreams: the device has too many open streams already.
        NoRoomForStreams: the process has too many open streams already, or is about to stop.
    """
    runtime: Runtime = scope["runtime"]
    caller: Membership = scope["caller"]
    after = query_of(scope, After).after
    connection = connection_of(scope)

    def write(body: bytes, more: bool) -> Awaitable[None]:
        return send({"type": "http.response.body", "body": body, "more_body": more})

    stream = Stream(
        caller,
        after=_requested_place(scope, default=after),
        read=runtime.streams.read,
        send=write,
        cut=connection.cut if connection else _cut_nothing,
    )
    with runtime.streams.holding(stream):
        first = await stream.read_on()
        await send({"type": "http.response.start", "status": 200, "headers": HEAD})
        if connection:
            connection.hold(stream.end)
        runtime.streams.begin_beating(stream)
        stream.open(first)
        # The page may take megabytes, and this function runs for an hour.
        del first
        # The server sends http.disconnect when the device has gone, and also once the stream itself has ended.
        while (await receive())["type"] != "http.disconnect":
            pass
        if connection:
            connection.release()
    await stream.finished()
    if stream.failure is not None:
        raise stream.failure


def _requested_place(scope: Scope, *, default: int) -> int:
    """Returns the place in `Last-Event-ID`, or `default`. Raises FieldInvalid if the header is not a place."""
    last = scope[HEADERS_BY_NAME].get(b"last-event-id", (b"",))[0]
    if not last:
        return default
    if not PLACE.fullmatch(last):
        raise FieldInvalid("Last-Event-ID is the id of the last entry received: a whole number.", at="Last-Event-ID")
    return int(last)


def _cut_nothing() -> None:
    """Does nothing, because this server offers no way to cut a connection. TCP ends a dead connection after some time."""
