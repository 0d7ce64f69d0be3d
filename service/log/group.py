"""Group commit: what many devices push at one time becomes one transaction.

While one transaction is on its way to the disk, whatever arrives is gathered for the next, so that a commit is paid once
for all of them, and a device that is alone never waits for a timer. A process has one committer for all pushes, with a
connection of its own: two made smaller groups, and wrote half to nine tenths as much.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import asyncpg
import msgspec
import structlog

from events.errors import Refused
from events.ids import LogId
from service.errors import PASSING
from service.log.append import Appended, append
from service.log.offer import Offer
from service.log.receipts import Receipt
from service.log.state import FamilyStates
from service.postgres.pool import connect

DRAFTS_PER_TRANSACTION: Final = 500
"""From design.md: what a Postgres-wire engine of several machines takes in one transaction."""
DRAFTS_WAITING_MAX: Final = 20_000
"""About 10 MB of drafts, and a second or two of work."""
ATTEMPTS: Final = 5
RETRY_AFTER_S: Final = 0.01
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


Answer = tuple[LogId, tuple[Receipt, ...]]
"""The log that the drafts are in, and their receipts."""


class Waiting(msgspec.Struct, frozen=True):
    """An offer, and who waits for its answer."""

    offer: Offer
    answer: asyncio.Future[Answer]


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
        gives_way_to: "Committer | None" = None,
    ) -> None:
        self._database_url = database_url
        self._now = now
        self._announce = announce
        self._states = states
        self._drafts_per_transaction = drafts_per_transaction
        self._drafts_waiting_max = drafts_waiting_max
        self._gives_way_to = gives_way_to
        self._is_idle = asyncio.Event()
        self.last_s = 0.0
        """When something was offered last, by the monotonic clock."""
        self._waiting: deque[Waiting] = deque()
        self._drafts_waiting = 0
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
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
            await self._connection.close()

    async def offer(self, offer: Offer) -> Answer:
        """Wait until the offer is on the disk, and say what became of it.

        Raises:
            LogBusy, LogUnavailable, NotFound
        """
        if self._is_closing or self._drafts_waiting + len(offer.drafts) > self._drafts_waiting_max:
            raise LogBusy("Too many drafts are waiting; send these again in a moment.")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(offer, future))
        self._drafts_waiting += len(offer.drafts)
        self._arrived.set()
        self.last_s = time.monotonic()
        return await future

    async def idle(self, *, within_s: float) -> None:
        """Wait until nothing is being written, but no longer than this."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._is_idle.wait()

    async def _run(self) -> None:
        while self._waiting or not self._is_closing:
            if not self._waiting:
                self._arrived.clear()
                self._is_idle.set()
                await self._arrived.wait()
                self._is_idle.clear()
                continue
            other = self._gives_way_to
            if other is not None:
                await other.idle(within_s=GIVE_WAY_S_MAX)
            batch, began_s = self._gather(), time.monotonic()
            await self._commit(batch)
            if other is not None and other.last_s >= began_s:
                await asyncio.sleep(min(time.monotonic() - began_s, GIVE_WAY_S_MAX))
            elif len(batch) > 1:
                await asyncio.sleep(GATHER_S)

    def _gather(self) -> list[Waiting]:
        """The offers of the next transaction, at least one."""
        batch: list[Waiting] = []
        count = 0
        while self._waiting and (not batch or count + len(self._waiting[0].offer.drafts) <= self._drafts_per_transaction):
            batch.append(self._waiting.popleft())
            count += len(batch[-1].offer.drafts)
        self._drafts_waiting -= count
        return batch

    async def _commit(self, batch: Sequence[Waiting]) -> None:
        """Write a batch whole; where it cannot be written, each offer by itself, so that one stops no other."""
        try:
            appended = await self._write([waiting.offer for waiting in batch])
        except LogUnavailable as error:
            for waiting in batch:
                _fail(waiting, error)
        except Exception as error:
            if len(batch) == 1:
                logger.exception("append failed", code="append.crashed")
                _fail(batch[0], error)
                return
            for waiting in batch:
                await self._commit([waiting])
        else:
            self._announce(appended)
            for waiting, receipts in zip(batch, appended.receipts, strict=True):
                _answer(waiting, appended.logs[waiting.offer.family], receipts)

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
            self._connection = await connect(self._database_url)
        async with self._connection.transaction():
            appended = await append(self._connection, offers, now=self._now(), states=self._states)
        for family, state in appended.states.items():
            self._states.keep(family, state)
        return appended

    def _abandon(self) -> None:
        """Leave a connection of unknown state behind. The next batch opens another."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


def _answer(waiting: Waiting, log: LogId, receipts: tuple[Receipt, ...] | Refused) -> None:
    if waiting.answer.done():  # its device went away
        return
    if isinstance(receipts, Refused):
        waiting.answer.set_exception(receipts)
    else:
        waiting.answer.set_result((log, receipts))


def _fail(waiting: Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
