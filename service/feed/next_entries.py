"""Reads the entries after a place of a member's feed, for a stream or a webhook that follows the feed.

Owns a shortcut for readers that already know the hash chain at their place. Otherwise each new entry would require the hashing of
up to 255 earlier entries of its run (see `projections.feed`). The bytes of an entry are written by `pages`.
"""

from typing import Any

import msgspec

from events.ids import FamilyId, LogId, MemberId
from service.feed.pages import by_itself, entries_of, page
from service.postgres.queries import load

QUERIES = load(__package__, "live.sql")


class Start(msgspec.Struct, frozen=True):
    """The state of a feed at the place after which it is read."""

    log: LogId
    chain: bytes
    """The hash over all entries up to that place."""


class Stretch(msgspec.Struct, frozen=True):
    """Neighbouring entries of a feed, each with its chain, and the place and chain after them."""

    entries: list[tuple[int, bytes]]
    """(place, the entry as JSON), places ascending by one."""
    place: int
    """The place of the last entry, or `after` where there are no entries."""
    chain: bytes | None
    """The hash over all entries up to that place; None where it is not known."""
    more: bool
    """Whether more entries may be stored after these."""
    start: Start | None = None
    """None where the caller passed the chain at `after`: then it was not read."""


async def from_anywhere(pool: Any, *, family: FamilyId, member: MemberId, after: int, limit: int) -> Stretch:
    """Reads at most `limit` entries after a place whose chain the caller does not know.

    Raises:
        FeedAhead: the feed ends before `after`.
        NotFound: there is no such family.
    """
    found = await page(pool, family=family, member=member, after=after, limit=limit, as_bytes=by_itself)
    return Stretch(found.entries, found.place, found.chain, found.more, Start(found.log, found.chain_before))


async def onward(pool: Any, *, family: FamilyId, member: MemberId, after: int, chain: bytes, limit: int) -> Stretch:
    """Reads at most `limit` entries after a place at which this feed has this chain."""
    rows = await pool.fetch(QUERIES.onward, family, member, after + 1, limit)
    _, entries, chain = entries_of(rows, chain, after=after, as_bytes=by_itself)
    return Stretch(entries, entries[-1][0] if entries else after, chain, len(entries) == limit)
