"""Keeps the state of families while a batch of drafts is decided, and caches it between transactions.

A cached state is right exactly as long as the family's head is unchanged. The transaction that locks the head compares it with
the cached one, and reads the rows again if another process has written meanwhile. So no process has to notify another of a
change. `seq` is assigned under the head's lock, so it follows the order of commit.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from events.event import Draft
from events.ids import ClipId, EventId, FamilyId, LogId, MemberId
from projections.changes import Change, HistoryDelivered, Released
from projections.family import Family
from projections.feed import FeedWriter, Run
from projections.fold import is_act
from projections.logged_event import LoggedEvent, Subject
from projections.roster import Roster
from projections.surprise_state import SurpriseState
from service.log.admit import referred_to
from service.log.store.families import read_last_runs, read_roster, read_surprises
from service.log.store.read import OwnClip, StoredEvent
from service.postgres.queries import load

QUERIES: Final = load(__package__, "heads.sql")

FAMILIES_MAX: Final = 10_000
"""The maximum weight of the cache. A family without held events counts as 1: with five members it takes about 10 KiB."""
HELD_PER_FAMILY: Final = 32
"""The number of held events that take about as much memory as the state of a family without any."""


class Head(msgspec.Struct, frozen=True):
    """The head row of a family's log. As long as it does not change, no row of the family changes."""

    seq: int
    log: LogId
    mended: int
    """How many times a replay has repaired rows of this family."""


