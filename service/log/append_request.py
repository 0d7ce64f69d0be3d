"""Defines a request to append drafts to a log. Owns the shape."""

from datetime import timedelta

import msgspec

from events.ids import FamilyId, MemberId
from events.wire import AnyDraft, DeviceDraft, Malformed
from projections.roster import Member
from service.log.ledger_entry import LedgerEntry


class AppendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The drafts that one member wants to append to one family's log, together."""

    family: FamilyId
    author: MemberId
    drafts: tuple[DeviceDraft | Malformed, ...] | tuple[AnyDraft, ...]
    clock_off: timedelta = timedelta(0)
    """How far the server's clock is ahead of the device's."""
    by_service: bool = False
    """Whether these are facts that the service writes, and has decided already."""
    joiner: Member | None = None
    """The author, where they are about to join and are not a member yet."""
    may_wait: bool = False
    """Whether a machine made it, and nobody waits for the result: people's pushes go before it."""
    entries: tuple[LedgerEntry, ...] = ()
    """The outside system's records that the drafts were translated from, if any. Then the service has made the drafts' ids."""
