"""Reads the live stream: decodes messages of `text/event-stream` into entries.

Owns one connection, and a reader's position in the mirror. Does not reconnect: `client.sync` does. Uses httpx-sse to parse the
lines, because Python's `splitlines` would break an entry at a U+2028 in a note.
"""

from collections.abc import AsyncGenerator
from typing import Final

import httpx
from httpx_sse import EventSource, SSEError

from client.backoff import parse_retry_after
from client.errors import ServiceMisspoke, ServiceUnreachable
from client.http import CUT_OFF, Wire, intermediary_error, is_from_service, is_temporary, refuse
from client.mirror import Mirror
from client.responses import FeedEntry, Page, read_opening, read_streamed

EVENT_STREAM: Final = "text/event-stream"


async def stream(wire: Wire, path: str, *, after: int) -> AsyncGenerator[Page]:
    """Opens the stream of the feed after the place `after`, and yields pages until the service closes the stream.

    The first page is empty and states the chain's hash at `after`. Each entry then comes in a page of its own.

    Raises:
        ServiceUnreachable: the connection failed or was silent for too long, the service is busy, or an intermediary answered.
        DeviceRevoked, FeedAhead, RefusedByService: the service refused the request.
        ServiceMisspoke: a message violates the protocol.
    """
    timeout = httpx.Timeout(wire.world.answer_s_max, connect=wire.world.connect_s_max, read=wire.world.silence_s_max)
    # Both header and query state the place: Last-Event-ID has priority, and `after` remains where a proxy removes the header.
    headers = {"Accept": EVENT_STREAM, "Cache-Control": "no-store", "Last-Event-ID": str(after)}
    try:
        async with wire.client.stream("GET", path, params={"after": after}, headers=headers, timeout=timeout) as response:
            if not response.is_success:
                await response.aread()
                _refuse_stream(response, wire=wire)
            if not is_from_service(response, success_type=EVENT_STREAM):
                raise intermediary_error(response, attempts=1)
            last_page: Page | None = None
            async for message in EventSource(response).aiter_sse():
                if message.event == "feed":
                    last_page = read_opening(message.data.encode())
                    yield last_page
                elif message.event == "entry" and message.data:
                    if last_page is None:
                        raise ServiceMisspoke("an entry before the stream said which feed it is")
                    last_page = read_streamed(message.data.encode(), behind=last_page)
                    yield last_page
    except CUT_OFF as error:
        raise ServiceUnreachable(last_failure=f"{type(error).__name__} {error}".strip(), attempts=1) from error
    except SSEError as error:
        raise ServiceMisspoke(str(error)) from error


def _refuse_stream(response: httpx.Response, *, wire: Wire) -> None:
    """Raises the error for a stream that was not opened. The caller must have read the body of the response."""
    wanted_s = parse_retry_after(response.headers.get("Retry-After"), now=wire.world.now())
    if not is_from_service(response):
        raise intermediary_error(response, attempts=1, retry_after_s=wanted_s)
    if is_temporary(response):
        raise ServiceUnreachable(last_failure=f"status {response.status_code}", attempts=1, retry_after_s=wanted_s)
    refuse(response)


class Reader:
    """A reader's position in the mirror. Returns each entry once and in order, whether a stream or a pull stored the entry.

    After a restart of the mirror, the reader continues at place 1.
    """

    def __init__(self, mirror: Mirror, *, after: int) -> None:
        self._mirror = mirror
        self._beginnings = mirror.beginnings
        self._place = after

    def next_entry(self) -> FeedEntry | None:
        """Returns the next entry, or None if the mirror has no further entry yet."""
        if self._mirror.beginnings != self._beginnings:
            self._beginnings = self._mirror.beginnings
            self._place = 0
        entry = self._mirror.next_entry(self._place)
        if entry is not None:
            self._place = entry.place
        return entry
