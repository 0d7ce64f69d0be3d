"""Keeps all that the surprise rule needs to know of one member: wishes, met subjects, and the events held from the member.

Such a state exists only for members who have made a choice, so that others cost nothing. Decides nothing about any event.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TypeVar

import msgspec

from events.catalogue import CATALOGUE
from events.event import Audience, Event
from events.ids import ChildId, EventId, MemberId, Seq
from events.surprise import Mode, SurpriseChosen
from projections.first_saw import Sighting
from projections.logged_event import DescribedEvent, Subject
from projections.roster import Roster

Counted = TypeVar("Counted")


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One choice of a member that is in force."""

    child: ChildId | None
    """The child that the choice is about; None if it is about every child."""
    scope: str
    mode: Mode
    hold_unsorted: bool
    at_most_days: int | None
    chosen_at: datetime
    """When it was recorded. Of two choices with the same child and scope, the one recorded later counts."""
    chosen_by: EventId

    def has_passed(self, *, since: datetime, now: datetime) -> bool:
        """Returns whether the choice no longer holds an event, because its days have passed since the event was received.

        `since`: when the event was received. A choice without `at_most_days` never passes.
        """
        return self.at_most_days is not None and since + timedelta(days=self.at_most_days) <= now


class Wishes(msgspec.Struct, frozen=True):
    """All choices of one member that are in force. Build it with `wishes_of`."""

    choices: Mapping[tuple[ChildId | None, str], Choice]
    """Child and scope -> choice."""
    asks_for_hints: bool
    holds_everyday: bool
    """Whether at least one choice keeps everyday notes, too."""


def wishes_of(choices: Iterable[Choice]) -> Wishes:
    """Returns the wishes that consist of a member's choices."""
    by_key = {(choice.child, choice.scope): choice for choice in choices}
    return Wishes(
        by_key,
        any(choice.mode is Mode.HINT for choice in by_key.values()),
        any(choice.hold_unsorted and asks_to_wait(choice) for choice in by_key.values()),
    )


NO_WISHES = wishes_of(())


def wishes_after(wishes: Wishes, event: Event[SurpriseChosen]) -> Wishes:
    """Returns a member's wishes after one more choice; the same object if a choice that was recorded later is in force already.

    Later choices count in any order of arrival.
    """
    chosen, (chosen_at, chosen_by) = event.event, event.order
    before = wishes.choices.get((chosen.child, chosen.scope))
    if before is not None and (before.chosen_at, before.chosen_by) > (chosen_at, chosen_by):
        return wishes
    choice = Choice(
        child=chosen.child,
        scope=chosen.scope,
        mode=chosen.mode,
        hold_unsorted=bool(chosen.hold_unsorted),
        at_most_days=chosen.at_most_days,
        chosen_at=chosen_at,
        chosen_by=chosen_by,
    )
    return wishes_of({**wishes.choices, (choice.child, choice.scope): choice}.values())


def choice_for(child: ChildId | None, milestone: str, wishes: Wishes, roster: Roster) -> Choice | None:
    """Returns the choice that decides how a member wishes to learn of a milestone: the most specific one; None if there is none.

    A choice of the milestone's key comes before a choice of its domain, and a choice of the domain before one of `all`. Within
    each of these, a choice for this child comes before one for every child. For a milestone that has a safety note, only a choice
    of its key counts.
    """
    scopes = [f"milestone:{milestone}"]
    if not has_safety_note(milestone):
        scopes += [f"domain:{roster.domain_of(milestone)}", "all"]
    found = (wishes.choices.get((one, scope)) for scope in scopes for one in (child, None))
    return next((choice for choice in found if choice is not None), None)


def asks_to_wait(choice: Choice | None) -> bool:
    """Returns whether a choice asks to wait: its mode is `keep` or `hint`."""
    return choice is not None and choice.mode is not Mode.TELL


def has_safety_note(milestone: str) -> bool:
    """Returns whether a milestone of the catalogue has a safety note."""
    listed = CATALOGUE.by_key.get(milestone)
    return listed is not None and listed.safety is not None


def implied_by(subject: Subject) -> Iterator[Subject]:
    """Yields a subject and all subjects that it implies: a member who saw the first one has seen these as well."""
    child, milestone = subject
    yield subject
    for implied in CATALOGUE.implied_by(milestone):
        yield child, implied


def subjects_showing(subject: Subject) -> list[Subject]:
    """Returns all subjects with a sighting that can show that this subject, or a subject that it implies, is met."""
    child, milestone = subject
    implied = (milestone, *CATALOGUE.implied_by(milestone))
    return [(child, key) for key in sorted({showing for one in implied for showing in (one, *CATALOGUE.implying(one))})]


