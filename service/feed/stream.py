"""One open stream: catches up page by page, then follows.

Owns a device's position in its member's feed, and what is written to it when. Knows neither HTTP nor SQL: it is handed a
way to send and a way to read. Between two entries it has no task and no timer of its own, only its place in the lists of
those that call it: that is what keeps a held stream small.
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
"""Entries written together; one that is larger goes alone. Beside it stands uvicorn's own buffer of 64 KiB."""

DRAIN_S_MAX: Final = 10.0
"""A reader that takes less than about 6 kB/s is cut off, and resumes where it was."""

PART_S_MAX: Final = 0.5
"""How long an ending stream may take to say so. A revoked device is cut within a second of its revocation (I-25)."""


class FeedParted(Exception):
    """The feed is not the one that this stream was telling: the database was replaced by a restored copy."""


class ReaderTooSlow(Exception):
    """The other side did not take what was written in time."""


class StreamCaller(Protocol):
    """Who asked for a stream."""

    @property
    def family(self) -> FamilyId: ...

    @property
    def member(self) -> MemberId: ...

    @property
    def device(self) -> DeviceId: ...


class StretchReader(Protocol):
    """Reads a stretch of a member's feed."""

    async def __call__(self, *, family: FamilyId, member: MemberId, after: int, chain: bytes | None) -> Stretch: ...


class Stream:
    """What one device is told while it listens. A `Listener` of wake-ups."""

    __slots__ = (
        "__weakref__", "_cut", "_is_beat_due", "_is_look_due", "_read", "_send", "_working",
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
        """`send` takes bytes and whether more will follow; `cut` closes the connection whatever it still holds."""
        self.family, self.member, self.device = caller.family, caller.member, caller.device
        self.place = after
        self.chain: bytes | None = None
        """The chain at that place; None until the first look."""
        self.is_doubted = True
        """Whether the feed may be another one than this stream knows. Then the next look asks what stands at its place."""
        self.beat_at = 0.0
        """When, in the loop's time, the next heartbeat is due."""
        self.beats = 0
        self.is_open = False
        self.has_ended = False
        self.failure: Exception | None = None
        """What ended it that nobody foresaw."""
        self._read, self._send, self._cut = read, send, cut
        self._is_look_due = False
        self._is_beat_due = False
        self._working: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it waits for something to be told."""
        return self.is_open and self._working is None and not self.has_ended

    async def look(self) -> Stretch:
        """What stands behind the stream's place, at most one page. The place is not moved: nothing was told yet.

        Raises:
            FeedAhead: the feed ends before the place where the device stands.
            FeedParted: the feed has another past than this stream has told.
        """
        chain = None if self.is_doubted else self.chain
        # Before the read, not after it: a doubt that arises meanwhile is for the next look.
        self.is_doubted = False
        stretch = await self._read(family=self.family, member=self.member, after=self.place, chain=chain)
        if stretch.start is not None and self.chain not in (None, stretch.start.chain):
            raise FeedParted
        return stretch

    def open(self, first: Stretch) -> None:
        """Tell what was found at first, and whatever comes after it."""
        self.is_open = True
        self._working = asyncio.get_running_loop().create_task(self._work(first))

    def hear_told(self) -> None:
        self._is_look_due = True
        self._begin_work()

    def hear_beat(self) -> None:
        """A heartbeat is due."""
        self._is_beat_due = True
        self._begin_work()

    def hear_ended(self) -> None:
        """End: say so if there is time for it, then be gone. Ending twice is ending once."""
        if self.has_ended:
            return
        self.has_ended = True
        # A reader that takes nothing does not let the last words through either.
        asyncio.get_running_loop().call_later(PART_S_MAX, self._cut)
        self._begin_work()

    def close(self) -> None:
        """The other side is gone: nothing is written any more."""
        self.has_ended = True

    async def finished(self) -> None:
        """Wait for what is under way. A read of the database is not cancelled for a reader that left."""
        if self._working is not None:
            await asyncio.wait((self._working,))

    def _begin_work(self) -> None:
        if self.is_open and self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work(None))

    async def _work(self, first: Stretch | None) -> None:
        """Do all that is due, then be no more: an idle stream has no task."""
        try:
            if first is not None:
                if first.start is not None:
                    await self._write(_opening(first.start, place=self.place))
                await self.deliver(first)
            while not self.has_ended and (self._is_beat_due or self._is_look_due):
                if self._is_beat_due:
                    self._is_beat_due = False
                    await self._write(HEARTBEAT)
                else:
                    self._is_look_due = False
                    await self.deliver(await self.look())
            if self.has_ended:
                await self._send(b"", False)
        except ReaderTooSlow:
            self.close()
            self._cut()
        except (FeedParted, Refused, *PASSING):
            # The database is gone, or the feed is another one now. The device asks again, and hears why.
            self.hear_ended()
            await self._send(b"", False)
        except Exception as error:  # noqa: BLE001 - nobody awaits this task: the request that holds the stream raises it
            self.failure = error
            self.close()
            self._cut()
        finally:
            self._working = None

    async def deliver(self, stretch: Stretch) -> None:
        """Write the entries. Where more may stand behind them, it is looked at next."""
        if stretch.more:
            self._is_look_due = True
        together: list[bytes] = []
        size = 0
        for place, entry in stretch.entries:
            if size + len(entry) > WRITE_BYTES_MAX and together:
                await self._write(b"".join(together))
                together, size = [], 0
            together.append(b"id: %d\nevent: entry\ndata: %b\n\n" % (place, entry))
            size += len(entry)
        if together:
            await self._write(b"".join(together))
        self.place, self.chain = stretch.place, stretch.chain

    async def _write(self, body: bytes) -> None:
        """Write, once the reader has taken enough of what was written before.

        Raises:
            ReaderTooSlow: it did not.
        """
        # Nobody who may no longer listen is told what was read a moment ago.
        if self.has_ended:
            return
        try:
            async with asyncio.timeout(DRAIN_S_MAX):
                await self._send(body, True)
        except TimeoutError as error:
            raise ReaderTooSlow from error


def _opening(start: Start, *, place: int) -> bytes:
    """The first message of a stream: by it, a device sees whether it is its own feed that goes on here."""
    log, chain = str(start.log).encode(), start.chain.hex().encode()
    return b'event: feed\ndata: {"log":"%b","place":%d,"chain":"%b"}\n\n' % (log, place, chain)
