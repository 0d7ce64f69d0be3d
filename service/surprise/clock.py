"""The clock's tick: writes into a family's log that the days have passed after which somebody wished to be told after all.

Owns when to look, and in which families. What is freed by it the rule decides, as the log appends the tick: so a replay needs
no clock. Every process looks; of several that find the same family, the log lets one write.
"""

import asyncio
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from events.ids import FamilyId, MemberId
from projections.lifting import passed_at
from projections.visibility import freed
from service.background import log_failure, off_loop
from service.log.family_cache import read_roster
from service.log.log import Log
from service.log.waiting_rows import load_whole, read_waiting
from service.postgres.queries import load

QUERIES: Final = load(__package__, "clock.sql")
LOG: Final = structlog.get_logger()
_told_if_it_fails: Final = partial(log_failure, LOG, part="clock", waits="a tick has to wait", failed="a tick failed")

EVERY_S: Final = 600.0
"""People count this wait in days: ten minutes more are nothing to them, and a look every ten minutes is nothing to Postgres."""
FIRST_AFTER_S: Final = 5.0
"""After a start there may be much to tell that a stopped service has not told; the first devices are let in before."""
FAMILIES_A_PAGE: Final = 50
"""So many ticks at most are offered to the log together."""
BEFORE_ALL: Final = UUID(int=0)


class Clock:
    """Looks, every so often, for those who have waited long enough."""

    def __init__(
        self, *, pool: Any, log: Log, every_s: float = EVERY_S, first_after_s: float = FIRST_AFTER_S,
        families_a_page: int = FAMILIES_A_PAGE,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._log = log
        self._every_s = every_s
        self._first_after_s = first_after_s
        self._families_a_page = families_a_page
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look, in the background."""
        self._task = asyncio.create_task(self._run(), name="clock")

    async def stop(self) -> None:
        """Look no more. What was offered to the log is the log's to finish."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        await asyncio.sleep(self._first_after_s)
        while True:
            with _told_if_it_fails():
                await self.tick()
            await asyncio.sleep(self._every_s)

    async def tick(self) -> int:
        """Look at every family once; gives how many ticks were written.

        Raises:
            PASSING: Postgres does not say where to look.
        """
        written, after = 0, BEFORE_ALL
        while True:
            rows = await self._pool.fetch(QUERIES.perhaps_due, after, self._log.now(), self._families_a_page)
            families = [FamilyId(row["family_id"]) for row in rows]
            # Read one after another, so that requests find connections; written together, so that one commit serves all.
            due = [(family, member) for family in families if (member := await self._who_is_due(family)) is not None]
            written += sum(await asyncio.gather(*(self._note(family, member) for family, member in due)))
            if len(families) < self._families_a_page:
                return written
            after = families[-1]

    async def _who_is_due(self, family: FamilyId) -> MemberId | None:
        """Somebody of whose waits one is over; None where it only looked so, or where it cannot be told this time."""
        due = None
        with _told_if_it_fails():
            async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
                roster = await read_roster(connection, family)
                waiting = await read_waiting(connection, family)
                await load_whole(connection, {(family, member): waits for member, waits in waiting.items()})
            has_passed = passed_at(self._log.now())
            held = sum(len(waits.held) for waits in waiting.values())
            due = await off_loop(
                held, lambda: next((one for one in sorted(waiting) if freed(waiting[one], roster, is_lifted=has_passed)), None)
            )
        return due

    async def _note(self, family: FamilyId, member: MemberId) -> bool:
        is_noted = False
        with _told_if_it_fails():
            is_noted = await self._log.note_time(family=family, author=member)
        return is_noted
