"""Folds what happens into what each waiting member has chosen, has met and is kept from.

Owns which states of `Waiting` changed while events are folded, and which of somebody's acts frees what. What is held and what
is let go `visibility` decides.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE, Domain
from events.event import Event, Role
from events.family import MemberLeft, Sees
from events.ids import ChildId, MemberId, Seq
from events.observations import MilestoneNamed, MilestoneObserved, ParentFirstSaw
from events.surprise import EnvelopeOpened, Hint, Sorted, SurpriseChosen, TimePassed
from projections import visibility
from projections.first_saw import SIGHTING_KINDS, Sighting
from projections.lifting import opened_by, passed_at
from projections.logged_event import Past
from projections.roster import Member, Roster
from projections.subjects import (
    EVERYDAY_KINDS,
    Case,
    Had,
    Naming,
    Subject,
    as_part_of_sorted,
    as_sorted,
    brings_a_subject,
    case_of,
    case_of_sighting,
    had_after,
    had_of,
    thought_of,
)
from projections.surprise_state import Waiting
from projections.visibility import Reason

Seen = Callable[[MemberId], dict[Seq, Sighting]]

CONCERNS_WHO_WAITS: Final = frozenset(
    {
        "MilestoneObserved", "ParentFirstSaw", "MilestoneNamed", "SurpriseChosen", "EnvelopeOpened", "Sorted", "TimePassed",
        "Amended", "Withdrawn", "MemberLeft",
    }
)  # fmt: skip


class Release(msgspec.Struct, frozen=True):
    """What one member is told of at last, in the order of the log."""

    member: MemberId
    why: str
    """`own_first`, `opened`, `told`, `time` or `sorted`."""
    cases: tuple[Case, ...]


class Keeping:
    """Who waits, and for what, while events are folded."""

    def __init__(self, waiting: Mapping[MemberId, Waiting]) -> None:
        self.waiting: dict[MemberId, Waiting] = dict(waiting)
        self.had: dict[Seq, Had | Event[Any]] = {}
        """Sighting -> what it was ever about; of those that the coming events may amend."""
        self.left: set[MemberId] = set()
        """Who waited, and has left."""

    def changed(self) -> list[Waiting]:
        """The states that may have changed since they were written."""
        return [waits for waits in self.waiting.values() if waits.is_changed]

    def to_change(self, member: MemberId) -> Waiting:
        """The state of a member who has chosen something, to be changed."""
        waits = self.waiting[member]
        waits.is_changed = True
        return waits

    def case_of(self, seq: Seq, event: Event[Any], target: Past | None, roster: Roster, *, naming: Naming = "first") -> Case:
        """Describe an event for the rule. `note` it afterwards."""
        body = event.event
        if target is None and type(body) in (MilestoneObserved, ParentFirstSaw):
            return case_of_sighting(seq, body, author=event.author, since=event.received_at)
        author = roster.members.get(event.author)
        return case_of(
            seq,
            body,
            author=event.author,
            since=event.received_at,
            target=target,
            role=author.role if author is not None else None,
            known=self._known(target, seq, event.author, author) if type(body) is Amended and brings_a_subject(body) else None,
            naming=naming,
        )

    def _known(
        self, target: Past | None, seq: Seq, author: MemberId, member: Member | None
    ) -> tuple[frozenset[ChildId], frozenset[str]] | None:
        """Returns what the author of an amendment knows about the sighting. Their words state nothing that they were not sent."""
        if target is None or target.kind not in SIGHTING_KINDS:
            return None
        waits = self.waiting.get(author)
        return self._had(target).known(
            author,
            sees_own=member is None or member.sees is Sees.OWN,
            held=waits.held if waits is not None else (),
            before=seq,
        )

    def note(self, kind: str, seq: Seq, event: Event[Any], target: Past | None) -> None:
        """Remember what later events may ask of this one."""
        if kind in SIGHTING_KINDS:
            self.had[seq] = event
        elif kind == "Amended" and target is not None and target.kind in SIGHTING_KINDS and brings_a_subject(event.event):
            self.had[target.seq] = had_after(self._had(target), thought_of(seq, event))

    def _had(self, target: Past) -> Had:
        had = self.had[target.seq]
        return had_of(had) if isinstance(had, Event) else had

    def is_plain(self, event: Event[Any], target: Past | None) -> bool:
        """Whether an event is nothing that could be held from anybody or free anything: most are."""
        kind = type(event.event).__name__
        if not self.waiting:
            return kind != "SurpriseChosen"
        if kind in CONCERNS_WHO_WAITS:
            return False
        is_everyday = kind in EVERYDAY_KINDS
        if target is None and not is_everyday:
            return True
        if kind == "NoteWritten" and event.event.may_tell_of:
            return False
        for waits in self.waiting.values():
            if (is_everyday and waits.holds_unsorted) or (target is not None and target.seq in waits.held):
                return False
        return True

    def hold(self, member: MemberId, case: Case, roster: Roster) -> list[Hint]:
        """Hold an event from a member; gives the hints that they get instead."""
        waits = self.to_change(member)
        hints = _hints(case, waits, roster) if waits.asks_for_hints else []
        waits.hold(case)
        return hints

    def named(self, member: MemberId, roster: Roster) -> Roster:
        """The roster, with the names that are held from a member."""
        waits = self.waiting.get(member)
        if (waits is None or not waits.unnamed) and member not in roster.unnamed:
            return roster
        unnamed = frozenset(waits.unnamed) if waits is not None else frozenset()
        if unnamed == roster.unnamed.get(member, frozenset()):
            return roster
        return msgspec.structs.replace(roster, unnamed={**roster.unnamed, member: unnamed})

    def concerns(self, kind: str, author: MemberId) -> bool:
        """Whether an event of a kind may change what anybody waits for: a sighting only what its author does."""
        if kind in SIGHTING_KINDS:
            return author in self.waiting
        return kind in CONCERNS_WHO_WAITS and (bool(self.waiting) or kind == "SurpriseChosen")

    def act(self, case: Case, event: Event[Any], roster: Roster, *, own: Sighting | None, seen: Seen) -> tuple[Release, ...]:
        """What an event frees, and from whom. `own`: the author's sighting that it touches; `seen`: whose sightings are whose."""
        author = event.author
        if case.kind in SIGHTING_KINDS:
            return self._see(case, author, own, roster)
        match event.event:
            case SurpriseChosen():
                self._choose(event, seen)
                return self.let_go(author, "told", roster)
            case EnvelopeOpened() as opened if author in self.waiting:
                return self.let_go(author, "opened", roster, opened_by(opened, roster))
            case MilestoneNamed(milestone=key) if author in self.waiting:
                return self.let_go(author, "own_first", roster, lambda held, _: held.kind == "MilestoneNamed" and key in held.own)
            case TimePassed():
                lifts = passed_at(event.received_at)
                return tuple(release for member in self._members() for release in self.let_go(member, "time", roster, lifts))
            case Sorted() as said:
                changed = [member for member in self._members() if self._sort(member, case, said, roster)]
                return tuple(release for member in changed for release in self.let_go(member, "sorted", roster))
            case MemberLeft(member=member):
                self._forget(member)
                return ()
            case Withdrawn():
                self.drop_withdrawn(case)
                return self._see(case, author, own, roster)
            case Amended():
                return self._see(case, author, own, roster)
            case _:
                return ()

    def is_due(self, now: datetime, roster: Roster) -> bool:
        """Whether anybody has waited as long as they wished to wait at most for something."""
        lifts = passed_at(now)
        return any(visibility.freed(waits, roster, is_lifted=lifts) for waits in self.waiting.values())

    def _members(self) -> list[MemberId]:
        return sorted(self.waiting)

    def _choose(self, event: Event[SurpriseChosen], seen: Seen) -> None:
        if event.author not in self.waiting:
            waits = self.waiting[event.author] = Waiting(event.author)
            for seq, sighting in seen(event.author).items():
                waits.see(seq, sighting)
        self.to_change(event.author).choose(event)

    def _see(self, case: Case, author: MemberId, own: Sighting | None, roster: Roster) -> tuple[Release, ...]:
        """An own sighting, an amendment or a withdrawal of one, changes what its author has met."""
        seq = case.touches
        if seq is None or author not in self.waiting:
            return ()
        is_own = own is not None and own.author == author
        waits = self.waiting[author]
        if not is_own and seq not in waits.own:
            return ()
        fresh = waits.see(seq, own if is_own else None)
        if not fresh or not any(waits.of(met).held for met in _also_of_any_child(fresh)):
            return ()
        return self.let_go(author, "own_first", roster, _met_in_prose, among=_telling(fresh))

    def _sort(self, member: MemberId, case: Case, said: Sorted, roster: Roster) -> bool:
        """Note how somebody sorted an event that is held from this member; says whether it is.

        With it everything that hangs from it is sorted. What the member was told of before is not: a sorting of that changes
        nothing of what is said to them from then on (law 20). A parent's own words are sorted by nobody else.
        """
        assert case.target_seq is not None, "a sorting names what it sorts"
        assert case.author is not None, "whoever described it knew its author"
        target = self.waiting[member].held.get(case.target_seq)
        if target is None or not may_sort(case.author, target.author, roster):
            return False
        waits = self.to_change(member)
        subject: Subject | None = (said.child, said.milestone) if said.milestone is not None else None
        for seq in waits.hanging_from(target.seq):
            held = waits.held[seq]
            changed = as_sorted(held, subject, by=case.author) if held is target else as_part_of_sorted(held)
            if changed is not held:
                waits.hold(changed)
        return True

    def drop_withdrawn(self, case: Case) -> None:
        """Drop what its author takes back while it is held, and whatever is said of it: it is never delivered."""
        assert case.target_seq is not None, "a withdrawal names what it withdraws"
        if not case.takes_back:
            return
        for member in self._members():
            if gone := self.waiting[member].hanging_from(case.target_seq):
                waits = self.to_change(member)
                for seq in gone:
                    waits.let_go(seq)

    def _forget(self, member: MemberId) -> None:
        if self.waiting.pop(member, None) is not None:
            self.left.add(member)

    def let_go(
        self,
        member: MemberId,
        why: str,
        roster: Roster,
        is_lifted: Callable[[Case, Reason], bool] | None = None,
        *,
        among: frozenset[Subject] | None = None,
    ) -> tuple[Release, ...]:
        free = visibility.freed(self.waiting[member], roster, is_lifted=is_lifted, among=among)
        if not free:
            return ()
        waits = self.to_change(member)
        for case in free:
            waits.let_go(case.seq)
        return (Release(member, why, tuple(free)),)


