"""Group commit: writes in one transaction what many devices push at the same time.

While one transaction is on its way to the disk, new requests are collected for the next one, so that one commit serves all of
them. A single device never waits for a timer. A process has one committer for all pushes, with a connection of its own. Two
committers made smaller groups, and wrote only half to nine tenths as many requests.

A group waits for no lock on a family. If another transaction has locked a family, the requests of that family are set aside, and
tried again with later groups.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from events.ids import FamilyId
from service.http.problems import PASSING
from service.log.append import Appended, append
from service.log.append_queue import FORGOTTEN_S, Answer, AppendQueue, PendingAppend
from service.log.append_request import AppendRequest, FamilyLocked, LogBusy, LogUnavailable, TooLong
from service.log.family_batch import FamilyCache
from service.postgres.pool import close, connect

DRAFTS_PER_TRANSACTION: Final = 500
"""The maximum of drafts in one transaction: as many as a distributed engine with the Postgres protocol takes."""
DRAFTS_WAITING_MAX: Final = 20_000
"""The maximum of waiting drafts: about 10 MB, and one or two seconds of work."""
HELD_MAX: Final = 1_000
"""The maximum of held events that one act may check in a transaction that other requests share: about 20 ms of work."""
LOCK_S_MAX: Final = 0.5
"""How long a statement waits for locked rows. While a family's head is free, its other rows are locked only by an operator."""
ATTEMPTS: Final = 5
RETRY_AFTER_S: Final = 0.01
ANSWER_S_MAX: Final = 8.0
"""The time after which every request is answered, whatever Postgres does. A command that gets no response is given up after
five seconds."""
GATHER_S: Final = 0.001
"""The pause after a group of several requests. In this pause the devices that were just answered can send their next requests.
So the next group is twice as large: 16 devices wrote 1,830 requests/s instead of 1,470. A single device never waits."""
GIVE_WAY_S_MAX: Final = 0.03
"""The longest wait of a committer that gives way to another one. It waits before a transaction, while the other one writes. If
the other one got a request during the transaction, it also waits afterwards, for as long as the transaction took."""

logger = structlog.get_logger()


