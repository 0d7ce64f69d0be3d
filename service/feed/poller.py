"""Polls Postgres for all streams of this process at once: for lost access, and for new entries without a notification.

Owns the interval of each poll. Notifications are fast and may be lost; polling is slow and loses nothing (law 18). A query covers
up to 1,000 streams, so that an open stream costs the database only a few look-ups in an index per second.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

import structlog

from events.ids import FamilyId, MemberId
from service.feed.notifier import Notifier
from service.feed.stream import Stream
from service.http.problems import PASSING
from service.postgres.queries import load

ENDS_EVERY_S: Final = 0.4
"""The seconds between two look-ups of revoked devices and of members who left. The guard caches a token for half a second. So
even a stream that the guard accepted by its cache ends within a second of the revocation (I-25)."""

STREAMS_A_QUERY_MAX: Final = 1_000
POLL_S_MAX: Final = 5.0

QUERIES = load(__package__, "live.sql")
LOG = structlog.get_logger()


class Poller:
    """The poller of one process."""

    def __init__(self, *, pool: Any, notifier: Notifier, streams: Callable[[], Collection[Stream]]) -> None:
        self._pool = pool
        self._notifier = notifier
        self._streams = streams
        self._polled_at = time.monotonic()
        self._gaps_handled = notifier.gaps
        self._is_database_gone = False

    async def run(self) -> None:
        """Polls until cancelled."""
        while True:
            await asyncio.sleep(ENDS_EVERY_S)
            try:
                async with asyncio.timeout(POLL_S_MAX):
                    await self._end_those_without_access()
                    if self._is_poll_due():
                        await self._notify_those_behind()
                    self._is_database_gone = False
            except PASSING as error:
                # Postgres is gone or busy. Entries that streams have missed are read when Postgres is back.
                if not self._is_database_gone:
                    LOG.warning("streams.blind", error=type(error).__name__)
                self._is_database_gone = True

    def _is_poll_due(self) -> bool:
        has_gap = self._gaps_handled != self._notifier.gaps
        return has_gap or self._is_database_gone or time.monotonic() - self._polled_at >= self._notifier.poll_every_s

    async def _end_those_without_access(self) -> None:
        for streams in _portions(list(self._streams())):
            devices = list({stream.device for stream in streams})
            revoked = {row[0] for row in await self._pool.fetch(QUERIES.revoked, devices)}
            members = list({(stream.family, stream.member) for stream in streams})
            rows = await self._pool.fetch(QUERIES.left, *_columns(members))
            left = {members[row[0] - 1] for row in rows}
            for stream in streams:
                if stream.device in revoked or (stream.family, stream.member) in left:
                    stream.end()

    async def _notify_those_behind(self) -> None:
        gaps, began_at = self._notifier.gaps, time.monotonic()
        if self._is_database_gone:
            # The database that came back may be a restored backup: each stream's next read checks the chain at its place.
            for stream in self._streams():
                stream.is_doubted = True
        for streams in _portions([stream for stream in self._streams() if stream.is_idle]):
            # One device of a member may have received more than another device: all devices read, and some find nothing new.
            place_by_member: dict[tuple[FamilyId, MemberId], int] = {}
            for stream in streams:
                member = (stream.family, stream.member)
                place_by_member[member] = min(stream.place, place_by_member.get(member, stream.place))
            members = list(place_by_member)
            rows = await self._pool.fetch(QUERIES.behind, *_columns(members), list(place_by_member.values()))
            behind = {members[row[0] - 1] for row in rows}
            for stream in streams:
                if (stream.family, stream.member) in behind:
                    stream.notice_entries()
        self._gaps_handled, self._polled_at = gaps, began_at


def _portions(streams: Sequence[Stream]) -> Iterator[Sequence[Stream]]:
    for at in range(0, len(streams), STREAMS_A_QUERY_MAX):
        yield streams[at : at + STREAMS_A_QUERY_MAX]


def _columns(members: Sequence[tuple[FamilyId, MemberId]]) -> tuple[list[FamilyId], list[MemberId]]:
    return [family for family, _ in members], [member for _, member in members]
