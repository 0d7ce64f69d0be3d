"""Holds a family's state while events are folded into it.

Owns what the fold remembers; decides nothing. The roster and the surprise states are kept from one batch of events to the next.
The rest is what the next events may refer to: it is filled in before they are folded, as far as they need it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from events.event import Event, Role
from events.ids import MemberId, Seq
from projections.first_saw import Sighting
from projections.keep_quiet import Sorting
from projections.logged_event import LoggedEvent
from projections.roster import EMPTY, Roster
from projections.subjects import DescribedEvent, SubjectHistory, history_of
from projections.surprise_state import SurpriseState


class Family:
    """The state of one family. Changed in place: its only owner folds one event after another."""

    __slots__ = ("events", "keeps_telling", "roster", "sightings", "sortings", "subjects", "surprises", "telling")

    def __init__(self, roster: Roster = EMPTY, surprises: Mapping[MemberId, SurpriseState] | None = None) -> None:
        self.roster = roster
        self.surprises: dict[MemberId, SurpriseState] = dict(surprises or {})
        """Member -> their state, for the members who have chosen anything."""
        self.events: dict[Seq, LoggedEvent] = {}
        """The events to which the next ones may refer."""
        self.sightings: defaultdict[Seq, dict[MemberId, Sighting]] = defaultdict(dict)
        """Sighting -> what each member knows of it."""
        self.subjects: dict[Seq, SubjectHistory | Event[Any]] = {}
        """Sighting -> all subjects that it has ever had; the event itself where these were not needed yet."""
        self.keeps_telling = bool(surprises)
        """Whether `telling` is kept: receipts may have to name a member. Set it where the next events contain a first choice."""
        self.telling: dict[Seq, tuple[DescribedEvent, ...]] = {}
        """Event -> itself and all that it refers to, as far as these can reveal anything; see `keep_quiet`."""
        self.sortings: defaultdict[Seq, list[Sorting]] = defaultdict(list)
        """Thread -> the sortings of its events."""

    def unnamed_to(self, member: MemberId) -> Collection[str]:
        """Returns the family's own milestones whose names are held from a member."""
        if not self.surprises:
            return ()
        state = self.surprises.get(member)
        return () if state is None else state.holds.unnamed

    def keeps_sightings(self, member: MemberId) -> bool:
        """Returns whether a member's timeline is stored as sightings: only a parent's. Others are folded on request."""
        return self.roster.members[member].role is Role.PARENT

    def own_sightings(self, member: MemberId) -> dict[Seq, Sighting]:
        """Returns a member's own sightings, among those that are known here."""
        return {
            seq: known[member] for seq, known in self.sightings.items() if member in known and known[member].author == member
        }

    def subject_history(self, sighting: Seq) -> SubjectHistory:
        """Returns all children and milestones that a sighting has ever been about."""
        known = self.subjects[sighting]
        return history_of(known) if isinstance(known, Event) else known

    def note_delivered(self, member: MemberId, seqs: Iterable[Seq]) -> None:
        """Records that a member was sent these events later: what refers to them may now be sent to that member."""
        for seq in seqs:
            if (known := self.events.get(seq)) is not None:
                self.events[seq] = msgspec.structs.replace(known, delivered_to=(*known.delivered_to, member))

    def held_count(self) -> int:
        """Returns the number of held events, summed over all members, as far as they are known here."""
        return sum(len(state.holds.events) for state in self.surprises.values())