class Committer:
    """Writes the requests of its queue, one transaction at a time.

    `announce`: called after each commit with the result of the batch; it neither blocks nor raises. `cache`: may be shared with
    other committers of the process. `gives_way_to`: another committer. This one begins its transactions while the other is idle,
    if possible; while the other is busy, this one uses at most half of the time. `apart`: the committer that takes over requests
    which would keep others waiting. A committer without `apart` writes one family in each transaction, however long that takes.
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
        """The time of the last request, by the monotonic clock."""
        self._queue = AppendQueue(
            drafts_max=drafts_waiting_max, drafts_per_transaction=drafts_per_transaction, one_family=apart is None
        )
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._is_connected = True
        """Whether the last attempt to open a connection succeeded."""
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    async def start(self) -> None:
        """Connects, and begins to write."""
        if self._apart is not None:  # a committer without `apart` is rarely needed, so it connects at its first batch
            self._connection = await connect(self._database_url, lock_s_max=LOCK_S_MAX)
        self._task = asyncio.create_task(self._run(), name="committer")

    async def stop(self) -> None:
        """Writes the waiting requests, then ends the task and closes the connection."""
        self._is_closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        if self._connection is not None:
            await close(self._connection)

    async def append(self, request: AppendRequest) -> Answer:
        """Queues a request, and waits until its events are on the disk. Returns the log's id and the receipts.

        Raises:
            LogBusy, LogUnavailable, NotFound: nothing was written; with LogUnavailable, this is unknown.
            FamilyLocked, Overtaken: another transaction or writer was in the way; nothing was written.
        """
        if self._apart is not None and self._apart.claims(request.family):
            return await self._apart.append(request)
        if self._is_closing:
            raise LogBusy
        waiting = PendingAppend(request)
        self._queue.add(waiting)
        self._arrived.set()
        self.last_s = time.monotonic()
        timer = asyncio.get_running_loop().call_later(self._answer_s_max, waiting.give_up)
        try:
            return await waiting.answer
        finally:
            timer.cancel()

    async def idle(self, *, within_s: float) -> None:
        """Waits until this committer writes nothing, but not longer than `within_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._is_idle.wait()

    async def _run(self) -> None:
        while self._queue or not self._is_closing:
            other = self._gives_way_to
            if other is not None and self._queue.has_fresh:
                await other.idle(within_s=GIVE_WAY_S_MAX)
            batch, began_s = self._queue.gather(), time.monotonic()
            if not batch:  # until a request arrives, or a locked family is to be tried again
                self._arrived.clear()
                self._is_idle.set()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._queue.next_in_s()):
                        await self._arrived.wait()
                self._is_idle.clear()
                continue
            await self._commit(batch)
            if other is not None and other.last_s >= began_s:
                await asyncio.sleep(min(time.monotonic() - began_s, GIVE_WAY_S_MAX))
            elif len(batch) > 1:
                await asyncio.sleep(GATHER_S)

    async def _commit(self, batch: Sequence[PendingAppend]) -> None:
        """Writes a batch in one transaction. If that crashes, writes each request alone, so that one does not stop another."""
        try:
            appended = await self._write([waiting.request for waiting in batch])
        except LogUnavailable as error:
            # Without a server, the waiting requests would only try the same again, one group after another.
            for waiting in batch:
                waiting.fail(error)
            if not self._is_connected:
                self._queue.fail_all(error)
        except TooLong as long:
            self._hand_over([waiting for waiting in batch if waiting.family in long.families])
            if others := [waiting for waiting in batch if waiting.family not in long.families]:
                await self._commit(others)
        except asyncpg.LockNotAvailableError:
            # No head is locked, because nothing here waits for a head. Other rows of a family are locked, by an operator, and it
            # is unknown which family that is.
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
            if locked:
                self._queue.found_locked(locked)

    # Families that are written apart, so that others do not wait for them.

    def claims(self, family: FamilyId) -> bool:
        """Returns whether this committer takes all requests of a family, because rows of it were found locked recently."""
        at_s = self._claimed_at_s.get(family)
        return at_s is not None and time.monotonic() - at_s < FORGOTTEN_S

    def claim(self, families: Collection[FamilyId]) -> None:
        """Lets this committer take all requests of these families for `FORGOTTEN_S`, or until one request is written."""
        now_s = time.monotonic()
        lately = {family: at_s for family, at_s in self._claimed_at_s.items() if now_s - at_s < FORGOTTEN_S}
        self._claimed_at_s = lately | dict.fromkeys(families, now_s)

    def take_over(self, requests: Sequence[PendingAppend]) -> None:
        """Queues requests that another committer hands over."""
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
        """Hands a batch with locked rows over to the committer `apart`, which writes one family at a time.

        A committer without `apart` writes one family at a time already, so it refuses the batch.
        """
        families = {waiting.family for waiting in batch}
        if self._apart is not None:
            self._apart.claim(families)
            self._hand_over(batch)
            return
        self.claim(families)
        for waiting in batch:
            waiting.fail(FamilyLocked())

    async def _write(self, requests: Sequence[AppendRequest]) -> Appended:
        """Writes requests in one transaction. Tries again after a deadlock or a conflict with another writer."""
        for attempt in range(ATTEMPTS):
            try:
                if self._connection is None or self._connection.is_closed():
                    self._is_connected = False
                    self._connection = await connect(self._database_url, lock_s_max=LOCK_S_MAX)
                    self._is_connected = True
                async with self._connection.transaction():
                    held_max = HELD_MAX if self._apart is not None else None
                    appended = await append(
                        self._connection, requests, now=self._now(), cache=self._cache, waits=False, held_max=held_max
                    )
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                await asyncio.sleep(RETRY_AFTER_S * 2**attempt)
            except asyncpg.LockNotAvailableError:
                raise
            except PASSING as error:
                logger.warning("log unavailable", error=type(error).__name__)
                if self._connection is not None:  # its state is unknown: the next batch opens another
                    self._connection.terminate()
                self._connection = None
                raise LogUnavailable("The log does not answer; send the same drafts again.") from error
            else:
                for family, state in appended.states.items():
                    self._cache.keep(family, state)
                return appended
        raise LogUnavailable("Other writers were in the way too often; send the same drafts again.")
