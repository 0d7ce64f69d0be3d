"""One record of an outside system in the ledger, as a request for an append brings it. Owns the shape."""

import msgspec

from events.ids import EventId, FamilyId, MemberId

LedgerKey = tuple[FamilyId, MemberId, str, str]
"""Family, author, source, record."""


class Like(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another importer's record that says the same as a new one, by its events."""

    author: MemberId
    events: tuple[EventId, ...]
    """One for each of the entry's drafts, in their order."""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record of an outside system, as it will stand once the request's drafts are events."""

    source: str
    record: str
    expects: int
    """The revision that was read; 0 where there was none."""
    drafts: int
    """How many of the request's drafts are of this record: they stand in the order of the entries."""
    said: bytes
    beside: tuple[tuple[MemberId, int], ...] | None = None
    """Of a new record of an importer: which other importers of the source had it, at which revision, when that was read."""
    like: tuple[Like, ...] = ()
    """Of these, those whose events say the same: no drafts need to be written beside them."""
    ends_share: bool = False
    """What this says is no longer what another importer's events say."""
