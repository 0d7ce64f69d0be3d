"""Holds one family while a batch of drafts is decided: its state, the events that drafts may refer to, the ends of its feeds.

Reads and writes no rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from events.event import Draft
from events.ids import EventId, FamilyId, MemberId
from projections.changes import Change, HistoryDelivered, Released
from projections.family import Family
from projections.feed import FeedWriter
from projections.fold import is_act
from projections.logged_event import LoggedEvent
from service.log.admit import referred_to
from service.log.family_cache import FamilyState, Loaded
from service.log.store.read import StoredEvent


class FamilyBatch:
    """The working memory of one family."""

    def __init__(self, family_id: FamilyId, state: FamilyState) -> None:
        self.head = state.head
        self.seq = state.head.seq
        self.written_seq = state.head.seq
        self.written_roster = state.roster
        self.family = Family(state.roster, state.surprises)
        self.loaded = state.loaded
        self.feeds = FeedWriter(family_id, state.last_runs, listed=list(state.surprises))
        self.delivered_to: set[MemberId] = set()
        """The members with new entries in their feeds, among those written so far."""
        self._stored: defaultdict[EventId, list[StoredEvent]] = defaultdict(list)

    def add_stored(self, event_id: EventId, stored: StoredEvent) -> None:
        """Adds an event of the log that drafts may refer to. Adding it again changes nothing."""
        if stored.logged.seq not in self.family.events:
            self.family.events[stored.logged.seq] = stored.logged
            self._stored[event_id].append(stored)

    def add_new(self, event_id: EventId, stored: StoredEvent) -> None:
        """Adds an event that was just folded."""
        self._stored[event_id].append(stored)

    def events_by_id(self, event_id: EventId) -> Iterable[LoggedEvent]:
        """Returns the present state of the events with an id. Each author chooses ids alone, so there may be several."""
        return [self.family.events[stored.logged.seq] for stored in self._stored.get(event_id, ())]

    def sent_before(self, draft: Draft[Any], author: MemberId) -> StoredEvent | None:
        """Returns the event that the same author sent before with a draft's id; None if there is none."""
        return next((sent for sent in self._stored.get(draft.id, ()) if sent.logged.author == author), None)

    def target_of(self, draft: Draft[Any], author: MemberId) -> LoggedEvent | None:
        """Returns the event that a draft refers to, if its author was sent it. Of several: the author's own, else the oldest."""
        named = referred_to(draft.event)
        if named is None:
            return None
        sent = [logged for logged in self.events_by_id(EventId(named)) if author in logged.delivered_to]
        return min(sent, key=lambda logged: (logged.author != author, logged.seq), default=None)

    def cost_of(self, kind: str, author: MemberId) -> int:
        """Returns how many events the rule checks when one more is folded: all held events, where it may free some of them."""
        if not is_act(self.family, kind, author):
            return 0
        first_choice = 0 if author in self.family.surprises else len(self.family.sightings)
        return self.family.held_count() + first_choice

    def state(self) -> FamilyState:
        """Returns the family's state. Call it once all is written."""
        loaded = {member: self.loaded.get(member) or Loaded(is_whole=True) for member in self.family.surprises}
        head = msgspec.structs.replace(self.head, seq=self.seq)
        return FamilyState(head, self.family.roster, self.feeds.last_runs(), self.family.surprises, loaded)


def size_of(changes: Sequence[Change]) -> int:
    """Returns about how many entries and rows the changes become."""
    if len(changes) == 1:
        return 1
    return len(changes) + sum([len(one.seqs) for one in changes if isinstance(one, HistoryDelivered | Released)])
