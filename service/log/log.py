"""Offers the log to the rest of the service: push drafts, or write roster facts in the caller's own transaction.

Owns what happens after a commit: devices of members with new entries are woken. Requests of machines have a committer and a
connection of their own, so that a person's push does not wait for another family's daycare. Knows no routes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import asyncpg

from events.ids import FamilyId, MemberId
from events.surprise import TimePassed
from events.wire import Push
from service.http.problems import PASSING
from service.log.append import Appended
from service.log.append_queue import Answer
from service.log.append_request import AppendRequest, LogBusy, LogUnavailable
from service.log.family_batch import FamilyCache
from service.log.group_commit import Committer
from service.log.transaction import LockWaits, LogTransaction, drafted

PATIENT_DRAFTS: Final = 24
"""The maximum of drafts in one transaction of requests that may wait. Such a transaction locks the heads of its families for some
milliseconds, and a push to one of these families waits for as long."""
PATIENT_WAITING_MAX: Final = 5_000
"""The maximum of waiting drafts in requests that may wait: about as many as are written within two or three seconds."""
PATIENT_S_MAX: Final = 30.0
"""The time after which a request that may wait is answered. A push is answered sooner, because such requests give way to it."""


TURN_S_MAX: Final = 2.0
"""The longest time that a request waits until it may begin a transaction of its own."""


class FeedListener(Protocol):
    """An object that is notified of members with new entries in their feeds."""

    def entries_delivered(self, family: FamilyId, members: Any) -> None:
        """Receives the members of a family who have new entries, after the commit. Neither blocks nor raises."""


def now_utc() -> datetime:
    """Returns the current time of the server, in UTC."""
    return datetime.now(UTC)


class Log:
    """The logs of all families of this database."""

    def __init__(self, *, pool: asyncpg.Pool, database_url: str, notifier: FeedListener, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._notifier = notifier
        self._clock = now
        self._waits = LockWaits()
        # The other half of the pool is for reads: a locked family, or many joining members, must not take all connections.
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
        """Returns the server's time, in whole milliseconds, because the wire shows three digits."""
        time = self._clock()
        return time.replace(microsecond=time.microsecond // 1_000 * 1_000)

    async def start(self) -> None:
        """Starts the committers, and opens their connections."""
        await self._apart.start()
        await self._committer.start()
        await self._patient.start()

    async def stop(self) -> None:
        """Writes the waiting requests, then stops the committers."""
        await self._patient.stop()
        await self._committer.stop()
        await self._apart.stop()

    async def push(self, *, family: FamilyId, author: MemberId, push: Push) -> Answer:
        """Appends a device's push. Returns the log's id and the receipts, in the drafts' order, once the events are on the disk.

        Raises:
            LogBusy, LogUnavailable: 503; the device sends the same drafts again.
            NotFound: the author is no member.
        """
        clock_off: timedelta = self.now() - push.sent_at
        request = AppendRequest(family=family, author=author, drafts=push.drafts, clock_off=clock_off)
        return await self._committer.append(request)

    async def append(self, request: AppendRequest) -> Answer:
        """Appends a request that another part of the service has made for a member.

        Raises:
            LogBusy, LogUnavailable, NotFound: for the reasons for which `push` raises them.
            Overtaken: the records from which the request was made have changed; nothing was written.
        """
        return await (self._patient if request.may_wait else self._committer).append(request)

    async def note_time(self, *, family: FamilyId, author: MemberId) -> bool:
        """Appends a TimePassed, if the passing of days frees a held event in this family. Returns whether it was appended.

        Raises:
            LogBusy, LogUnavailable: the event was not written, or this is unknown. The next check of the clock tries again.
        """
        request = AppendRequest(family=family, author=author, drafts=(drafted(TimePassed(), self.now()),), by_service=True)
        _, (receipt,) = await self._committer.append(request)
        return receipt.outcome == "recorded"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LogTransaction]:
        """Runs one transaction of the caller. Once it has committed, wakes devices of the members with new entries.

        Raises:
            LogUnavailable: Postgres did not answer, or other transactions were in the way. Nothing was written, unless Postgres
                committed and its answer was lost.
            LogBusy: the maximum of transactions is running. Nothing was written.
        """
        try:
            async with asyncio.timeout(TURN_S_MAX):
                await self._writings.acquire()
        except TimeoutError:
            raise LogBusy("Many change their families just now; try again in a moment.") from None
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                writing = LogTransaction(connection, self.now(), self._waits)
                yield writing
        except PASSING as error:
            raise LogUnavailable("The log does not answer; try again in a moment.") from error
        finally:
            self._writings.release()
        for appended in writing.appended:
            self._announce(appended)

    def _announce(self, appended: Appended) -> None:
        for family, members in appended.delivered_to.items():
            self._notifier.entries_delivered(family, members)
