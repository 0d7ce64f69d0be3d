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
"""The key of a ledger entry: family, author, source and record."""


class Like(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another importer's record with events of the same content as a new record's drafts."""

    author: MemberId
    events: tuple[EventId, ...]
    """The ids of that record's events: one for each draft of the new record, in the order of the drafts."""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record of an outside system, as it will be stored once the request's drafts are events."""

    source: str
    record: str
    expects: int
    """The revision of the stored entry that was read; 0 if there was no entry."""
    drafts: int
    """How many of the request's drafts belong to this record. The drafts are in the order of the entries."""
    said: bytes
    beside: tuple[tuple[MemberId, int], ...] | None = None
    """The other importers of the source that had this record when it was read, each with its revision. None unless the record is
    new for this importer."""
    like: tuple[Like, ...] = ()
    """The records of other importers that have events of the same content. These events are shared, and no drafts are written."""
    ends_share: bool = False
    """Whether the record shares another importer's events, and no longer states the same as they do."""


class AppendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Drafts of one member that are to be appended to one family's log together."""

    family: FamilyId
    author: MemberId
    drafts: tuple[DeviceDraft | Malformed, ...] | tuple[AnyDraft, ...]
    clock_off: timedelta = timedelta(0)
    """How far the server's clock is ahead of the device's."""
    by_service: bool = False
    """Whether the drafts are facts that the service writes and has already decided: no rule of authorship is applied to them."""
    joiner: Member | None = None
    """The author, if they are about to join and are not a member yet."""
    may_wait: bool = False
    """Whether a machine made the request and no person waits for the result. Then people's pushes go first."""
    entries: tuple[LedgerEntry, ...] = ()
    """The records of an outside system from which the service translated the drafts and made their ids. Empty for a push."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The reason why a draft was refused: a stable code, the field, and a sentence for people."""

    code: str
    at: str | None
    detail: str

    @classmethod
    def of(cls, refusal: Refused, *, within: str = "") -> Self:
        """Returns a refusal as a problem. `within`: the path of the draft in the request, which begins the problem's path."""
        path = ".".join(part for part in (within, refusal.at) if part)
        return cls(code=refusal.code, at=path or None, detail=refusal.detail)


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The result of one draft. `place` is its place in the author's own feed."""

    id: EventId | None
    outcome: Literal["recorded", "already_recorded", "refused"]
    place: int | None = None
    keep_quiet: tuple[str, ...] = ()
    """The names of the members who wait for what the draft reveals, as far as the draft's author may know them."""
    problem: Problem | None = None


class LogBusy(Refused):
    """Too many drafts are waiting for the log. Nothing of this request was written: send its drafts again in a moment."""

    code, status, title = "log.busy", 503, "The log is busy"

    def __init__(self, detail: str = "Too many drafts are waiting; send these again in a moment.") -> None:
        super().__init__(detail)


class LogUnavailable(Refused):
    """Postgres did not answer in time. Whether the drafts were written is unknown: send the same drafts again."""

    code, status, title = "log.unavailable", 503, "The log does not answer"


class FamilyLocked(Refused):
    """Another transaction has locked the family. Nothing was written: send the same request again."""

    code, status, title = "log.unavailable", 503, "The log does not answer"

    def __init__(self) -> None:
        super().__init__("Another transaction holds this family; send the same drafts again.")


class Overtaken(Refused):
    """Another writer has changed a ledger entry since the drafts were made from it. Nothing was written: make them again."""

    code, status, title = "ledger.overtaken", 503, "Somebody was faster"

    def __init__(self) -> None:
        super().__init__("Another writer was faster; send the same again.")


Outcome = tuple[Receipt, ...] | NotFound | Overtaken | FamilyLocked
"""The receipts of a request, or the reason to refuse it."""


class TooLong(Exception):
    """Some families of a batch have too many held events to be checked while other requests wait. Nothing was written."""

    def __init__(self, families: set[FamilyId]) -> None:
        super().__init__(f"{len(families)} families")
        self.families = families
