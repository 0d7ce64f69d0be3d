"""Walks the log so far for a member who joins: decides what is delivered to them, and what their earlier choices hold.

Owns the walk. `visibility` decides what the member may know, and what is held.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from events.event import Event
from events.ids import MemberId, Seq
from events.kinds import ROSTER_FACTS
from events.surprise import Sorted
from projections import roster, visibility
from projections.family import Family
from projections.logged_event import DescribedEvent, LoggedEvent, Subject, as_part_of_sorted, as_sorted, takes_back
from projections.roster import Member, may_sort
from projections.visibility_fast import is_held


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The log before a member joined."""

    logged: Sequence[LoggedEvent]
    """Every event from seq 1 on, in order."""
    commitments: Sequence[bytes]
    """The commitments of these events, in the same order."""
    events: Mapping[Seq, Event[Any]]
    """At least the events that make or change a sighting; for a member who has chosen to wait, all that others may be sent."""

    def target_of(self, logged: LoggedEvent) -> LoggedEvent | None:
        """Returns the event that another one refers to."""
        return None if logged.target_seq is None else self.logged[logged.target_seq - 1]


class _Past:
    """The log so far, described event by event for a member who waits."""

    def __init__(self, history: History, family: Family) -> None:
        self._history = history
        self._family = Family(msgspec.structs.replace(family.roster, own_milestones={}), family.surprises)
        """Its own milestones are those that were named so far."""
        self._sortings: defaultdict[Seq, list[tuple[MemberId, Subject | None]]] = defaultdict(list)
        """Event -> its sortings in order, each as its author and the subject."""
        self._sorted_last: dict[Seq, Seq] = {}
        """Event -> the last sorting of it, or of what it refers to."""
        for one in history.logged:
            target = history.target_of(one)
            if one.kind == "Sorted" and target is not None and one.seq in history.events:
                body: Sorted = history.events[one.seq].event
                if may_sort(one.author, target.author, family.roster):
                    subject = (body.child, body.milestone) if body.milestone is not None else None
                    self._sortings[target.seq].append((one.author, subject))
                    self._sorted_last[target.seq] = one.seq

    def describe(self, logged: LoggedEvent) -> DescribedEvent:
        """Returns one event, described with its later sortings. Call it for the oldest event first."""
        event, target = self._history.events[logged.seq], self._history.target_of(logged)
        described = self._family.describe(event, logged, target)
        self._family.note_stated(described.sighting, logged.seq, event)
        if logged.kind == "MilestoneNamed":
            self._family.roster = roster.step(self._family.roster, event)
        for by, subject in self._sortings.get(logged.seq, ()):
            described = as_sorted(described, subject, by=by)
        sorted_last = [self._sorted_last.get(seq, Seq(0)) for seq in (logged.seq, logged.target_seq) if seq]
        if last := max(sorted_last, default=Seq(0)):
            self._sorted_last[logged.seq] = last
        return as_part_of_sorted(described) if last > logged.seq else described


def history_for(joiner: Member, history: History, family: Family) -> tuple[Seq, ...]:
    """Returns the seqs of the log so far that are delivered to a joining member, in order.

    Where the member has chosen to wait, also fills their holds with the events that are held from them.
    """
    state = family.surprises.get(joiner.member)
    past = _Past(history, family) if state is not None else None
    known: set[Seq] = set()
    """The events that the member may know: delivered, or held."""
    for logged in history.logged:
        target = history.target_of(logged)
        if state is not None and target is not None and takes_back(logged, target) and target.seq in state.holds.events:
            for seq in state.holds.hanging_from(target.seq):
                state.holds.let_go(seq)
                known.discard(seq)
        elif visibility.is_history_for(joiner, logged, family.roster, known):
            known.add(logged.seq)
            if state is not None and past is not None and logged.kind not in ROSTER_FACTS and logged.author != joiner.member:
                described = past.describe(logged)
                if is_held(described, state, family.roster):
                    state.holds.hold(described)
    return tuple(sorted(known.difference(state.holds.events if state is not None else ())))
