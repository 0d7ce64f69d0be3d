"""A family's state while events are folded into it.

Owns what the fold remembers, and nothing of what it decides. The roster and the surprise states outlast a batch of events. The
rest is what the coming events may refer to: it is filled in before they are folded, as far as they need it.
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
    """One family. Changed in place: its one owner folds one event after the other."""

    __slots__ = ("events", "keeps_telling", "roster", "sightings", "sortings", "subjects", "surprises", "telling")

    def __init__(self, roster: Roster = EMPTY, surprises: Mapping[MemberId, SurpriseState] | None = None) -> None:
        self.roster = roster
        self.surprises: dict[MemberId, SurpriseState] = dict(surprises or {})
        """The members who have chosen anything."""
        self.events: dict[Seq, LoggedEvent] = {}
        """The events to which the coming ones may refer."""
        self.sightings: defaultdict[Seq, dict[MemberId, Sighting]] = defaultdict(dict)
        """Sighting -> what each member knows of it."""
        self.subjects: dict[Seq, SubjectHistory | Event[Any]] = {}
        """Sighting -> what it was ever said to be about; the event itself where it was not asked yet."""
        self.keeps_telling = bool(surprises)
        """Whether receipts may have to name somebody. Set it where the coming events hold a first choice."""
        self.telling: dict[Seq, tuple[DescribedEvent, ...]] = {}
        """Event -> what can tell anybody anything, of itself and of all that it refers to; see `keep_quiet`."""
        self.sortings: defaultdict[Seq, list[Sorting]] = defaultdict(list)
        """Thread -> how its events were sorted."""

    def unnamed_to(self, member: MemberId) -> Collection[str]:
        """Returns the family's own milestones whose names are held from a member."""
        if not self.surprises:
            return ()
        state = self.surprises.get(member)
        return () if state is None else state.holds.unnamed

    def keeps_sightings(self, member: MemberId) -> bool:
        """Returns whether a member's timeline is kept as sightings: a parent's. Others are folded when they are requested."""
        return self.roster.members[member].role is Role.PARENT

    def own_sightings(self, member: MemberId) -> dict[Seq, Sighting]:
        """Returns a member's own sightings, of those that are known here."""
        return {
            seq: known[member] for seq, known in self.sightings.items() if member in known and known[member].author == member
        }

    def subject_history(self, sighting: Seq) -> SubjectHistory:
        """Returns what a sighting was ever said to be about."""
        known = self.subjects[sighting]
        return history_of(known) if isinstance(known, Event) else known

    def note_delivered(self, member: MemberId, seqs: Iterable[Seq]) -> None:
        """Notes that a member was sent events after all: what refers to them may be sent to that member now."""
        for seq in seqs:
            if (known := self.events.get(seq)) is not None:
                self.events[seq] = msgspec.structs.replace(known, delivered_to=(*known.delivered_to, member))

    def held_count(self) -> int:
        """Returns how many events are held, from all members together, as far as they are known here."""
        return sum(len(state.holds.events) for state in self.surprises.values())
