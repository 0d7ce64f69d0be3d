"""Shares one importer's events with another importer's record of the same content, and ends the share when either side changes.

Two parents import the same export. The content of the second file is in the log already, so each record of the second file
*shares* the events of the first one. No second event is written, and neither parent is notified. An event is shared only while
it is unchanged. Also, every member who would be sent a second event must have been sent the first one, or must wait for it by
their own choice. When a member changes or takes back a shared event, the second importer writes its own event in the same
transaction. So no member makes another member's words disappear (law 20). Knows no source, and not the content of an entry.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from events.amend import Amended, Withdrawn
from events.event import Body, Draft, Role
from events.ids import EventId, FamilyId, MemberId, Seq
from events.kinds import TARGET_CHANGES
from events.observations import NoteWritten
from events.surprise import Sorted
from events.wire import Malformed
from projections.logged_event import LoggedEvent
from projections.surprise_state import SurpriseState
from projections.visibility import readers_of
from service.log import ledger
from service.log.admit import referred_to
from service.log.append_request import AppendRequest, LedgerEntry, LedgerKey, Like
from service.log.family_batch import FamilyBatch
from service.log.ledger import keyed
from service.log.store import read
from service.postgres.pool import Statement, of_rows
from service.postgres.queries import load

QUERIES: Final = load(__package__, "shared_records.sql")

Place = tuple[FamilyId, Seq]


class Shared(msgspec.Struct, frozen=True):
    """An event of the first importer that also counts for a record of the second importer."""

    seq: Seq
    event: EventId
    own_id: EventId
    """The id that the second importer's own event gets, if it is written later."""


class RecordShare(msgspec.Struct, frozen=True):
    """A record of one importer that shares another importer's events."""

    key: LedgerKey
    """The record's family, importer, source and id."""
    author: MemberId
    """The other importer, which wrote the events."""
    events: tuple[Shared, ...]


class Sharing:
    """The shares that a batch finds, makes and ends."""

    def __init__(self) -> None:
        self._late: set[int] = set()
        """`id()` of each request with a record that has changed since it was read."""
        self._parted: set[LedgerKey] = set()
        """The records that no longer share events because of a draft of this batch: they get events of their own."""
        self._entries: dict[LedgerKey, LedgerEntry] = {}
        self._by_event: defaultdict[Place, list[RecordShare]] = defaultdict(list)
        self._imported_by: dict[tuple[FamilyId, MemberId], MemberId] = {}
        self._held_from: dict[Place, frozenset[MemberId]] = {}
        self._changed: set[Place] = set()
        self._new: dict[LedgerKey, RecordShare] = {}
        self._ended: set[LedgerKey] = set()
        self._noted: set[LedgerKey] = set()

    @classmethod
    async def found(
        cls, connection: Any, batches: Mapping[FamilyId, FamilyBatch], requests: Sequence[AppendRequest]
    ) -> "Sharing":
        """Reads the events that the requests may share, and the shares that they may end.

        Call it after the events that the requests refer to were read.
        """
        self = cls()
        self._late = await ledger.overtaken(connection, requests)
        like = {
            (request.family, recorded.seq, recorded.thread)
            for request in requests
            for _, entry in keyed(request)
            for one in entry.like
            for recorded in _recorded(one, batches[request.family])
        }
        if like:
            found = await connection.fetch(QUERIES.second_thoughts, *zip(*like, strict=True), list(TARGET_CHANGES))
            for family, seq, held, is_changed in found:
                self._held_from[family, seq] = frozenset(held)
                if is_changed:
                    self._changed.add((family, seq))
        touched = {place for request in requests for place in _touched(request, batches[request.family])}
        if touched:
            families = list({family for family, _ in touched})
            for family, member, imported_by in await connection.fetch(QUERIES.importers, families):
                self._imported_by[family, member] = imported_by
            for share in _shares(await connection.fetch(QUERIES.shares, *zip(*touched, strict=True))):
                self._keep(share)
        return self

    def is_late(self, request: AppendRequest) -> bool:
        """Returns whether another writer has changed a request's records since they were read."""
        return id(request) in self._late

    def has_parted(self, request: AppendRequest) -> bool:
        """Returns whether a draft of this batch has ended a share of a request's records."""
        return any(key in self._parted for key, _ in keyed(request))

    def imported_by(self, family: FamilyId, target: LoggedEvent) -> MemberId | None:
        """Returns the parent whose file brought an event; None if no file brought it."""
        return self._imported_by.get((family, target.author))

    def spare(self, request: AppendRequest, batch: FamilyBatch) -> frozenset[int]:
        """Returns the indices of the drafts that need not be written, because their records share another importer's events."""
        spared: set[int] = set()
        first = 0
        for key, entry in keyed(request):
            drafts = request.drafts[first : first + entry.drafts]
            for like in entry.like:
                if events := self._unchanged(like, request, batch):
                    own = zip(events, like.events, drafts, strict=True)
                    shared = tuple(Shared(seq, event, EventId(draft.id)) for seq, event, draft in own if draft.id is not None)
                    share = self._new[key] = RecordShare(key, like.author, shared)
                    self._keep(share)
                    spared.update(range(first, first + entry.drafts))
                    break
            first += entry.drafts
        return frozenset(spared)

    def settle(self, request: AppendRequest, outcomes: Sequence[str]) -> None:
        """Notes a request's ledger entries to be written, and ends the shares of records with new content.

        An entry with a refused draft is left out. `outcomes`: one for each draft of the request.
        """
        first = 0
        for key, entry in keyed(request):
            if "refused" not in outcomes[first : first + entry.drafts]:
                self._entries[key] = entry
                if entry.ends_share:
                    self._end(key)
            first += entry.drafts

    def _unchanged(self, like: Like, request: AppendRequest, batch: FamilyBatch) -> list[Seq]:
        """Returns the seqs of another importer's events if the request can share all of them, else an empty list.

        They can be shared if they are unchanged, and if every reader of the request's drafts was sent them or waits for them.
        """
        found = list(_recorded(like, batch))
        for recorded in found:
            place = request.family, recorded.seq
            if place in self._changed:
                return []
            readers = readers_of(recorded.kind, request.author, recorded.audience, batch.family.roster)
            reached = {*recorded.delivered_to, *self._held_from.get(place, ()), request.author}
            if not reached.issuperset(readers):
                return []
        return [recorded.seq for recorded in found] if len(found) == len(like.events) else []

    def part(
        self, family: FamilyId, body: Body, target: LoggedEvent, surprises: Mapping[MemberId, SurpriseState]
    ) -> list[RecordShare]:
        """Ends and returns the shares of a target that an event changes or takes back: now it differs from the second file."""
        match body:
            case Amended() | Withdrawn():
                self._changed.add((family, target.seq))
                parted = self._by_event.get((family, target.seq), ())
            case Sorted(milestone=milestone):
                # A sorting may hold events longer, and it was made of the first importer's words, not of the second's.
                self._changed.add((family, target.seq))
                is_held = milestone is not None and any(target.seq in state.holds.events for state in surprises.values())
                parted = self._by_event.get((family, target.seq), ()) if is_held else ()
            case _:
                return []
        ended = list(parted)
        for share in ended:
            self._parted.add(share.key)
            self._noted.add(share.key)
            self._end(share.key)
            if (entry := self._entries.get(share.key)) is not None:
                self._entries[share.key] = msgspec.structs.replace(entry, expects=entry.expects + 1)
        return ended

    def _keep(self, share: RecordShare) -> None:
        for one in share.events:
            self._by_event[share.key[0], one.seq].append(share)

    def _end(self, key: LedgerKey) -> None:
        for shares in self._by_event.values():
            shares[:] = [share for share in shares if share.key != key]
        if self._new.pop(key, None) is None:
            self._ended.add(key)

    def statements(self) -> list[Statement]:
        """Returns the statements that write the ledger entries and the shares that changed since the last call."""
        new = [
            (*share.key, share.author, one.event, part, one.own_id)
            for share in self._new.values()
            for part, one in enumerate(share.events)
        ]
        entries, ended, noted = self._entries, self._ended, self._noted - self._entries.keys()
        self._entries, self._new, self._ended, self._noted = {}, {}, set(), set()
        return [
            *of_rows(ledger.QUERIES.put, ((*key, entry.expects + 1, entry.said) for key, entry in entries.items())),
            *of_rows(QUERIES.add_shares, new),
            *of_rows(QUERIES.end_shares, ended),
            *of_rows(QUERIES.note_parted, noted),
        ]