class Met:
    """The subjects that a member has met: those of the member's own sightings, and all that these imply.

    Each subject has the number of sightings that show it. Changed in place by the fold that owns it.
    """

    __slots__ = ("known_at_home", "known_by_all", "own", "subjects")

    def __init__(self) -> None:
        self.own: dict[Seq, tuple[Subject, Audience]] = {}
        """Seq -> subject and audience, for the member's own sightings that were read or folded."""
        self.subjects: dict[Subject, int] = {}
        self.known_at_home: dict[Subject, int] = {}
        """The subjects in sightings whose audience is the author's household or the family."""
        self.known_by_all: dict[Subject, int] = {}
        """The subjects in sightings whose audience is the family."""

    def see(self, seq: Seq, sighting: Sighting | None) -> list[Subject]:
        """Stores the present version of an own sighting; None if it is withdrawn. Returns the subjects that are now newly met.

        A subject of the version before does not count as newly met.
        """
        met_before: tuple[Subject, ...] = ()
        if (before := self.own.pop(seq, None)) is not None:
            met_before = tuple(implied_by(before[0]))
            self._count(*before, -1)
        if sighting is None:
            return []
        subject = (sighting.child, sighting.milestone)
        fresh = [one for one in implied_by(subject) if one not in self.subjects and one not in met_before]
        self.own[seq] = subject, sighting.audience
        self._count(subject, sighting.audience, 1)
        return fresh

    def _count(self, subject: Subject, audience: Audience, by: int) -> None:
        for one in implied_by(subject):
            _add(self.subjects, one, by)
            if audience is not Audience.ME:
                _add(self.known_at_home, one, by)
            if audience is Audience.FAMILY:
                _add(self.known_by_all, one, by)


class Holds:
    """The events that are held from a member, in the order of the log. Changed in place by the fold that owns it."""

    __slots__ = ("_telling", "events", "unnamed")

    def __init__(self) -> None:
        self.events: dict[Seq, DescribedEvent] = {}
        self.unnamed: dict[str, int] = {}
        """The family's own milestones whose first names are held, each with the number of these names."""
        self._telling: dict[Subject, int] = {}
        """Subject -> how many held events reveal it, because their subjects are this subject or imply it."""

    def fill(self, events: Iterable[DescribedEvent]) -> None:
        """Replaces all held events by other ones."""
        self.events.clear()
        self.unnamed.clear()
        self._telling.clear()
        for described in events:
            self.hold(described)

    def hold(self, described: DescribedEvent) -> None:
        """Adds a held event, or replaces its description. New events are added in the order of the log."""
        if (before := self.events.get(described.seq)) is not None:
            self._count(before, -1)
        self.events[described.seq] = described
        self._count(described, 1)

    def let_go(self, seq: Seq) -> None:
        """Removes an event, if it is held."""
        if (described := self.events.pop(seq, None)) is not None:
            self._count(described, -1)

    def tell_of(self, subject: Subject) -> bool:
        """Returns whether any held event reveals a subject, because one of the event's subjects is this subject or implies it."""
        return subject in self._telling

    def hanging_from(self, seq: Seq) -> list[Seq]:
        """Returns the seqs of a held event and of all held events that refer to it, directly or not, in order.

        The list is empty if the event is not held.
        """
        found = {seq} if seq in self.events else set()
        for described in self.events.values() if found else ():
            if described.logged.target_seq in found:
                found.add(described.seq)
        return [held for held in self.events if held in found]

    def _count(self, described: DescribedEvent, by: int) -> None:
        for subject in described.content.subjects:
            for one in implied_by(subject):
                _add(self._telling, one, by)
        if described.is_first_name:
            for own in described.content.own_milestones:
                _add(self.unnamed, own, by)


def _add(counts: dict[Counted, int], key: Counted, by: int) -> None:
    counts[key] = counts.get(key, 0) + by
    if not counts[key]:
        del counts[key]


class SurpriseState:
    """The surprise state of one member. Changed in place by the fold that owns it; never copied."""

    __slots__ = ("hinted", "holds", "kept", "kept_for", "member", "met", "wishes")

    def __init__(self, member: MemberId, wishes: Wishes = NO_WISHES) -> None:
        self.member = member
        self.wishes = wishes
        self.met = Met()
        self.holds = Holds()
        self.hinted: dict[tuple[ChildId, str], date] = {}
        """Child and domain -> the UTC day of the last hint."""
        self.kept: dict[Subject, tuple[tuple[Subject, Choice], ...]] = {}
        """The cache of `visibility_fast`. It is valid for the wishes in `kept_for`."""
        self.kept_for = wishes
