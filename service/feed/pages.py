"""Reads a member's feed in pages. Owns the bytes of an entry; filters nothing, because the writing decided (law 6)."""

from hashlib import sha256
from typing import Any, Final

import msgspec

from events.errors import Refused
from events.ids import FamilyId, LogId, MemberId
from events.wire import current_bytes
from projections.feed import link
from service.errors import NotFound
from service.postgres.queries import load

PAGE_MAX: Final = 2_000
PAGE_DEFAULT: Final = 500

CHAIN_DIGITS: Final = 16
"""Of 64, in an entry: enough to notice that a feed is not the one that was mirrored. A page says the whole chain at its end;
hashes do not compress, and in every entry they were 88 of the 200 kB of a first pull of 2,000."""

QUERIES = load(__package__, "pages.sql")


class FeedAhead(Refused):
    """The device has seen places that this feed does not have: the log was restored from an older copy.

    The device drops its mirror, offers every draft that it ever authored again, and pulls from 0.
    """

    code, status, title = "feed.ahead", 409, "The feed ends before that"

    def __init__(self, *, after: int, place: int) -> None:
        super().__init__(f"You ask for what comes after place {after}; this feed ends at {place}.", at="after")
        self.after = after
        self.place = place


class Page(msgspec.Struct, frozen=True):
    """A stretch of a feed."""

    log: LogId
    entries: list[tuple[int, bytes]]
    """(place, the entry as JSON), places ascending by one."""
    place: int
    """The place of the last entry given, or `after` where there is none."""
    more: bool
    chain: bytes | None
    """The hash of all entries up to `place`; None where nothing was read."""


async def page(pool: Any, *, family: FamilyId, member: MemberId, after: int, limit: int) -> Page:
    """Read at most `limit` entries after a place, the oldest first.

    Raises:
        FeedAhead: the feed ends before `after`.
        NotFound: there is no such family.
    """
    head = await pool.fetchrow(QUERIES.head, family, member)
    if head is None:
        raise NotFound
    log, last = head
    if after > last:
        raise FeedAhead(after=after, place=last)
    if after == last:
        return Page(log, [], after, False, None)
    rows = await pool.fetch(QUERIES.page, family, member, after + 1, limit)
    entries, chain = entries_of(rows, b"", after=after)
    place = entries[-1][0] if entries else after
    return Page(log, entries, place, place < last, chain)


def entries_of(rows: Any, chain: bytes, *, after: int) -> tuple[list[tuple[int, bytes]], bytes]:
    """The entries of neighbouring rows that come after a place, and the chain after them all.

    `chain` is the chain before the first of them; a row which begins a run says it itself.
    """
    entries = []
    for place, released, told_at, chain_before, commitment, kind, version, body in rows:
        is_hint = kind is None
        chain = link(chain_before or chain, place, sha256(body).digest() if is_hint else commitment)
        if place > after:
            event = body if is_hint else current_bytes(body, kind=kind, version=version)
            entries.append((place, _bytes_of_entry(place, released, told_at, chain, event)))
    return entries, chain


def _bytes_of_entry(place: int, released: str | None, told_at: Any, chain: bytes, body: bytes) -> bytes:
    """An entry as JSON. The event's own bytes stand in it as they were committed to."""
    reason = b'"%b"' % released.encode() if released else b"null"
    told = told_at.isoformat().removesuffix("+00:00").encode()
    return b'{"place":%d,"told_at":"%bZ","released":%b,"chain":"%b","event":%b}' % (
        place,
        told,
        reason,
        chain.hex()[:CHAIN_DIGITS].encode(),
        body,
    )


def bytes_of_page(page: Page) -> bytes:
    """The answer to a pull, as JSON."""
    return b'{"log":"%b","entries":[%b],"place":%d,"more":%b,"chain":%b}' % (
        str(page.log).encode(),
        b",".join([entry for _, entry in page.entries]),
        page.place,
        b"true" if page.more else b"false",
        b'"%b"' % page.chain.hex().encode() if page.chain else b"null",
    )
