"""Keeps the open streams of this process: limits their number, sends their heartbeats, and ends them.

Owns the one timer of all heartbeats. Does not know the entries that streams send.
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
"""The seconds between two heartbeats. They are counted from the start of the stream, and entries do not shift them (I-22)."""

BEATS_MAX: Final = 240
"""The number of heartbeats after which a stream ends: one hour. Its device then connects again. So every wait has a bound
(law 17)."""

STREAMS_MAX: Final = 20_000
STREAMS_PER_DEVICE_MAX: Final = 8

ENTRIES_A_PAGE: Final = 64
"""The maximum of entries in one read. An entry has at most 64 KiB, so a stream that sends stored entries needs up to 4 MiB."""

READINGS_MAX: Final = 4
"""The bound on reads at the same time, so that many streams that are notified at once do not use the whole pool."""

RETRY_AFTER_S: Final = 30


class TooManyStreams(TooManyRequests):
    """This device has `STREAMS_PER_DEVICE_MAX` open streams already."""

    code, status, title = "live.too_many_streams", 429, "Too many open streams"

    def __init__(self) -> None:
        super().__init__(retry_after_s=RETRY_AFTER_S)
        self.detail = f"A device holds at most {STREAMS_PER_DEVICE_MAX} streams. Close one, or try again in {RETRY_AFTER_S} s."


class NoRoomForStreams(Refused):
    """This process has the maximum of open streams, or is about to stop. Another process may have room."""

    code, status, title = "live.no_room", 503, "No room for another stream"

    def __init__(self) -> None:
        super().__init__("This process takes no more streams. Try again shortly, or pull the feed.")


class Streams:
    """All open streams of one process."""

    def __init__(self, *, pool: Any, notifier: Notifier, streams_max: int = STREAMS_MAX) -> None:
        self._pool = pool
        self._notifier = notifier
        self.streams_max = streams_max
        self.beats_max = BEATS_MAX
        self.heartbeat_s = HEARTBEAT_S
        """The seconds between two heartbeats, for all streams. May be changed only before the first stream is opened."""
        self._open: set[Stream] = set()
        self._count_by_device: dict[DeviceId, int] = {}
        self._beats: deque[Stream] = deque()
        """The streams in the order of their next heartbeats. After a heartbeat its stream goes to the end, because all streams
        have the same interval."""
        self._beat_timer: asyncio.TimerHandle | None = None
        self._readings = asyncio.Semaphore(READINGS_MAX)
        self._failures = 0
        """The number of reads so far that Postgres has not answered."""
        self._poller = Poller(pool=pool, notifier=notifier, streams=lambda: self._open)
        self._polling: asyncio.Task[None] | None = None
        self._is_closing = False

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._open))

    @property
    def device_count(self) -> int:
        """The number of devices with an open stream."""
        return len(self._count_by_device)

    async def start(self) -> None:
        """Starts to poll for the streams."""
        self._polling = asyncio.create_task(self._poller.run(), name="streams: poll")

    async def stop(self) -> None:
        """Ends every stream, and accepts no further stream."""
        self.end_all()
        if self._beat_timer is not None:
            self._beat_timer.cancel()
            self._beat_timer = None
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait((self._polling,))

    def end_all(self) -> None:
        """Ends every stream now; devices reconnect to another process."""
        self._is_closing = True
        for stream in tuple(self._open):
            stream.end()

    @contextmanager
    def holding(self, stream: Stream) -> Iterator[None]:
        """Registers a stream with the notifier while the block runs. The first read is in the block, so that no entry is missed.

        Raises:
            TooManyStreams: the device has `STREAMS_PER_DEVICE_MAX` streams already.
            NoRoomForStreams: this process has the maximum of open streams, or is about to stop.
        """
        if self._is_closing or len(self._open) >= self.streams_max:
            raise NoRoomForStreams
        count = self._count_by_device.get(stream.device, 0)
        if count >= STREAMS_PER_DEVICE_MAX:
            raise TooManyStreams
        self._count_by_device[stream.device] = count + 1
        self._open.add(stream)
        self._notifier.listen(stream)
        try:
            yield
        finally:
            self._notifier.forget(stream)
            self._open.discard(stream)
            stream.close()
            if self._count_by_device[stream.device] == 1:
                del self._count_by_device[stream.device]
            else:
                self._count_by_device[stream.device] -= 1

    async def read(self, *, family: FamilyId, member: MemberId, after: int, chain: bytes | None) -> Stretch:
        """Reads the entries after the place `after`. At most `READINGS_MAX` streams read at a time.

        Raises:
            FeedAhead: the feed ends before `after`. This is checked only without `chain`: a caller that passes a hash has
                received the place of that hash.
            PASSING: Postgres did not answer this read, or an earlier read for which this call has waited.
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
        """Starts a stream's heartbeats, one every `heartbeat_s` from now on."""
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
            # A stream that has ended is removed only here: a search for the stream in the middle of the queue would cost more.
            if stream.has_ended:
                continue
            stream.beats += 1
            if stream.beats > self.beats_max:
                stream.end()
                continue
            stream.begin_heartbeat()
            stream.beat_at += self.heartbeat_s
            self._beats.append(stream)
        self._set_beat_timer()
