"""Group commit: what many devices push at one time becomes one transaction.

While one transaction is on its way to the disk, whatever arrives is gathered for the next, so that a commit is paid once
for all of them, and a device that is alone never waits for a timer. A process has one committer for all pushes, with a
connection of its own: two made smaller groups, and wrote half to nine tenths as much.

A group waits for no lock on a family: whoever's family another transaction holds is set aside, and tried with later groups.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from events.errors import Refused
from events.ids import FamilyId
from service.http.problems import PASSING
from service.log.append import Appended, append_where_free
from service.log.append_queue import AppendQueue, LogBusy
from service.log.append_request import AppendRequest
from service.log.family_cache import FamilyCache
from service.log.locked_families import FORGOTTEN_S, FamilyLocked, TooLong
from service.log.pending_append import Answer, PendingAppend
from service.postgres.pool import close, connect

DRAFTS_PER_TRANSACTION: Final = 500
"""From design.md: what a Postgres-wire engine of several machines takes in one transaction."""
DRAFTS_WAITING_MAX: Final = 20_000
"""About 10 MB of drafts, and a second or two of work."""
HELD_MAX: Final = 1_000
"""Of events that one act asks the rule about, in a transaction that others share: about 20 ms."""
LOCK_S_MAX: Final = 0.5
"""Until rows of a family that is not locked itself are found to be locked, by hand."""
ATTEMPTS: Final = 5
RETRY_AFTER_S: Final = 0.01
ANSWER_S_MAX: Final = 8.0
"""A request is answered after this long, whatever Postgres does: a command that is silent is given up after five seconds."""
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


class Committer:
    """Writes what is requested, one transaction at a time.

    `announce` is called after each commit with what became of the batch; it neither blocks nor raises. `cache` may be shared
    with other committers of the process. One that `gives_way_to` another begins its transactions while that one is idle, if it
    can, and leaves it half of the time while it is busy. What would keep others waiting it leaves to the committer `apart`;
    without one, it takes one family a transaction, however long that is.
    """

    def __init__(
        self,
        database_url: str,
        *,
        now: Callable[[], datetime],
        announce: Callable[[Appended], None],
        cache: FamilyCache,
        drafts_per_transaction: int = DRAFTS_PER_TRANSACTION,
        drafts_waiting_max: int = DRAFTS_WAITING_MAX,
        answer_s_max: float = ANSWER_S_MAX,
        gives_way_to: "Committer | None" = None,
        apart: "Committer | None" = None,
    ) -> None:
        self._database_url = database_url
        self._now = now
        self._announce = announce
        self._cache = cache
        self._answer_s_max = answer_s_max
        self._gives_way_to = gives_way_to
        self._apart = apart
        self._claimed_at_s: dict[FamilyId, float] = {}
        self._is_idle = asyncio.Event()
        self.last_s = 0.0
        """When something was requested last, by the monotonic clock."""
        self._queue = AppendQueue(
            drafts_max=drafts_waiting_max, drafts_per_transaction=drafts_per_transaction, one_family=apart is None
        )
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._is_connected = True
        """Whether a connection could be opened when one was last needed."""
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    async def start(self) -> None:
        """Connect, and begin to write."""
        if self._apart is not None:  # the one apart is rarely needed
            self._connection = await connect(self._database_url, lock_s_max=LOCK_S_MAX)
        self._task = asyncio.create_task(self._run(), name="committer")

    async def stop(self) -> None:
        """Write what is waiting, then end."""
        self._is_closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await close(self._connection)

    async def append(self, request: AppendRequest) -> Answer:
        """Wait until the request is on the disk, and say what became of it.

        Raises:
            LogBusy, LogUnavailable, NotFound
        """
        if self._apart is not None and self._apart.claims(request.family):
            return await self._apart.append(request)
        if self._is_closing:
            raise LogBusy
        waiting = PendingAppend.of(request)
        self._queue.add(waiting)
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

    async def _run(self) -> None:
        while self._queue or not self._is_closing:
            self._queue.refuse_late()
            other = self._gives_way_to
            if other is not None and self._queue.has_fresh:
                await other.idle(within_s=GIVE_WAY_S_MAX)
            batch, began_s = self._queue.gather(), time.monotonic()
            if not batch:
                await self._rest()
                continue
            await self._commit(batch)
            if other is not None and other.last_s >= began_s:
                await asyncio.sleep(min(time.monotonic() - began_s, GIVE_WAY_S_MAX))
            elif len(batch) > 1:
                await asyncio.sleep(GATHER_S)

    async def _rest(self) -> None:
        """Wait until something is requested, or a locked family is to be tried again."""
        self._arrived.clear()
        self._is_idle.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._queue.next_in_s()):
                await self._arrived.wait()
        self._is_idle.clear()

    async def _commit(self, batch: Sequence[PendingAppend]) -> None:
        """Write a batch whole; where it cannot be written, each request by itself, so that one stops no other."""
        try:
            appended = await self._write([waiting.request for waiting in batch])
        except LogUnavailable as error:
            # Where no server can be reached, whoever waits would only try the same again, one group after the other.
            for waiting in batch:
                waiting.fail(error)
            if not self._is_connected:
                self._queue.fail_all(error)
        except TooLong as long:
            self._hand_over([waiting for waiting in batch if waiting.family in long.families])
            if others := [waiting for waiting in batch if waiting.family not in long.families]:
                await self._commit(others)
        except asyncpg.LockNotAvailableError:
            # Not a head, which nobody waits for: rows of one of these families are locked, by hand. It is not said of which.
            self._abandon_locked(batch)
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
                    self._queue.found_free(waiting.family)
                    self._claimed_at_s.pop(waiting.family, None)
            self._queue.found_locked(locked)

    # What is written apart, so that others do not wait for it.

    def claims(self, family: FamilyId) -> bool:
        """Whether this committer is the one for a family, because rows of it were found locked lately."""
        at_s = self._claimed_at_s.get(family)
        return at_s is not None and time.monotonic() - at_s < FORGOTTEN_S

    def claim(self, families: Collection[FamilyId]) -> None:
        """Be the one for these families until each was written once, or has requested nothing for some seconds."""
        now_s = time.monotonic()
        lately = {family: at_s for family, at_s in self._claimed_at_s.items() if now_s - at_s < FORGOTTEN_S}
        self._claimed_at_s = lately | dict.fromkeys(families, now_s)

    def take_over(self, requests: Sequence[PendingAppend]) -> None:
        """Write what another committer has left."""
        for request in requests:
            try:
                self._queue.add(request)
            except LogBusy as busy:
                request.fail(busy)
        self._arrived.set()

    def _hand_over(self, requests: Sequence[PendingAppend]) -> None:
        assert self._apart is not None, "only then is anything found too long, or locked"
        self._apart.take_over(requests)

    def _abandon_locked(self, batch: Sequence[PendingAppend]) -> None:
        """Let each family of a batch be written by itself, until it was; refuse a family that is by itself already."""
        families = {waiting.family for waiting in batch}
        if self._apart is not None:
            self._apart.claim(families)
            self._hand_over(batch)
            return
        self.claim(families)
        for waiting in batch:
            waiting.fail(FamilyLocked())

    async def _write(self, requests: Sequence[AppendRequest]) -> Appended:
        for attempt in range(ATTEMPTS):
            try:
                return await self._write_once(requests)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                await asyncio.sleep(RETRY_AFTER_S * 2**attempt)
            except asyncpg.LockNotAvailableError:
                raise
            except PASSING as error:
                logger.warning("log unavailable", error=type(error).__name__)
                self._abandon()
                raise LogUnavailable("The log does not answer; send the same drafts again.") from error
        raise LogUnavailable("Other writers were in the way too often; send the same drafts again.")

    async def _write_once(self, requests: Sequence[AppendRequest]) -> Appended:
        if self._connection is None or self._connection.is_closed():
            self._is_connected = False
            self._connection = await connect(self._database_url, lock_s_max=LOCK_S_MAX)
            self._is_connected = True
        async with self._connection.transaction():
            held_max = HELD_MAX if self._apart is not None else None
            appended = await append_where_free(
                self._connection, requests, now=self._now(), cache=self._cache, held_max=held_max
            )
        for family, state in appended.states.items():
            self._cache.keep(family, state)
        return appended

    def _abandon(self) -> None:
        """Leave a connection of unknown state behind. The next batch opens another."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None
