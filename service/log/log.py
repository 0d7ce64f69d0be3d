"""The log, as the rest of the service uses it: push drafts, or write roster facts in a transaction of one's own.

Owns what happens after a commit: whoever was told is woken. What machines request is written beside what people push, on a
connection of its own: a push waits for no other family's daycare. Knows no routes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import uuid4

import asyncpg
from uuid_utils.compat import uuid7

from events.errors import Refused
from events.event import Draft, Precision
from events.ids import EventId, FamilyId, LogId, MemberId
from events.surprise import TimePassed
from events.wire import DeviceDraft, Push, ServiceBody
from projections.roster import Member
from service.http.problems import PASSING
from service.log.append import Appended, append, append_where_free
from service.log.append_queue import LogBusy
from service.log.append_request import AppendRequest
from service.log.family_cache import FamilyCache
from service.log.group_commit import Committer, LogUnavailable
from service.log.lock_waits import LockWaits
from service.log.locked_families import FamilyLocked
from service.log.pending_append import Answer
from service.log.receipts import Receipt
from service.log.store.heads import open_family

PATIENT_DRAFTS: Final = 24
"""Of what may wait, so many in a transaction: they hold their families' heads for some milliseconds, in which a push to one of
these families waits."""
PATIENT_WAITING_MAX: Final = 5_000
"""About as much as is written within two or three seconds."""
PATIENT_S_MAX: Final = 30.0
"""What gives way to pushes waits longer than they do."""


TURN_S_MAX: Final = 2.0
"""Until a request may begin a transaction of its own."""


class FeedListener(Protocol):
    """Receives the members whose feeds grew."""

    def entries_delivered(self, family: FamilyId, members: Any) -> None:
        """Called after the commit with the members who got a new entry. Neither blocks nor raises."""


class LogTransaction:
    """A transaction of access: its own statements on `conn`, and facts for the log of one family."""

    def __init__(self, conn: Any, now: datetime, waits: LockWaits) -> None:
        self.conn = conn
        self.now = now
        self._waits = waits
        self.appended: list[Appended] = []

    async def open_family(self, family: FamilyId) -> None:
        """Add the head row of a new log."""
        await open_family(self.conn, family, log=LogId(uuid4()), at=self.now)

    async def write(self, *, family: FamilyId, author: MemberId, facts: Sequence[ServiceBody]) -> None:
        """Append roster facts, which the caller has decided.

        Raises:
            FamilyLocked: another transaction holds the family.
        """
        drafts = tuple(drafted(fact, self.now) for fact in facts)
        request = AppendRequest(family=family, author=author, drafts=drafts, by_service=True)
        self.appended.append(await self._append(request))

    async def choose(self, *, family: FamilyId, joiner: Member, drafts: tuple[DeviceDraft, ...]) -> tuple[Receipt, ...]:
        """Append the surprises that somebody chooses who is about to join: before any history is delivered, not after."""
        request = AppendRequest(family=family, author=joiner.member, drafts=drafts, joiner=joiner)
        appended = await self._append(request)
        self.appended.append(appended)
        receipts = appended.receipts[0]
        if isinstance(receipts, Refused):
            raise receipts
        return receipts

    async def _append(self, request: AppendRequest) -> Appended:
        with self._waits.waiting(request.family):
            if self._waits.may_wait(request.family):
                return await append(self.conn, [request], now=self.now, cache=FamilyCache())
            appended = await append_where_free(self.conn, [request], now=self.now, cache=FamilyCache(), held_max=None)
            if isinstance(appended.receipts[0], FamilyLocked):
                raise appended.receipts[0]
            return appended


def drafted(fact: ServiceBody, now: datetime) -> Draft[Any]:
    """A fact that the service writes, as it stands now."""
    return Draft(id=EventId(uuid7()), occurred_at=now, precision=Precision.MINUTE, recorded_at=now, event=fact)


class Log:
    """The logs of all families of this database."""

    def __init__(self, *, pool: asyncpg.Pool, database_url: str, notifier: FeedListener, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._notifier = notifier
        self._clock = now
        self._waits = LockWaits()
        # The other half is for those who read: a locked family, or many who join, must not keep all connections.
        self._writings = asyncio.Semaphore(max(1, pool.get_max_size() // 2))
        cache = FamilyCache()
        self._apart = Committer(database_url, now=self.now, announce=self._announce, cache=cache)
        self._committer = Committer(
            database_url, now=self.now, announce=self._announce, cache=cache, apart=self._apart
        )
        self._patient = Committer(
            database_url,
            now=self.now,
            announce=self._announce,
            cache=cache,
            drafts_per_transaction=PATIENT_DRAFTS,
            drafts_waiting_max=PATIENT_WAITING_MAX,
            answer_s_max=PATIENT_S_MAX,
            gives_way_to=self._committer,
            apart=self._apart,
        )

    def now(self) -> datetime:
        """The server's time, in whole milliseconds: three digits are what the wire shows."""
        time = self._clock()
        return time.replace(microsecond=time.microsecond // 1_000 * 1_000)

    async def start(self) -> None:
        """Open the committer's connection."""
        await self._apart.start()
        await self._committer.start()
        await self._patient.start()

    async def stop(self) -> None:
        """Write what is waiting, then end."""
        await self._patient.stop()
        await self._committer.stop()
        await self._apart.stop()

    async def push(self, *, family: FamilyId, author: MemberId, push: Push) -> Answer:
        """Append what a device pushed; gives the log and the receipts in the drafts' order, once they are on the disk.

        Raises:
            LogBusy, LogUnavailable: 503; the device sends the same drafts again.
            NotFound: the author is no member.
        """
        clock_off: timedelta = self.now() - push.sent_at
        request = AppendRequest(family=family, author=author, drafts=push.drafts, clock_off=clock_off)
        return await self._committer.append(request)

    async def append(self, request: AppendRequest) -> Answer:
        """Append what another part of the service has made for a member.

        Raises:
            LogBusy, LogUnavailable, NotFound: as `push` does.
            Overtaken: what it was made of has changed; nothing was written.
        """
        return await (self._patient if request.may_wait else self._committer).append(request)

    async def note_time(self, *, family: FamilyId, author: MemberId) -> bool:
        """Append that time has passed, for which one of the family has waited; says whether anybody was due indeed.

        Raises:
            LogBusy, LogUnavailable: it is for the next look.
        """
        request = AppendRequest(family=family, author=author, drafts=(drafted(TimePassed(), self.now()),), by_service=True)
        _, (receipt,) = await self._committer.append(request)
        return receipt.outcome == "recorded"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LogTransaction]:
        """Run one transaction; wake whoever was told once it has committed.

        Raises:
            LogUnavailable: Postgres did not answer, or others were in the way. Nothing was written, unless the answer to the
                commit itself was lost.
            LogBusy: as many transactions as may be are under way. Nothing was written.
        """
        async with self._turn():
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    writing = LogTransaction(connection, self.now(), self._waits)
                    yield writing
            except PASSING as error:
                raise LogUnavailable("The log does not answer; try again in a moment.") from error
        for appended in writing.appended:
            self._announce(appended)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TURN_S_MAX):
                await self._writings.acquire()
        except TimeoutError:
            raise LogBusy("Many change their families just now; try again in a moment.") from None
        try:
            yield
        finally:
            self._writings.release()

    def _announce(self, appended: Appended) -> None:
        for family, members in appended.delivered_to.items():
            self._notifier.entries_delivered(family, members)
