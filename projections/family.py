"""Keeps a family's state while events are folded into it, and uses the state to describe events for the surprise rule.

Owns what the fold remembers; decides nothing. The roster and the surprise states are kept from one batch of events to the next.
All other fields are about events to which the next events may refer. They are filled in before the next events are folded, as
far as these need them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from events.amend import Amended
from events.event import Body, Event, Role
from events.family import Sees
from events.ids import MemberId, Seq
from projections.first_saw import Sighting
from projections.logged_event import DescribedEvent, LoggedEvent, describe, naming_of, stated_by
from projections.roster import EMPTY, Roster
from projections.surprise_state import SurpriseState


class Family:
    """The state of one family. It is changed in place by its only owner, which folds one event after another."""

    __slots__ = ("events", "keeps_telling", "roster", "sightings", "sortings", "stated", "surprises", "telling")

    def __init__(self, roster: Roster = EMPTY, surprises: Mapping[MemberId, SurpriseState] | None = None) -> None:
        self.roster = roster
        self.surprises: dict[MemberId, SurpriseState] = dict(surprises or {})
        """Member -> the member's surprise state, for each member who has made a choice."""
        self.events: dict[Seq, LoggedEvent] = {}
        """Seq -> event, for the events to which the next events may refer."""
        self.sightings: defaultdict[Seq, dict[MemberId, Sighting]] = defaultdict(dict)
        """Seq of a sighting -> the sighting as each member knows it."""
        self.stated: defaultdict[Seq, list[tuple[Seq, Event[Any]]]] = defaultdict(list)
        """Seq of a sighting -> the events that state its child or milestone, itself included, each with its seq."""
        self.keeps_telling = bool(surprises)
        """Whether `telling` is kept, because receipts may have to name a member who waits. Set it before a family's first choice
        is folded."""
        self.telling: dict[Seq, tuple[DescribedEvent, ...]] = {}
        """Seq of an event -> the events that can reveal anything, among itself and all to which it refers; see `keep_quiet`."""
        self.sortings: defaultdict[Seq, list[DescribedEvent]] = defaultdict(list)
        """Thread -> the sortings of its events. The field `logged.delivered_to` of a sorting has members who were sent it."""

    def describe(self, event: Event[Any], logged: LoggedEvent, target: LoggedEvent | None) -> DescribedEvent:
        """Returns an event, described for the surprise rule."""
        return describe(
            event,
            logged,
            target,
            role=self.roster.role_of(event.author),
            sent=self._sent_of(target, event.author, before=logged.seq) if type(event.event) is Amended else (),
            naming=naming_of(event, self.roster.own_milestones),
        )

    def _sent_of(self, target: LoggedEvent | None, member: MemberId, *, before: Seq) -> list[Body]:
        """Returns a target and its amendments before a seq, as far as a member was sent them; none if it is no sighting."""
        if target is None:
            return []
        known, state = self.roster.members.get(member), self.surprises.get(member)
        sees_others = known is not None and known.sees is not Sees.OWN
        held: Collection[Seq] = () if state is None else state.holds.events
        return [
            event.event
            for seq, event in self.stated.get(target.seq, ())
            if seq == target.seq or (seq < before and (event.author == member or (sees_others and seq not in held)))
        ]

    def note_stated(self, sighting: Seq | None, seq: Seq, event: Event[Any]) -> None:
        """Adds an event to `stated`, if the event makes or amends a sighting and states a child or a milestone."""
        if sighting is not None and any(stated_by(event.event)):
            self.stated[sighting].append((seq, event))

    def unnamed_to(self, member: MemberId) -> Collection[str]:
        """Returns the family's own milestones whose names are held from a member."""
        return self.surprises[member].holds.unnamed if member in self.surprises else ()

    def keeps_sightings(self, member: MemberId) -> bool:
        """Returns whether a member's sightings are stored: only a parent's are. Others' timelines are folded on request."""
        return self.roster.members[member].role is Role.PARENT

    def own_sightings(self, member: MemberId) -> dict[Seq, Sighting]:
        """Returns a member's own sightings, among those in `sightings`."""
        return {
            seq: known[member] for seq, known in self.sightings.items() if member in known and known[member].author == member
        }

    def note_delivered(self, member: MemberId, seqs: Iterable[Seq]) -> None:
        """Records that a member was sent these events later. Events that refer to them may now be sent to that member."""
        for seq in seqs:
            if (known := self.events.get(seq)) is not None:
                self.events[seq] = msgspec.structs.replace(known, delivered_to=(*known.delivered_to, member))

    def held_count(self) -> int:
        """Returns the number of held events in memory. An event counts once for each member from whom it is held."""
        return sum(len(state.holds.events) for state in self.surprises.values())
