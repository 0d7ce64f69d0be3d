"""Defines the ledger entry of one record of an outside system, as part of a request to append. Owns the shape."""

import msgspec

from events.ids import EventId, FamilyId, MemberId

LedgerKey = tuple[FamilyId, MemberId, str, str]
"""Family, author, source, record."""


class Like(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another importer's record with events of the same content as a new record's drafts."""

    author: MemberId
    events: tuple[EventId, ...]
    """One for each of the entry's drafts, in their order."""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record of an outside system, as it will be stored once the request's drafts are events."""

    source: str
    record: str
    expects: int
    """The revision that was read; 0 where there was none."""
    drafts: int
    """How many of the request's drafts are of this record. The drafts are in the order of the entries."""
    said: bytes
    beside: tuple[tuple[MemberId, int], ...] | None = None
    """For a new record of an importer: the other importers of the source that have it, each with its revision, as read before."""
    like: tuple[Like, ...] = ()
    """The records among these with events of the same content. Their events are shared, and no drafts are written."""
    ends_share: bool = False
    """Whether this record no longer states the same as the events of another importer that it shares."""