class Loaded:
    """The parts of one member's surprise state that were read."""

    __slots__ = ("_subjects", "is_whole")

    def __init__(self, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        """Whether all held events and met subjects were read. If not, only these are known: the held events that name a
        milestone, the subjects in `_subjects`, and what the events since then changed."""
        self._subjects: set[Subject] = set()
        """The subjects for which it was read whether the member has met them."""

    def missing(self, subjects: set[Subject]) -> set[Subject]:
        """Returns the subjects for which nobody has read yet whether the member has met them. They count as read from now on."""
        if self.is_whole:
            return set()
        missing = subjects - self._subjects
        self._subjects |= missing
        return missing


class FamilyState(msgspec.Struct, frozen=True):
    """The state of a family as it was when its log had one certain head."""

    head: Head
    roster: Roster
    last_runs: dict[MemberId, Run]
    surprises: dict[MemberId, SurpriseState]
    loaded: dict[MemberId, Loaded]
    """The parts of `surprises` that were read."""

    @property
    def weight(self) -> int:
        """The memory that the state takes: 1 for a family without held events, and 1 more for every 32 held events."""
        return 1 + sum(len(state.holds.events) for state in self.surprises.values()) // HELD_PER_FAMILY


class FamilyCache:
    """The states of the families with the latest writes, up to a total weight of `FAMILIES_MAX`."""

    def __init__(self) -> None:
        self._by_family: OrderedDict[FamilyId, FamilyState] = OrderedDict()
        self._weight = 0

    def take(self, family: FamilyId, head: Head) -> FamilyState | None:
        """Removes the cached state of a family. Returns it if it belongs to exactly this head, else None.

        The caller owns the state from now on, may change it, and calls `keep` with the result once that is committed.
        """
        state = self._by_family.pop(family, None)
        if state is None:
            return None
        self._weight -= state.weight
        return state if state.head == head else None

    def keep(self, family: FamilyId, state: FamilyState) -> None:
        """Caches a committed state."""
        if (before := self._by_family.pop(family, None)) is not None:
            self._weight -= before.weight
        self._by_family[family] = state
        self._weight += state.weight
        while self._weight > FAMILIES_MAX:
            self._weight -= self._by_family.popitem(last=False)[1].weight


class FamilyBatch:
    """The working memory for one family, while a batch of drafts is decided. Reads and writes no rows."""

    def __init__(self, family_id: FamilyId, state: FamilyState, *, taken: int) -> None:
        self.head = state.head
        self.taken = taken
        """The number of seqs by which the head was raised when it was locked."""
        self.seq = state.head.seq
        self.written_seq = state.head.seq
        self.written_roster = state.roster
        self.family = Family(state.roster, state.surprises)
        self.loaded = state.loaded
        self.feeds = FeedWriter(family_id, state.last_runs, listed=list(state.surprises))
        self.delivered_to: set[MemberId] = set()
        """The members with new entries among the rows that were written so far."""
        self.clips: dict[tuple[MemberId, ClipId], OwnClip] = {}
        """The uploads that drafts attach, by uploader and clip."""
        self._stored: defaultdict[EventId, list[StoredEvent]] = defaultdict(list)

    @property
    def unused(self) -> int:
        """The number of seqs that were taken and that no event has. It is negative if more events were appended than there were
        drafts, because importers got their own events in place of shared ones."""
        return self.taken - (self.seq - self.head.seq)

    def add_stored(self, event_id: EventId, stored: StoredEvent) -> None:
        """Adds an event of the log that drafts may refer to. Adding it again changes nothing."""
        if stored.logged.seq not in self.family.events:
            self.family.events[stored.logged.seq] = stored.logged
            self._stored[event_id].append(stored)

    def add_new(self, event_id: EventId, stored: StoredEvent) -> None:
        """Adds an event that was just folded."""
        self._stored[event_id].append(stored)

    def events_by_id(self, event_id: EventId) -> Iterable[LoggedEvent]:
        """Returns the events with an id, in their present state. Each author chooses ids alone, so several events may have it."""
        return [self.family.events[stored.logged.seq] for stored in self._stored.get(event_id, ())]

    def sent_before(self, draft: Draft[Any], author: MemberId) -> StoredEvent | None:
        """Returns the earlier event of this author that has the draft's id; None if there is none."""
        return next((sent for sent in self._stored.get(draft.id, ()) if sent.logged.author == author), None)

    def target_of(self, draft: Draft[Any], author: MemberId) -> LoggedEvent | None:
        """Returns the event that a draft refers to; None if there is none, or if the draft's author was not sent it.

        If several events have the id, the author's own event is returned, else the oldest.
        """
        named = referred_to(draft.event)
        if named is None:
            return None
        sent = [logged for logged in self.events_by_id(EventId(named)) if author in logged.delivered_to]
        return min(sent, key=lambda logged: (logged.author != author, logged.seq), default=None)

    def cost_of(self, kind: str, author: MemberId) -> int:
        """Returns how many events the rule checks when an event of this type and author is folded.

        The rule checks all held events if the new event may free some of them, else none. Before a member's first choice, the
        sightings that were read count as well.
        """
        if not is_act(self.family, kind, author):
            return 0
        first_choice = 0 if author in self.family.surprises else len(self.family.sightings)
        return self.family.held_count() + first_choice

    def state(self) -> FamilyState:
        """Returns the family's state after the batch. Call it once all rows are written."""
        loaded = {member: self.loaded.get(member) or Loaded(is_whole=True) for member in self.family.surprises}
        head = msgspec.structs.replace(self.head, seq=self.seq)
        return FamilyState(head, self.family.roster, self.feeds.last_runs(), self.family.surprises, loaded)


def size_of(changes: Sequence[Change]) -> int:
    """Returns roughly how many feed entries and rows the changes will write."""
    return len(changes) + sum([len(one.seqs) for one in changes if isinstance(one, HistoryDelivered | Released)])


async def take_families(
    connection: Any, counts: Mapping[FamilyId, int], cache: FamilyCache, *, waits: bool
) -> dict[FamilyId, FamilyBatch]:
    """Locks the heads of families in order of id, and raises each head by a number of seqs. Returns the working memories.

    Families without a log are left out. `waits`: whether to wait for families that another transaction has locked; if not, these
    families are left out, too.
    """
    wanted = dict(sorted(counts.items()))
    query = QUERIES.take_heads if waits else QUERIES.take_free_heads
    found = {}
    for family, seq, log, mended in await connection.fetch(query, list(wanted), list(wanted.values())):
        head = Head(seq, log, mended)
        state = cache.take(family, head)
        if state is None:
            roster, last_runs = await read_roster(connection, family), await read_last_runs(connection, family)
            surprises = await read_surprises(connection, family)
            state = FamilyState(head, roster, last_runs, surprises, {member: Loaded(is_whole=False) for member in surprises})
        found[family] = FamilyBatch(family, state, taken=wanted[family])
    return found


async def give_back(connection: Any, families: Mapping[FamilyId, FamilyBatch]) -> None:
    """Sets the heads to the last seqs that events have, so that seq has no gaps.

    A head is lowered if some of the seqs that were taken have no event, and raised if other importers got events of their own.
    """
    if unused := {family: batch.unused for family, batch in families.items() if batch.unused}:
        await connection.execute(QUERIES.give_back, list(unused), list(unused.values()))


async def having_logs(connection: Any, families: Collection[FamilyId]) -> set[FamilyId]:
    """Returns those of these families that have a log."""
    return {row[0] for row in await connection.fetch(QUERIES.having_heads, list(families))}


async def open_family(connection: Any, family: FamilyId, *, log: LogId, at: datetime) -> None:
    """Adds the head of a new log."""
    await connection.execute(QUERIES.open_family, family, log, at)
