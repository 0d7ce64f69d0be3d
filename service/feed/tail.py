"""Reads the end of a member's feed for a stream that follows it.

Owns the shortcut: who knows the chain at the place where they stand need not hash their way to it from the beginning of
the run, up to 255 entries earlier, for every single entry that they are told. The bytes of an entry are `pages`'.
"""

from typing import Any

import msgspec

from events.ids import FamilyId, MemberId
from service.feed.pages import entries_of, page
from service.postgres.queries import load

QUERIES = load(__package__, "live.sql")


class Stretch(msgspec.Struct, frozen=True):
    """Some entries of a feed, and where they leave the reader."""

    entries: list[tuple[int, bytes]]
    """(place, the entry as JSON), places ascending by one."""
    place: int
    """The place of the last entry given, or `after` where there is none."""
    chain: bytes | None
    """The hash of all entries up to that place, where it is known."""
    more: bool
    """Whether entries may follow that are there already."""


async def from_anywhere(pool: Any, *, family: FamilyId, member: MemberId, after: int, limit: int) -> Stretch:
    """Read at most `limit` entries after a place of which nothing else is known.

    Raises:
        FeedAhead: the feed ends before `after`.
        NotFound: there is no such family.
    """
    found = await page(pool, family=family, member=member, after=after, limit=limit)
    return Stretch(found.entries, found.place, found.chain, found.more)


async def onward(pool: Any, *, family: FamilyId, member: MemberId, after: int, chain: bytes, limit: int) -> Stretch:
    """Read at most `limit` entries after a place that this same feed reached with this chain."""
    rows = await pool.fetch(QUERIES.onward, family, member, after + 1, limit)
    entries, chain = entries_of(rows, chain, after=after)
    return Stretch(entries, entries[-1][0] if entries else after, chain, len(entries) == limit)
