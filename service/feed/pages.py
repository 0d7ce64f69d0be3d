"""Reads a member's feed in pages.

Owns the bytes of an entry. Filters nothing: the members who may see an event were decided when the event was written (law 6).
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import msgspec

from events.errors import Refused
from events.ids import FamilyId, LogId, MemberId
from events.upcast import current_bytes
from projections.feed import link, origin
from service.http.problems import NotFound, Unavailable
from service.postgres.queries import load

PAGE_MAX: Final = 2_000
PAGE_DEFAULT: Final = 500

CHAIN_DIGITS: Final = 16
"""The number of the chain's 64 hexadecimal digits in an entry that is sent alone: enough for a device to notice a different feed.
An entry of a page has no such digits, because the page states the chain's hash at its start and at its end. Hashes do not
compress: with 16 digits in each entry, a first pull of 2,000 entries had 137 kB, 26 kB of them for the digits."""

EntryWriter = Callable[[int, str | None, Any, bytes, bytes], bytes]
"""A function that returns the bytes of one entry. Its arguments are the place in the feed, the reason of the release, the time of
delivery, the chain's hash at the place, and the bytes of the event."""

QUERIES = load(__package__, "pages.sql")


class FeedAhead(Refused):
    """The device has entries after the end of this feed, because the log was restored from an older backup.

    The device then deletes its copy of the feed, sends every draft that it ever wrote again, and pulls from 0.
    """

    code, status, title = "feed.ahead", 409, "The feed ends before that"

    def __init__(self, *, after: int, place: int) -> None:
        super().__init__(f"You ask for what comes after place {after}; this feed ends at {place}.", at="after")
        self.after = after
        self.place = place


class Page(msgspec.Struct, frozen=True):
    """Neighbouring entries of a feed, with the chain's hashes before the first entry and at the last entry."""

    log: LogId
    chain_before: bytes
    """The hash over all entries up to `after`. A device that has another hash for this place has a copy of another feed."""
    entries: list[tuple[int, bytes]]
    """Pairs of a place and an entry as JSON. Each place is greater than the place before by one."""
    place: int
    """The place of the last entry, or `after` if there are no entries."""
    more: bool
    chain: bytes
    """The hash over all entries up to `place`."""


def in_a_page(place: int, released: str | None, told_at: Any, chain: bytes, event: bytes) -> bytes:
    """Returns the bytes of an entry of a page. The entry contains the event in exactly the bytes that were hashed."""
    return b'{%b,"event":%b}' % (_head(place, released, told_at), event)


def by_itself(place: int, released: str | None, told_at: Any, chain: bytes, event: bytes) -> bytes:
    """Returns the bytes of an entry that is sent alone, for example in the live stream: the entry of a page, plus `chain`."""
    digits = chain.hex()[:CHAIN_DIGITS].encode()
    return b'{%b,"chain":"%b","event":%b}' % (_head(place, released, told_at), digits, event)


def _head(place: int, released: str | None, told_at: Any) -> bytes:
    reason = b'"%b"' % released.encode() if released else b"null"
    delivered_at = told_at.isoformat().removesuffix("+00:00").encode()
    return b'"place":%d,"told_at":"%bZ","released":%b' % (place, delivered_at, reason)


async def page(
    pool: Any, *, family: FamilyId, member: MemberId, after: int, limit: int, as_bytes: EntryWriter = in_a_page
) -> Page:
    """Reads at most `limit` entries after the place `after`, in the order of the feed.

    Raises:
        FeedAhead: the feed ends before `after`.
        NotFound: there is no such family.
        Unavailable: a replay replaced the feed between the two queries.
    """
    head = await pool.fetchrow(QUERIES.head, family, member)
    if head is None:
        raise NotFound
    log, last, last_chain = head
    if after > last:
        raise FeedAhead(after=after, place=last)
    if after == last:
        chain = last_chain or origin(family, member)
        return Page(log, chain, [], after, False, chain)
    rows = await pool.fetch(QUERIES.page, family, member, after + 1, limit)
    chain_before, entries, chain = entries_of(rows, b"", after=after, as_bytes=as_bytes)
    if not entries:
        # A replay replaced this feed by a shorter one since the first query. The next request will read it.
        raise Unavailable
    place = entries[-1][0]
    return Page(log, chain_before, entries, place, place < last, chain)


def entries_of(
    rows: Any, chain: bytes, *, after: int, as_bytes: EntryWriter
) -> tuple[bytes, list[tuple[int, bytes]], bytes]:
    """Returns the chain's hash at the place `after`, the entries of the rows after this place, and the hash at the last row.

    `rows`: neighbouring rows of a feed. `chain`: the chain's hash before the first row. It is not used if the first row begins a
    run, because such a row states that hash itself.
    """
    entries = []
    chain_at_after = chain
    for place, released, told_at, chain_before, commitment, kind, version, body in rows:
        is_hint = kind is None
        chain = chain_before or chain
        if place == after + 1:
            chain_at_after = chain
        chain = link(chain, place, sha256(body).digest() if is_hint else commitment)
        if place > after:
            event = body if is_hint else current_bytes(body, kind=kind, version=version)
            entries.append((place, as_bytes(place, released, told_at, chain, event)))
    return chain_at_after, entries, chain


def bytes_of_page(page: Page) -> bytes:
    """Returns a page as JSON."""
    return b'{"log":"%b","chain_before":"%b","entries":[%b],"place":%d,"more":%b,"chain":"%b"}' % (
        str(page.log).encode(),
        page.chain_before.hex().encode(),
        b",".join([entry for _, entry in page.entries]),
        page.place,
        b"true" if page.more else b"false",
        page.chain.hex().encode(),
    )
