"""Writes a TimePassed event (a tick) into a family's log when a member's limit of days for a held event is over.

Owns the times of the searches for such members, and the choice of the families to search. The surprise rule decides which events
a tick releases when the log appends the tick, so a replay needs no clock. Every process searches. If several processes find the
same family, the log lets only one of them write.
"""

import asyncio
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from events.ids import FamilyId, MemberId
from projections.family import Family
from projections.fold import members_due
from service.background import PeriodicTask, log_failure, off_loop
from service.log.log import Log
from service.log.store.families import read_roster, read_surprises
from service.log.store.read import load_whole
from service.postgres.queries import load

QUERIES: Final = load(__package__, "clock.sql")
LOG: Final = structlog.get_logger()
_logging_failures: Final = partial(log_failure, LOG, part="clock", waits="a tick has to wait", failed="a tick failed")

EVERY_S: Final = 600.0
"""Seconds between two searches. Ten minutes are short compared to a limit of days, and long enough to keep the query cheap."""
FIRST_AFTER_S: Final = 5.0
"""Seconds between the start of the process and the first search. The first search may cause many releases, and devices should be
able to connect before these releases."""
FAMILIES_A_PAGE: Final = 50
"""Bound on the families of one page of a search. The ticks of one page are appended together."""
FIRST_ID: Final = UUID(int=0)


class Clock(PeriodicTask):
    """A background task that searches every `every_s` seconds for members whose limit of days is over, and writes ticks."""

    def __init__(
        self, *, pool: Any, log: Log, every_s: float = EVERY_S, first_after_s: float = FIRST_AFTER_S,
        families_a_page: int = FAMILIES_A_PAGE,
    ) -> None:  # fmt: skip
        super().__init__(name="clock", every_s=every_s, first_after_s=first_after_s)
        self._pool = pool
        self._log = log
        self._families_a_page = families_a_page

    async def run_once(self) -> None:
        """Ticks once, and logs a failure. After a stop, the log still completes the appends that a tick has already requested."""
        with _logging_failures():
            await self.tick()

    async def tick(self) -> int:
        """Searches all families once. Returns the number of written ticks.

        Raises:
            PASSING: Postgres did not return the list of families.
        """
        written, after = 0, FIRST_ID
        while True:
            rows = await self._pool.fetch(QUERIES.perhaps_due, after, self._log.now(), self._families_a_page)
            families = [FamilyId(row["family_id"]) for row in rows]
            # Families are read one after another, to leave connections for requests. Ticks are written together, in one commit.
            due = [(family, member) for family in families if (member := await self._due_member(family)) is not None]
            written += sum(await asyncio.gather(*(self._note(family, member) for family, member in due)))
            if len(families) < self._families_a_page:
                return written
            after = families[-1]

    async def _due_member(self, family: FamilyId) -> MemberId | None:
        """Returns a member of the family whose limit of days is over for a held event.

        Returns None if there is no such member, or if the family could not be read.
        """
        due = None
        with _logging_failures():
            async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
                state = Family(await read_roster(connection, family), await read_surprises(connection, family))
                await load_whole(connection, {(family, member): one for member, one in state.surprises.items()})
            members = await off_loop(state.held_count(), members_due, state, self._log.now())
            due = next(iter(members), None)
        return due

    async def _note(self, family: FamilyId, member: MemberId) -> bool:
        is_noted = False
        with _logging_failures():
            is_noted = await self._log.note_time(family=family, author=member)
        return is_noted
