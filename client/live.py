"""The live stream, read: messages of `text/event-stream` become entries.

Owns one connection from its start to its end, and a reader's position in the mirror. Knows nothing of trying again:
the device decides that. Line endings and multi-line data are httpx-sse's: splitting lines as Python does would
break an entry at a U+2028 in somebody's note.
"""

from collections.abc import AsyncGenerator
from typing import Final

import httpx
from httpx_sse import EventSource, SSEError

from client.answers import FeedEntry, Page, read_opening, read_streamed
from client.backoff import told_wait_s
from client.errors import ServiceMisspoke, ServiceUnreachable
from client.http import CUT_OFF, Wire, is_from_service, is_passing, refuse, stranger_of
from client.mirror import Mirror

EVENT_STREAM: Final = "text/event-stream"


async def stream(wire: Wire, path: str, *, after: int) -> AsyncGenerator[Page]:
    """The feed after a place: at first what it is at that place, without an entry, and then a page for each entry as it comes.

    Ends where the service ends it.

    Raises:
        ServiceUnreachable: the connection broke, fell silent, the service is busy, or a stranger answered in its place.
        DeviceRevoked, FeedAhead, RefusedByService: the service said no.
        ServiceMisspoke: nothing that we know.
    """
    timeout = httpx.Timeout(wire.world.answer_s_max, connect=wire.world.connect_s_max, read=wire.world.silence_s_max)
    # Both are said: Last-Event-ID wins, and a proxy that strips it leaves `after`.
    headers = {"Accept": EVENT_STREAM, "Cache-Control": "no-store", "Last-Event-ID": str(after)}
    try:
        async with wire.client.stream("GET", path, params={"after": after}, headers=headers, timeout=timeout) as answer:
            if not answer.is_success:
                await answer.aread()
                _turn_away(answer, wire=wire)
            if not is_from_service(answer, speaks=EVENT_STREAM):
                raise stranger_of(answer, attempts=1)
            known: Page | None = None
            async for message in EventSource(answer).aiter_sse():
                if message.event == "feed":
                    known = read_opening(message.data.encode())
                    yield known
                elif message.event == "entry" and message.data:
                    if known is None:
                        raise ServiceMisspoke("an entry before the stream said which feed it is")
                    known = read_streamed(message.data.encode(), behind=known)
                    yield known
    except CUT_OFF as error:
        raise ServiceUnreachable(last_failure=f"{type(error).__name__} {error}".strip(), attempts=1) from error
    except SSEError as error:
        raise ServiceMisspoke(str(error)) from error


def _turn_away(answer: httpx.Response, *, wire: Wire) -> None:
    """Raise what a stream that was not opened means."""
    told_s = told_wait_s(answer.headers.get("Retry-After"), now=wire.world.now())
    if not is_from_service(answer):
        raise stranger_of(answer, attempts=1, retry_after_s=told_s)
    if is_passing(answer):
        raise ServiceUnreachable(last_failure=f"status {answer.status_code}", attempts=1, retry_after_s=told_s)
    refuse(answer)


class Reader:
    """One reader's position in the mirror: each entry once, in order, whoever filed it.

    Where the mirror was begun anew, it reads from place 1 again.
    """

    def __init__(self, mirror: Mirror, *, after: int) -> None:
        self._mirror = mirror
        self._beginnings = mirror.beginnings
        self._place = after

    def take(self) -> FeedEntry | None:
        """The next entry; None where there is none yet."""
        if self._mirror.beginnings != self._beginnings:
            self._beginnings = self._mirror.beginnings
            self._place = 0
        entry = self._mirror.next_entry(self._place)
        if entry is not None:
            self._place = entry.place
        return entry
