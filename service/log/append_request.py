"""What one member requests to a log. Owns the shape."""

from datetime import timedelta

import msgspec

from events.ids import FamilyId, MemberId
from events.wire import AnyDraft, DeviceDraft, Malformed
from projections.roster import Member
from service.log.ledger_entry import LedgerEntry


class AppendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one member requests to one family's log in one request."""

    family: FamilyId
    author: MemberId
    drafts: tuple[DeviceDraft | Malformed, ...] | tuple[AnyDraft, ...]
    clock_off: timedelta = timedelta(0)
    """How far the server's clock is ahead of the device's."""
    by_service: bool = False
    """Facts that the service writes, and has decided already."""
    joiner: Member | None = None
    """The author, where they are about to join and are no member yet."""
    may_wait: bool = False
    """Made by a machine that nobody watches: people's pushes do not wait for it."""
    entries: tuple[LedgerEntry, ...] = ()
    """What the drafts were made of, where an outside system's records were translated. Their ids are the service's own then."""
