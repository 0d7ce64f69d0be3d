"""The open streams of this process: how many there may be, their heartbeats, and their end.

Owns the limits and the one timer that beats for all of them. Knows nothing of what they tell.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from events.errors import Refused
from events.ids import DeviceId, FamilyId, MemberId
from service.feed.next_entries import Stretch, from_anywhere, onward
from service.feed.notifier import Notifier
from service.feed.poller import Poller
from service.feed.stream import Stream
from service.http.problems import PASSING, TooManyRequests

HEARTBEAT_S: Final = 15.0
"""On each stream's own clock, whatever else happens: a phase that moved would tell that something did (I-22)."""

BEATS_MAX: Final = 240
"""A stream ends after this many heartbeats, an hour, and is asked for again: so no wait is without a bound (law 17)."""

STREAMS_MAX: Final = 20_000
STREAMS_PER_DEVICE_MAX: Final = 8

ENTRIES_A_PAGE: Final = 64
"""At most 64 KiB each: 4 MiB that a stream which catches up may hold. A fresh device pulls before it listens."""

READINGS_MAX: Final = 4
"""Pages read at the same time, so that streams which all wake together leave the pool to others."""

RETRY_AFTER_S: Final = 30


class TooManyStreams(TooManyRequests):
    """This device holds as many streams as one device may."""

    code, status, title = "live.too_many_streams", 429, "Too many open streams"

    def __init__(self) -> None:
        super().__init__(retry_after_s=RETRY_AFTER_S)
        self.detail = f"A device holds at most {STREAMS_PER_DEVICE_MAX} streams. Close one, or try again in {RETRY_AFTER_S} s."


class NoRoomForStreams(Refused):
    """This process holds as many streams as it can, or is about to stop. Ask again: another process may have room."""

    code, status, title = "live.no_room", 503, "No room for another stream"

    def __init__(self) -> None:
        super().__init__("This process takes no more streams. Try again shortly, or pull the feed.")


class Streams:
    """All open streams of one process."""

    def __init__(self, *, pool: Any, wake: Notifier, streams_max: int = STREAMS_MAX) -> None:
        self._pool = pool
        self._wake = wake
        self.streams_max = streams_max
        self.beats_max = BEATS_MAX
        self.heartbeat_s = HEARTBEAT_S
        """One interval for all streams: to be changed before the first is opened."""
        self._open: set[Stream] = set()
        self._count_by_device: dict[DeviceId, int] = {}
        self._beats: deque[Stream] = deque()
        """Streams in the order of their next beat. All beat at one interval, so whoever has beaten goes to the end."""
        self._beat_timer: asyncio.TimerHandle | None = None
        self._readings = asyncio.Semaphore(READINGS_MAX)
        self._failures = 0
        """How many readings Postgres has not answered."""
        self._watch = Poller(pool=pool, wake=wake, streams=lambda: self._open)
        self._watching: asyncio.Task[None] | None = None
        self._is_closing = False

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._open))

    @property
    def device_count(self) -> int:
        """The number of devices that hold a stream."""
        return len(self._count_by_device)

    async def start(self) -> None:
        """Begin to look after the streams."""
        self._watching = asyncio.create_task(self._watch.run(), name="streams: watch")

    async def stop(self) -> None:
        """End every stream, and take no more."""
        self.end_all()
        if self._beat_timer is not None:
            self._beat_timer.cancel()
            self._beat_timer = None
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))

    def end_all(self) -> None:
        """Let every stream end now; devices come back to whoever serves next."""
        self._is_closing = True
        for stream in tuple(self._open):
            stream.hear_ended()

    @contextmanager
    def holding(self, stream: Stream) -> Iterator[None]:
        """Hold a stream: it hears of what its member is told from here on, before it has read anything.

        Raises:
            TooManyStreams: its device holds enough of them.
            NoRoomForStreams: this process holds enough of them.
        """
        if self._is_closing or len(self._open) >= self.streams_max:
            raise NoRoomForStreams
        count = self._count_by_device.get(stream.device, 0)
        if count >= STREAMS_PER_DEVICE_MAX:
            raise TooManyStreams
        self._count_by_device[stream.device] = count + 1
        self._open.add(stream)
        self._wake.listen(stream)
        try:
            yield
        finally:
            self._wake.forget(stream)
            self._open.discard(stream)
            stream.close()
            if self._count_by_device[stream.device] == 1:
                del self._count_by_device[stream.device]
            else:
                self._count_by_device[stream.device] -= 1

    async def read(self, *, family: FamilyId, member: MemberId, after: int, chain: bytes | None) -> Stretch:
        """Read what follows a place, when it is this stream's turn.

        Raises:
            FeedAhead: the feed ends before `after`. Who gives a chain has been told that place, and is not asked again.
            PASSING: Postgres did not answer; those who waited for their turn meanwhile do not try by themselves.
        """
        failures = self._failures
        async with self._readings:
            if failures != self._failures:
                raise TimeoutError
            try:
                if chain is None:
                    return await from_anywhere(self._pool, family=family, member=member, after=after, limit=ENTRIES_A_PAGE)
                return await onward(self._pool, family=family, member=member, after=after, chain=chain, limit=ENTRIES_A_PAGE)
            except PASSING:
                self._failures += 1
                raise

    def begin_beating(self, stream: Stream) -> None:
        """The stream was opened now: its heartbeats follow every `heartbeat_s`."""
        stream.beat_at = asyncio.get_running_loop().time() + self.heartbeat_s
        self._beats.append(stream)
        if self._beat_timer is None:
            self._set_beat_timer()

    def _set_beat_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._beat_timer = loop.call_at(self._beats[0].beat_at, self._beat) if self._beats else None

    def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._beats and self._beats[0].beat_at <= now:
            stream = self._beats.popleft()
            # One that ended meanwhile leaves the row here, not earlier: to find it in the middle would cost more.
            if stream.has_ended:
                continue
            stream.beats += 1
            if stream.beats > self.beats_max:
                stream.hear_ended()
                continue
            stream.hear_beat()
            stream.beat_at += self.heartbeat_s
            self._beats.append(stream)
        self._set_beat_timer()
