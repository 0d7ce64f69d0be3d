"""Holds a family's state while events are folded into it, and describes events with it.

Owns what the fold remembers; decides nothing. The roster and the surprise states are kept from one batch of events to the next.
The rest is what the next events may refer to: it is filled in before they are folded, as far as they need it.
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
    """The state of one family. Changed in place: its only owner folds one event after another."""

    __slots__ = ("events", "keeps_telling", "roster", "sightings", "sortings", "stated", "surprises", "telling")

    def __init__(self, roster: Roster = EMPTY, surprises: Mapping[MemberId, SurpriseState] | None = None) -> None:
        self.roster = roster
        self.surprises: dict[MemberId, SurpriseState] = dict(surprises or {})
        """Member -> their state, for the members who have chosen anything."""
        self.events: dict[Seq, LoggedEvent] = {}
        """The events to which the next ones may refer."""
        self.sightings: defaultdict[Seq, dict[MemberId, Sighting]] = defaultdict(dict)
        """Sighting -> what each member knows of it."""
        self.stated: defaultdict[Seq, list[tuple[Seq, Event[Any]]]] = defaultdict(list)
        """Sighting -> the events that state its children and milestones: itself, and its amendments, each with its seq."""
        self.keeps_telling = bool(surprises)
        """Whether `telling` is kept: receipts may have to name a member. Set it where the next events contain a first choice."""
        self.telling: dict[Seq, tuple[DescribedEvent, ...]] = {}
        """Event -> itself and all that it refers to, as far as these can reveal anything; see `keep_quiet`."""
        self.sortings: defaultdict[Seq, list[DescribedEvent]] = defaultdict(list)
        """Thread -> the sortings of its events, each with members who were sent it in `logged.delivered_to`."""

    def describe(self, event: Event[Any], logged: LoggedEvent, target: LoggedEvent | None) -> DescribedEvent:
        """Returns an event, described for the rule."""
        return describe(
            event,
            logged,
            target,
            role=self.roster.role_of(event.author),
            sent=self._sent_of(target, event.author, before=logged.seq) if type(event.event) is Amended else (),
            naming=naming_of(event, self.roster.own_milestones),
        )

    def _sent_of(self, target: LoggedEvent | None, member: MemberId, *, before: Seq) -> list[Body]:
        """Returns a sighting and its amendments before a seq, as far as a member was sent them; none where it is no sighting."""
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
        """Stores an event with the sighting that it makes or amends, if it states a child or a milestone."""
        if sighting is not None and any(stated_by(event.event)):
            self.stated[sighting].append((seq, event))

    def unnamed_to(self, member: MemberId) -> Collection[str]:
        """Returns the family's own milestones whose names are held from a member."""
        return self.surprises[member].holds.unnamed if member in self.surprises else ()

    def keeps_sightings(self, member: MemberId) -> bool:
        """Returns whether a member's timeline is stored as sightings: only a parent's. Others are folded on request."""
        return self.roster.members[member].role is Role.PARENT

    def own_sightings(self, member: MemberId) -> dict[Seq, Sighting]:
        """Returns a member's own sightings, among those that are known here."""
        return {
            seq: known[member] for seq, known in self.sightings.items() if member in known and known[member].author == member
        }

    def note_delivered(self, member: MemberId, seqs: Iterable[Seq]) -> None:
        """Records that a member was sent these events later: what refers to them may now be sent to that member."""
        for seq in seqs:
            if (known := self.events.get(seq)) is not None:
                self.events[seq] = msgspec.structs.replace(known, delivered_to=(*known.delivered_to, member))

    def held_count(self) -> int:
        """Returns the number of held events, summed over all members, as far as they are known here."""
        return sum(len(state.holds.events) for state in self.surprises.values())