def may_sort(sorter: MemberId, author: MemberId | None, roster: Roster) -> bool:
    """Whether somebody may sort another member's words: a parent's own are sorted by nobody else."""
    if author is None or sorter == author:
        return True
    return roster.members[author].role is not Role.PARENT


def _met_in_prose(case: Case, reason: Reason) -> bool:
    """What an own first lifts, beside the subjects that it meets: what a daycare's words about them may tell besides."""
    return reason.subject is None and case.kind in SIGHTING_KINDS


def _hints(case: Case, waits: Waiting, roster: Roster) -> list[Hint]:
    day = case.since.astimezone(UTC).date()
    hints = []
    for child, domain in visibility.hints_for(case, waits, roster):
        if waits.hinted.get((child, domain), date.min) < day:
            waits.hinted[child, domain] = day
            hints.append(Hint(child=child, domain=Domain(domain), day=day))
    return hints


def _telling(subjects: Sequence[Subject]) -> frozenset[Subject]:
    """All subjects that tell of one of these."""
    telling = [(child, key) for child, met in subjects for key in (met, *CATALOGUE.implying(met))]
    return frozenset(_also_of_any_child(telling))


def _also_of_any_child(subjects: Sequence[Subject]) -> list[Subject]:
    return [*subjects, *((None, milestone) for _, milestone in subjects)]
