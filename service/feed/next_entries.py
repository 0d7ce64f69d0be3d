"""Reads the end of a member's feed for a stream that follows it.

Owns the shortcut: who knows the chain at the place where they stand need not hash their way to it from the beginning of
the run, up to 255 entries earlier, for every single entry that they are told. The bytes of an entry are `pages`'.
"""

from typing import Any

import msgspec

from events.ids import FamilyId, LogId, MemberId
from service.feed.pages import by_itself, entries_of, page
from service.postgres.queries import load

QUERIES = load(__package__, "live.sql")


class Start(msgspec.Struct, frozen=True):
    """What a feed is at the place from which it is read on."""

    log: LogId
    chain: bytes
    """The hash of all entries up to that place."""


class Stretch(msgspec.Struct, frozen=True):
    """Some entries of a feed, each with its chain, and where they leave the reader."""

    entries: list[tuple[int, bytes]]
    """(place, the entry as JSON), places ascending by one."""
    place: int
    """The place of the last entry given, or `after` where there is none."""
    chain: bytes | None
    """The hash of all entries up to that place, where it is known."""
    more: bool
    """Whether entries may follow that are there already."""
    start: Start | None = None
    """None where the reader gave the chain at `after`, and nothing was asked."""


async def from_anywhere(pool: Any, *, family: FamilyId, member: MemberId, after: int, limit: int) -> Stretch:
    """Read at most `limit` entries after a place of which nothing else is known.

    Raises:
        FeedAhead: the feed ends before `after`.
        NotFound: there is no such family.
    """
    found = await page(pool, family=family, member=member, after=after, limit=limit, as_bytes=by_itself)
    return Stretch(found.entries, found.place, found.chain, found.more, Start(found.log, found.chain_before))


async def onward(pool: Any, *, family: FamilyId, member: MemberId, after: int, chain: bytes, limit: int) -> Stretch:
    """Read at most `limit` entries after a place that this same feed reached with this chain."""
    rows = await pool.fetch(QUERIES.onward, family, member, after + 1, limit)
    _, entries, chain = entries_of(rows, chain, after=after, as_bytes=by_itself)
    return Stretch(entries, entries[-1][0] if entries else after, chain, len(entries) == limit)
