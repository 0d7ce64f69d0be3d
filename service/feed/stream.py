"""Streams a member's feed to one device: the stored entries page by page, then each new entry.

Owns the device's place in the feed, and the order in which entries and heartbeats are sent. Knows neither HTTP nor SQL: the
caller passes functions that send and read. Between two entries a stream has no task and no timer of its own, so that a process
can have 20,000 idle streams.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from events.errors import Refused
from events.ids import DeviceId, FamilyId, MemberId
from service.feed.next_entries import Start, Stretch
from service.http.problems import PASSING

HEARTBEAT: Final = b":\n\n"

WRITE_BYTES_MAX: Final = 64 * 1024
"""Entries are sent in groups of at most this many bytes; a larger entry is sent alone. uvicorn buffers 64 KiB more."""

DRAIN_S_MAX: Final = 10.0
"""The time limit of one write. A device that takes less than about 6 kB/s is cut off, and can resume at its place."""

END_S_MAX: Final = 0.5
"""The time limit for sending the end of a stream. It is short, because a revoked device must be cut within a second (I-25)."""


class FeedParted(Exception):
    """The feed differs from the entries that this stream has sent: the database was replaced by a restored backup."""


class ReaderTooSlow(Exception):
    """The device did not take the sent bytes within `DRAIN_S_MAX` seconds."""


class StreamCaller(Protocol):
    """The family, member and device that opened a stream."""

    @property
    def family(self) -> FamilyId: ...

    @property
    def member(self) -> MemberId: ...

    @property
    def device(self) -> DeviceId: ...


class StretchReader(Protocol):
    """A function that reads the entries after a place of a member's feed."""

    async def __call__(self, *, family: FamilyId, member: MemberId, after: int, chain: bytes | None) -> Stretch: ...


class Stream:
    """The stream of one device. A stream is a `Listener` of the notifier."""

    __slots__ = (
        "__weakref__", "_cut", "_is_heartbeat_due", "_is_read_due", "_read", "_send", "_working",
        "beat_at", "beats", "chain", "device", "failure", "family", "has_ended", "is_doubted", "is_open", "member", "place",
    )  # fmt: skip

    def __init__(
        self,
        caller: StreamCaller,
        *,
        after: int,
        read: StretchReader,
        send: Callable[[bytes, bool], Awaitable[None]],
        cut: Callable[[], None],
    ) -> None:
        """Makes a stream that is not open yet. `send` takes bytes, and whether more bytes will follow.

        `cut` closes the connection, and drops buffered bytes.
        """
        self.family, self.member, self.device = caller.family, caller.member, caller.device
        self.place = after
        self.chain: bytes | None = None
        """The chain's hash at `place`, or None before the first read."""
        self.is_doubted = True
        """Whether the feed may have been replaced, so that the next read must check the chain's hash at the stream's place."""
        self.beat_at = 0.0
        """The time of the next heartbeat, by the clock of the event loop."""
        self.beats = 0
        self.is_open = False
        self.has_ended = False
        self.failure: Exception | None = None
        """The unexpected error that ended the stream."""
        self._read, self._send, self._cut = read, send, cut
        self._is_read_due = False
        self._is_heartbeat_due = False
        self._working: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the stream waits for new entries."""
        return self.is_open and self._working is None and not self.has_ended

    async def read_on(self) -> Stretch:
        """Reads the entries after the stream's place, at most one page. Does not change the place, because nothing was sent yet.

        Raises:
            FeedAhead: the feed ends before the stream's place.
            FeedParted: the feed's entries up to this place differ from the entries that this stream has sent.
        """
        chain = None if self.is_doubted else self.chain
        # Set before the read: a doubt that comes up during the read concerns the next read.
        self.is_doubted = False
        stretch = await self._read(family=self.family, member=self.member, after=self.place, chain=chain)
        if stretch.start is not None and self.chain not in (None, stretch.start.chain):
            raise FeedParted
        return stretch

    def open(self, first: Stretch) -> None:
        """Sends the first entries, and from then on each new entry."""
        self.is_open = True
        self._working = asyncio.get_running_loop().create_task(self._work(first))

    def notice_entries(self) -> None:
        self._is_read_due = True
        self._begin_work()

    def begin_heartbeat(self) -> None:
        """Sends a heartbeat as soon as the stream is free."""
        self._is_heartbeat_due = True
        self._begin_work()

    def end(self) -> None:
        """Ends the stream, and cuts the connection if its end cannot be sent within `END_S_MAX`. A second call does nothing."""
        if self.has_ended:
            return
        self.has_ended = True
        # A device that takes no bytes blocks the end of the stream, too.
        asyncio.get_running_loop().call_later(END_S_MAX, self._cut)
        self._begin_work()

    def close(self) -> None:
        """Marks the stream as ended, because the device has gone. The stream then sends nothing more."""
        self.has_ended = True

    async def finished(self) -> None:
        """Waits for the stream's task. A read from the database is not cancelled when the device has gone."""
        if self._working is not None:
            await asyncio.wait((self._working,))

    def _begin_work(self) -> None:
        if self.is_open and self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work(None))

    async def _work(self, first: Stretch | None) -> None:
        """Sends everything that is due, then returns: an idle stream has no task."""
        try:
            if first is not None:
                if first.start is not None:
                    await self._write(_opening(first.start, place=self.place))
                await self.deliver(first)
            while not self.has_ended and (self._is_heartbeat_due or self._is_read_due):
                if self._is_heartbeat_due:
                    self._is_heartbeat_due = False
                    await self._write(HEARTBEAT)
                else:
                    self._is_read_due = False
                    await self.deliver(await self.read_on())
            if self.has_ended:
                await self._send(b"", False)
        except ReaderTooSlow:
            self.close()
            self._cut()
        except (FeedParted, Refused, *PASSING):
            # The database is gone, or the feed was replaced. The device connects again, and learns the reason from the response.
            self.end()
            await self._send(b"", False)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: the request that holds the stream raises it
            self.failure = error
            self.close()
            self._cut()
        finally:
            self._working = None

    async def deliver(self, stretch: Stretch) -> None:
        """Sends entries. If the feed may have further entries after these, the stream reads again next."""
        if stretch.more:
            self._is_read_due = True
        group: list[bytes] = []
        size = 0
        for place, entry in stretch.entries:
            if size + len(entry) > WRITE_BYTES_MAX and group:
                await self._write(b"".join(group))
                group, size = [], 0
            group.append(b"id: %d\nevent: entry\ndata: %b\n\n" % (place, entry))
            size += len(entry)
        if group:
            await self._write(b"".join(group))
        self.place, self.chain = stretch.place, stretch.chain

    async def _write(self, body: bytes) -> None:
        """Sends bytes as soon as the device has taken enough of the earlier bytes.

        Raises:
            ReaderTooSlow: the device did not take enough bytes within `DRAIN_S_MAX` seconds.
        """
        # The device may have lost access since the entries were read.
        if self.has_ended:
            return
        try:
            async with asyncio.timeout(DRAIN_S_MAX):
                await self._send(body, True)
        except TimeoutError as error:
            raise ReaderTooSlow from error


def _opening(start: Start, *, place: int) -> bytes:
    """Returns the first message of a stream. By its hash, a device sees whether this feed continues the device's copy."""
    log, chain = str(start.log).encode(), start.chain.hex().encode()
    return b'event: feed\ndata: {"log":"%b","place":%d,"chain":"%b"}\n\n' % (log, place, chain)
