"""The live stream, read: messages of `text/event-stream` become entries.

Owns one connection from its start to its end, and a reader's position in the mirror. Knows nothing of trying again:
the device decides that. Line endings and multi-line data are httpx-sse's: splitting lines as Python does would
break an entry at a U+2028 in somebody's note.
"""

from collections.abc import AsyncGenerator

import httpx
from httpx_sse import EventSource, SSEError

from client.answers import Entry, RawEntry, read_entry
from client.backoff import told_wait_s
from client.errors import ServiceMisspoke, ServiceUnreachable
from client.http import CUT_OFF, PASSING_STATUSES, Wire, refuse
from client.mirror import Mirror


async def stream(wire: Wire, path: str, *, after: int) -> AsyncGenerator[RawEntry]:
    """The entries after a place, first those that are there, then each as it comes. Ends where the service ends it.

    Raises:
        ServiceUnreachable: the connection broke, fell silent, or the service is busy.
        DeviceRevoked, FeedAhead, RefusedByService, ServiceMisspoke: the service said no, or nothing that we know.
    """
    timeout = httpx.Timeout(wire.world.answer_s_max, connect=wire.world.connect_s_max, read=wire.world.silence_s_max)
    # Both are said: Last-Event-ID wins, and a proxy that strips it leaves `after`.
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store", "Last-Event-ID": str(after)}
    try:
        async with wire.client.stream("GET", path, params={"after": after}, headers=headers, timeout=timeout) as answer:
            if not answer.is_success:
                await answer.aread()
                _turn_away(answer, wire=wire)
            async for message in EventSource(answer).aiter_sse():
                if message.event == "entry" and message.data:
                    yield read_entry(message.data.encode())
    except CUT_OFF as error:
        raise ServiceUnreachable(last_failure=f"{type(error).__name__} {error}".strip(), attempts=1) from error
    except SSEError as error:
        raise ServiceMisspoke(str(error)) from error


def _turn_away(answer: httpx.Response, *, wire: Wire) -> None:
    """Raise what a stream that was not opened means."""
    if answer.is_server_error or answer.status_code in PASSING_STATUSES:
        told_s = told_wait_s(answer.headers.get("Retry-After"), now=wire.world.now())
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

    def take(self) -> Entry | None:
        """The next entry; None where there is none yet."""
        if self._mirror.beginnings != self._beginnings:
            self._beginnings = self._mirror.beginnings
            self._place = 0
        entry = self._mirror.next_entry(self._place)
        if entry is not None:
            self._place = entry.place
        return entry