async def own_drafts(connection: Any, share: RecordShare) -> tuple[Draft[Any], ...]:
    """Returns drafts of the second importer with the content of shared events, in the version that was first written."""
    found = await read.events_at(connection, share.key[0], [one.seq for one in share.events])
    own_by_event = {one.event: one.own_id for one in share.events}
    drafts = []
    for one in share.events:
        event, _ = found[one.seq]
        body = event.event
        if isinstance(body, NoteWritten) and body.about is not None:
            body = msgspec.structs.replace(body, about=own_by_event[body.about])
        drafts.append(
            Draft(
                id=one.own_id,
                occurred_at=event.occurred_at,
                precision=event.precision,
                recorded_at=event.recorded_at,
                audience=event.audience,
                event=body,
            )
        )
    return tuple(drafts)


def _recorded(like: Like, batch: FamilyBatch) -> Iterator[LoggedEvent]:
    for event in like.events:
        yield from (one for one in batch.events_by_id(event) if one.author == like.author)


def _touched(request: AppendRequest, batch: FamilyBatch) -> Iterator[Place]:
    """Yields family and seq of each event that a request may change or take back, and of its thread's first event.

    Only events that a daycare may have written are yielded.
    """
    for draft in request.drafts:
        if isinstance(draft, Malformed) or type(draft.event).__name__ not in TARGET_CHANGES:
            continue
        for recorded in batch.events_by_id(EventId(referred_to(draft.event) or draft.id)):
            author = batch.family.roster.members.get(recorded.author)
            if author is not None and (author.role is Role.DAYCARE or recorded.thread != recorded.seq):
                yield request.family, recorded.seq
                yield request.family, recorded.thread


def _shares(found: Sequence[Any]) -> Iterator[RecordShare]:
    by_record: defaultdict[tuple[LedgerKey, MemberId], list[Shared]] = defaultdict(list)
    for family, member, source, record, author, seq, event, own_id in found:
        by_record[(family, member, source, record), author].append(Shared(seq, event, own_id))
    return (RecordShare(key, author, tuple(events)) for (key, author), events in by_record.items())
