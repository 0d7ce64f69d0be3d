"""Group commit: what many devices push at one time becomes one transaction.

While one transaction is on its way to the disk, whatever arrives is gathered for the next, so that a commit is paid once
for all of them, and a device that is alone never waits for a timer. A process has one committer for all pushes, with a
connection of its own: two made smaller groups, and wrote half to nine tenths as much.

A group waits for no lock on a family: whoever's family another transaction holds is set aside, and tried with later groups.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from events.errors import Refused
from events.ids import FamilyId
from service.errors import PASSING
from service.log.append import Appended, append_where_free
from service.log.aside import Aside, FamilyLocked
from service.log.offer import Offer
from service.log.pending import Answer, PendingOffer
from service.log.state import FamilyStates
from service.postgres.pool import close, connect

DRAFTS_PER_TRANSACTION: Final = 500
"""From design.md: what a Postgres-wire engine of several machines takes in one transaction."""
DRAFTS_WAITING_MAX: Final = 20_000
"""About 10 MB of drafts, and a second or two of work."""
ATTEMPTS: Final = 5
RETRY_AFTER_S: Final = 0.01
ANSWER_S_MAX: Final = 8.0
"""Whoever offers is answered after this long, whatever Postgres does: a command that is silent is given up after five seconds."""
GATHER_S: Final = 0.001
"""Where several came at once, those who were just answered are let come back before the next transaction begins, so that it
serves twice as many: 16 devices wrote 1,830 requests/s instead of 1,470. A device that is alone never waits."""
GIVE_WAY_S_MAX: Final = 0.03
"""Who gives way begins no transaction while others write, and rests afterwards as long as it took if they wrote meanwhile; but
neither for longer than this."""

logger = structlog.get_logger()


class LogUnavailable(Refused):
    """Postgres did not answer in time. Whether the drafts were written is unknown: send the same drafts again."""

    code, status, title = "log.unavailable", 503, "The log does not answer"


class LogBusy(Refused):
    """More drafts are waiting than the log takes. Nothing was written: send them again in a moment."""

    code, status, title = "log.busy", 503, "The log is busy"


class Committer:
    """Writes what is offered, one transaction at a time.

    `announce` is called after each commit with what became of the batch; it neither blocks nor raises. `states` may be shared
    with other committers of the process. One that `gives_way_to` another begins its transactions while that one is idle, if it
    can, and leaves it half of the time while it is busy.
    """

    def __init__(
        self,
        database_url: str,
        *,
        now: Callable[[], datetime],
        announce: Callable[[Appended], None],
        states: FamilyStates,
        drafts_per_transaction: int = DRAFTS_PER_TRANSACTION,
        drafts_waiting_max: int = DRAFTS_WAITING_MAX,
        answer_s_max: float = ANSWER_S_MAX,
        gives_way_to: "Committer | None" = None,
    ) -> None:
        self._database_url = database_url
        self._now = now
        self._announce = announce
        self._states = states
        self._drafts_per_transaction = drafts_per_transaction
        self._drafts_waiting_max = drafts_waiting_max
        self._answer_s_max = answer_s_max
        self._gives_way_to = gives_way_to
        self._is_idle = asyncio.Event()
        self.last_s = 0.0
        """When something was offered last, by the monotonic clock."""
        self._waiting: deque[PendingOffer] = deque()
        self._aside: Aside[PendingOffer] = Aside(drafts_max=drafts_waiting_max)
        self._drafts_waiting = 0
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._is_connected = True
        """Whether a connection could be opened when one was last needed."""
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    async def start(self) -> None:
        """Connect, and begin to write."""
        self._connection = await connect(self._database_url)
        self._task = asyncio.create_task(self._run(), name="committer")

    async def stop(self) -> None:
        """Write what is waiting, then end."""
        self._is_closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await close(self._connection)

    async def offer(self, offer: Offer) -> Answer:
        """Wait until the offer is on the disk, and say what became of it.

        Raises:
            LogBusy, LogUnavailable, NotFound
        """
        waiting = PendingOffer.of(offer)
        if self._is_closing or not self._has_room(waiting):
            raise LogBusy("Too many drafts are waiting; send these again in a moment.")
        self._enqueue(waiting)
        self._arrived.set()
        self.last_s = time.monotonic()
        late = LogUnavailable("The log does not answer; send the same drafts again.")
        timer = asyncio.get_running_loop().call_later(self._answer_s_max, waiting.fail, late)
        try:
            return await waiting.answer
        finally:
            timer.cancel()

    async def idle(self, *, within_s: float) -> None:
        """Wait until nothing is being written, but no longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._is_idle.wait()

    def _has_room(self, waiting: PendingOffer) -> bool:
        if self._aside.holds(waiting.family):
            return self._aside.has_room(waiting.family, waiting.drafts)
        return self._drafts_waiting + waiting.drafts <= self._drafts_waiting_max

    def _enqueue(self, waiting: PendingOffer) -> None:
        if self._aside.holds(waiting.family):
            self._aside.add(waiting, time.monotonic())
        else:
            self._waiting.append(waiting)
            self._drafts_waiting += waiting.drafts

    async def _run(self) -> None:
        while self._waiting or self._aside or not self._is_closing:
            self._refuse(self._aside.over(time.monotonic()))
            other = self._gives_way_to
            if other is not None and self._waiting:
                await other.idle(within_s=GIVE_WAY_S_MAX)
            batch, began_s = self._gather(), time.monotonic()
            if not batch:
                await self._rest()
                continue
            await self._commit(batch)
            if other is not None and other.last_s >= began_s:
                await asyncio.sleep(min(time.monotonic() - began_s, GIVE_WAY_S_MAX))
            elif len(batch) > 1:
                await asyncio.sleep(GATHER_S)

    async def _rest(self) -> None:
        """Wait until something is offered, or a locked family is to be tried again."""
        self._arrived.clear()
        self._is_idle.set()
        next_at_s = self._aside.next_at_s()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if next_at_s is None else max(0.0, next_at_s - time.monotonic())):
                await self._arrived.wait()
        self._is_idle.clear()

    def _gather(self) -> list[PendingOffer]:
        """The offers of the next transaction: none if there is nothing to do. What may be locked fills at most half of it."""
        batch = self._aside.due(time.monotonic(), drafts_max=self._drafts_per_transaction // 2)
        count = sum(waiting.drafts for waiting in batch)
        while self._waiting:
            first = self._waiting[0]
            if first.answer.done():  # nobody waits for it any more
                self._take_first()
                continue
            is_aside = self._aside.holds(first.family)
            if batch and not is_aside and count + first.drafts > self._drafts_per_transaction:
                break
            self._take_first()
            if not is_aside:
                batch.append(first)
                count += first.drafts
            elif self._aside.has_room(first.family, first.drafts):
                self._aside.add(first, time.monotonic())
            else:
                first.fail(LogBusy("Too many drafts of this family are waiting; send these again in a moment."))
        return batch

    def _take_all(self) -> list[PendingOffer]:
        taken = list(self._waiting)
        self._waiting.clear()
        self._drafts_waiting = 0
        return taken

    def _take_first(self) -> None:
        self._drafts_waiting -= self._waiting.popleft().drafts

    async def _commit(self, batch: Sequence[PendingOffer]) -> None:
        """Write a batch whole; where it cannot be written, each offer by itself, so that one stops no other."""
        try:
            appended = await self._write([waiting.offer for waiting in batch])
        except LogUnavailable as error:
            # Where no server can be reached, whoever waits would only try the same again, one group after the other.
            for waiting in batch if self._is_connected else (*batch, *self._take_all()):
                waiting.fail(error)
        except Exception as error:
            if len(batch) == 1:
                logger.exception("append failed", code="append.crashed")
                batch[0].fail(error)
                return
            for waiting in batch:
                await self._commit([waiting])
        else:
            self._announce(appended)
            locked = []
            for waiting, outcome in zip(batch, appended.receipts, strict=True):
                if isinstance(outcome, FamilyLocked):
                    locked.append(waiting)
                else:
                    waiting.settle(appended.logs[waiting.family], outcome)
                    self._let_go_on(waiting.family)
            self._refuse(self._aside.found_locked(locked, time.monotonic()))

    def _let_go_on(self, family: FamilyId) -> None:
        """Write what was set aside of a family that is free, before whatever else waits."""
        freed = self._aside.found_free(family)
        self._waiting.extendleft(reversed(freed))
        self._drafts_waiting += sum(waiting.drafts for waiting in freed)

    async def _write(self, offers: Sequence[Offer]) -> Appended:
        for attempt in range(ATTEMPTS):
            try:
                return await self._write_once(offers)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                await asyncio.sleep(RETRY_AFTER_S * 2**attempt)
            except PASSING as error:
                logger.warning("log unavailable", error=type(error).__name__)
                self._abandon()
                raise LogUnavailable("The log does not answer; send the same drafts again.") from error
        raise LogUnavailable("Other writers were in the way too often; send the same drafts again.")

    async def _write_once(self, offers: Sequence[Offer]) -> Appended:
        if self._connection is None or self._connection.is_closed():
            self._is_connected = False
            self._connection = await connect(self._database_url)
            self._is_connected = True
        async with self._connection.transaction():
            appended = await append_where_free(self._connection, offers, now=self._now(), states=self._states)
        for family, state in appended.states.items():
            self._states.keep(family, state)
        return appended

    def _refuse(self, locked: Sequence[PendingOffer]) -> None:
        for waiting in locked:
            waiting.fail(FamilyLocked())

    def _abandon(self) -> None:
        """Leave a connection of unknown state behind. The next batch opens another."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
