"""Goes through the log so far for a member who joins. Finds the events to deliver to that member, and those to hold from them.

Owns the order in which the events are decided. `visibility` decides which events the member may know, and which are held.
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
    """A family's log before a member joined."""

    logged: Sequence[LoggedEvent]
    """All events from seq 1 on, in order, without their bodies."""
    commitments: Sequence[bytes]
    """The commitments of these events, in the same order."""
    events: Mapping[Seq, Event[Any]]
    """Events with their bodies. At least those that make or change a sighting; all, if the member has chosen to wait.

    Events for their author alone are missing.
    """

    def target_of(self, logged: LoggedEvent) -> LoggedEvent | None:
        """Returns the event to which an event refers; None if there is none."""
        return None if logged.target_seq is None else self.logged[logged.target_seq - 1]


class _Past:
    """The log so far, which is described event by event for a member who has chosen to wait."""

    def __init__(self, history: History, family: Family) -> None:
        self._history = history
        self._family = Family(msgspec.structs.replace(family.roster, own_milestones={}), family.surprises)
        """The family, in which only those own milestones exist that were named before the event to be described."""
        self._sortings: defaultdict[Seq, list[tuple[MemberId, Subject | None]]] = defaultdict(list)
        """Seq of an event -> author and subject of each of its sortings, in order."""
        self._sorted_last: dict[Seq, Seq] = {}
        """Seq of an event -> seq of the last sorting of this event, or of the events to which it refers."""
        for one in history.logged:
            target = history.target_of(one)
            if one.kind == "Sorted" and target is not None and one.seq in history.events:
                body: Sorted = history.events[one.seq].event
                if may_sort(one.author, target.author, family.roster):
                    subject = (body.child, body.milestone) if body.milestone is not None else None
                    self._sortings[target.seq].append((one.author, subject))
                    self._sorted_last[target.seq] = one.seq

    def describe(self, logged: LoggedEvent) -> DescribedEvent:
        """Returns one event, described for the surprise rule with its later sortings. Call it for events in order of the log."""
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
    """Returns the seqs of the earlier events that are delivered to a joining member, in order.

    If the member has made a choice already, also adds the events that are held from the member to the surprise state.
    """
    state = family.surprises.get(joiner.member)
    past = _Past(history, family) if state is not None else None
    known: set[Seq] = set()
    """The events that the member may know: those to be delivered, and those that are held."""
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
