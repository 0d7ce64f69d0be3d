"""Reads the entries after a place of a member's feed, for a stream or a webhook that follows the feed.

Owns a shortcut for readers that already know the chain's hash at their place. Without the shortcut, up to 255 earlier entries of
the run would have to be hashed for each new entry (see `projections.feed`). `pages` writes the bytes of an entry.
"""

from typing import Any

import msgspec

from events.ids import FamilyId, LogId, MemberId
from service.feed.pages import by_itself, entries_of, page
from service.postgres.queries import load

QUERIES = load(__package__, "live.sql")


class Start(msgspec.Struct, frozen=True):
    """The log's id, and the chain's hash at the place after which entries are read."""

    log: LogId
    chain: bytes
    """The hash over all entries up to this place."""


class Stretch(msgspec.Struct, frozen=True):
    """Neighbouring entries of a feed, each with the chain's hash, and the place and the hash at the last entry."""

    entries: list[tuple[int, bytes]]
    """Pairs of a place and an entry as JSON. Each place is greater than the place before by one."""
    place: int
    """The place of the last entry, or `after` if there are no entries."""
    chain: bytes | None
    """The hash over all entries up to `place`, or None if it is not known."""
    more: bool
    """Whether the feed may have further entries after these."""
    start: Start | None = None
    """The log's id, and the chain's hash at `after`. None if the caller passed this hash: then neither of the two was read."""


async def from_anywhere(pool: Any, *, family: FamilyId, member: MemberId, after: int, limit: int) -> Stretch:
    """Reads at most `limit` entries after a place for which the caller does not know the chain's hash.

    Raises:
        FeedAhead: the feed ends before `after`.
        NotFound: there is no such family.
    """
    found = await page(pool, family=family, member=member, after=after, limit=limit, as_bytes=by_itself)
    return Stretch(found.entries, found.place, found.chain, found.more, Start(found.log, found.chain_before))


async def onward(pool: Any, *, family: FamilyId, member: MemberId, after: int, chain: bytes, limit: int) -> Stretch:
    """Reads at most `limit` entries after the place `after`. `chain` is the chain's hash at this place."""
    rows = await pool.fetch(QUERIES.onward, family, member, after + 1, limit)
    _, entries, chain = entries_of(rows, chain, after=after, as_bytes=by_itself)
    return Stretch(entries, entries[-1][0] if entries else after, chain, len(entries) == limit)
