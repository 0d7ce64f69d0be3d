"""Defines a request to append drafts to a log, its receipts, and the reasons to refuse it. Owns the shapes; decides nothing."""

from datetime import timedelta
from typing import Literal, Self

import msgspec

from events.errors import Refused
from events.ids import EventId, FamilyId, MemberId
from events.wire import AnyDraft, DeviceDraft, Malformed
from projections.roster import Member
from service.http.problems import NotFound

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


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reason why a draft was refused: a stable code, the field, and a sentence for people."""

    code: str
    at: str | None
    detail: str

    @classmethod
    def of(cls, refusal: Refused, *, within: str = "") -> Self:
        """Returns a refusal as a problem. `within`: the path of the draft; the refusal's own path is below it."""
        path = ".".join(part for part in (within, refusal.at) if part)
        return cls(code=refusal.code, at=path or None, detail=refusal.detail)


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The result of one draft. `place` is its place in the author's own feed."""

    id: EventId | None
    outcome: Literal["recorded", "already_recorded", "refused"]
    place: int | None = None
    keep_quiet: tuple[str, ...] = ()
    """The names of the members who wait for what the draft reveals, as far as its author may know."""
    problem: Problem | None = None


class LogBusy(Refused):
    """Too many drafts are waiting for the log. Nothing was written: send them again in a moment."""

    code, status, title = "log.busy", 503, "The log is busy"

    def __init__(self, detail: str = "Too many drafts are waiting; send these again in a moment.") -> None:
        super().__init__(detail)


class LogUnavailable(Refused):
    """Postgres did not answer in time. Whether the drafts were written is unknown: send the same drafts again."""

    code, status, title = "log.unavailable", 503, "The log does not answer"


class FamilyLocked(Refused):
    """Another transaction holds the family. Nothing was written: send the same request again."""

    code, status, title = "log.unavailable", 503, "The log does not answer"

    def __init__(self) -> None:
        super().__init__("Another transaction holds this family; send the same drafts again.")


class Overtaken(Refused):
    """Another writer has changed the entry that these drafts were made of. Nothing was written: make them again."""

    code, status, title = "ledger.overtaken", 503, "Somebody was faster"

    def __init__(self) -> None:
        super().__init__("Another writer was faster; send the same again.")


Outcome = tuple[Receipt, ...] | NotFound | Overtaken | FamilyLocked
"""The receipts of a request, or the reason to refuse it."""


class TooLong(Exception):
    """These families have more held events than an act may check while other requests wait. Nothing was written."""

    def __init__(self, families: set[FamilyId]) -> None:
        super().__init__(f"{len(families)} families")
        self.families = families
