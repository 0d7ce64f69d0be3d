"""Looks at Postgres for all streams of this process at once: who may no longer listen, and who was told something unheard.

Owns the two rhythms of looking. Wake-ups are fast and may be lost; this is slow and is not (law 18). Each look is one query
for all streams, so that a held stream costs the database a fraction of an index entry a second.
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
"""How often revoked devices and members who left are looked for. The guard remembers for half a second, so that a stream
which was let in on a memory ends within a second of the revocation all the same (I-25)."""

ASKED_TOGETHER_MAX: Final = 1_000
LOOK_S_MAX: Final = 5.0

QUERIES = load(__package__, "live.sql")
LOG = structlog.get_logger()


class Poller:
    """The one who looks."""

    def __init__(self, *, pool: Any, wake: Notifier, streams: Callable[[], Collection[Stream]]) -> None:
        self._pool = pool
        self._wake = wake
        self._streams = streams
        self._looked_at = time.monotonic()
        self._gaps_seen = wake.gaps
        self._is_blind = False

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            await asyncio.sleep(ENDS_EVERY_S)
            try:
                async with asyncio.timeout(LOOK_S_MAX):
                    await self._look_for_ends()
                    if self._is_look_due():
                        await self._look_for_entries()
                    self._is_blind = False
            except PASSING as error:
                # Postgres is gone or busy, and with it all that a stream could tell. Whatever was missed is seen when it is back.
                if not self._is_blind:
                    LOG.warning("streams.blind", error=type(error).__name__)
                self._is_blind = True

    def _is_look_due(self) -> bool:
        has_gap = self._gaps_seen != self._wake.gaps
        return has_gap or self._is_blind or time.monotonic() - self._looked_at >= self._wake.look_every_s

    async def _look_for_ends(self) -> None:
        for streams in _portions(list(self._streams())):
            devices = list({stream.device for stream in streams})
            revoked = {row[0] for row in await self._pool.fetch(QUERIES.revoked, devices)}
            members = list({(stream.family, stream.member) for stream in streams})
            rows = await self._pool.fetch(QUERIES.left, *_columns(members))
            left = {members[row[0] - 1] for row in rows}
            for stream in streams:
                if stream.device in revoked or (stream.family, stream.member) in left:
                    stream.hear_ended()

    async def _look_for_entries(self) -> None:
        gaps, began_at = self._wake.gaps, time.monotonic()
        if self._is_blind:
            # What came back may be a restored copy. Every stream's next look asks whether its place is still there.
            for stream in self._streams():
                stream.is_doubted = True
        for streams in _portions([stream for stream in self._streams() if stream.is_idle]):
            # Of a member's devices, one may have been told more than another: all are woken, and who lacks nothing sees so.
            place_by_member: dict[tuple[FamilyId, MemberId], int] = {}
            for stream in streams:
                member = (stream.family, stream.member)
                place_by_member[member] = min(stream.place, place_by_member.get(member, stream.place))
            members = list(place_by_member)
            rows = await self._pool.fetch(QUERIES.behind, *_columns(members), list(place_by_member.values()))
            behind = {members[row[0] - 1] for row in rows}
            for stream in streams:
                if (stream.family, stream.member) in behind:
                    stream.hear_told()
        self._gaps_seen, self._looked_at = gaps, began_at


def _portions(streams: Sequence[Stream]) -> Iterator[Sequence[Stream]]:
    for at in range(0, len(streams), ASKED_TOGETHER_MAX):
        yield streams[at : at + ASKED_TOGETHER_MAX]


def _columns(members: Sequence[tuple[FamilyId, MemberId]]) -> tuple[list[FamilyId], list[MemberId]]:
    return [family for family, _ in members], [member for _, member in members]
