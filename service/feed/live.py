"""GET /v1/families/{family}/live: what a member is told, as it is told, as `text/event-stream`.

Owns the request: where a device stands, the head of the answer, and its end. Plain ASGI, because a stream is held for
an hour and everything that a framework keeps for a request would be held with it.
"""

import re
from collections.abc import Awaitable
from typing import Final, Protocol

from events.errors import FieldInvalid
from service.feed.stream import Stream, StreamCaller
from service.feed.streams import Streams
from service.http.asgi import Receive, Scope, Send, header
from service.http.connection import connection_of

PLACE: Final = re.compile(rb"[0-9]{1,18}")

HEAD: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # nginx would keep entries back until its buffer is full.
    (b"x-accel-buffering", b"no"),
    # What ends is a connection, too: so a server that drains is not held up by sockets that wait for another request.
    (b"connection", b"close"),
]


class StreamRuntime(Protocol):
    """What the stream needs of the process it runs in."""

    @property
    def streams(self) -> Streams: ...


async def live(scope: Scope, receive: Receive, send: Send, *, runtime: StreamRuntime, caller: StreamCaller, after: int) -> None:
    """Tell the caller's feed from a place on: what is there, then each entry as it comes. `Last-Event-ID` wins over `after`.

    Returns when either side ended the stream.

    Raises:
        FieldInvalid: `Last-Event-ID` is no place.
        FeedAhead: the feed ends before that place.
        TooManyStreams, NoRoomForStreams: as they say.
    """
    connection = connection_of(scope)

    def write(body: bytes, more: bool) -> Awaitable[None]:
        return send({"type": "http.response.body", "body": body, "more_body": more})

    stream = Stream(
        caller,
        after=_place_told(scope, otherwise=after),
        read=runtime.streams.read,
        send=write,
        cut=connection.cut if connection else _cut_nothing,
    )
    with runtime.streams.holding(stream):
        first = await stream.look()
        await send({"type": "http.response.start", "status": 200, "headers": HEAD})
        if connection:
            connection.hold(stream.hear_ended)
        runtime.streams.begin_beating(stream)
        stream.open(first)
        # It may be megabytes, and this frame stays for an hour.
        del first
        # Answered with http.disconnect when the other side is gone, and also once the stream itself has ended.
        while (await receive())["type"] != "http.disconnect":
            pass
        if connection:
            connection.release()
    await stream.finished()
    if stream.failure is not None:
        raise stream.failure


def _place_told(scope: Scope, *, otherwise: int) -> int:
    """The last place that the device says it has."""
    last = header(scope, b"last-event-id")
    if last is None or last == b"":
        return otherwise
    if not PLACE.fullmatch(last):
        raise FieldInvalid("Last-Event-ID is the id of the last entry received: a whole number.", at="Last-Event-ID")
    return int(last)


def _cut_nothing() -> None:
    """Under a server that offers no way to cut: TCP will, in time."""
