"""Applies an act of a member to the surprise states, and finds the held events that it releases.

Owns what each act does: which reasons to hold an event the act lifts, what an envelope contains, and how days are counted.
`visibility` decides which events are released because no reason is left.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE
from events.event import Event
from events.family import MemberLeft
from events.ids import MemberId
from events.kinds import SIGHTINGS
from events.observations import MilestoneNamed, MilestoneObserved, ParentFirstSaw
from events.surprise import EnvelopeOpened, Sorted, SurpriseChosen, TimePassed
from projections import visibility_fast
from projections.changes import Change, Held, LetGo, SurprisesForgotten, WishesSet
from projections.family import Family
from projections.logged_event import DescribedEvent, Subject, as_part_of_sorted, as_sorted
from projections.roster import Roster, may_sort
from projections.surprise_state import SurpriseState, wishes_after
from projections.visibility import Reason

IsLifted = Callable[[DescribedEvent, Reason], bool]


class Release(msgspec.Struct, frozen=True):
    """The held events that an act releases to one member, in the order of the log."""

    member: MemberId
    why: str
    events: tuple[DescribedEvent, ...]


def act(family: Family, described: DescribedEvent, event: Event[Any], changes: list[Change]) -> list[Release]:
    """Applies an act to the surprise states. Adds its changes to `changes`, and returns the events that it releases."""
    author = event.author
    match event.event:
        case MilestoneObserved() | ParentFirstSaw() | Amended():
            return _see(family, described, author)
        case Withdrawn():
            changes += drop_withdrawn(family, described)
            return _see(family, described, author)
        case SurpriseChosen():
            _choose(family, event, changes)
            return release(family, author, "told")
        case EnvelopeOpened() as opened if author in family.surprises:
            return release(family, author, "opened", opened_by(opened, family.roster))
        case MilestoneNamed(milestone=key) if author in family.surprises:
            return release(family, author, "own_first", _named(key))
        case TimePassed():
            lifts = passed_at(event.received_at)
            return [one for member in sorted(family.surprises) for one in release(family, member, "time", lifts)]
        case Sorted() as sorting:
            sorted_for = [one for one in sorted(family.surprises) if _sort(family, one, described, sorting, changes)]
            return [one for member in sorted_for for one in release(family, member, "sorted")]
        case MemberLeft(member=member):
            if family.surprises.pop(member, None) is not None:
                changes.append(SurprisesForgotten(member))
    return []


def _choose(family: Family, event: Event[SurpriseChosen], changes: list[Change]) -> None:
    state = family.surprises.get(event.author)
    if state is None:
        state = family.surprises[event.author] = SurpriseState(event.author)
        for seq, sighting in family.own_sightings(event.author).items():
            state.met.see(seq, sighting)
    before, state.wishes = state.wishes, wishes_after(state.wishes, event)
    if state.wishes is not before:
        changes.append(WishesSet(event.author, state.wishes))


def _see(family: Family, described: DescribedEvent, author: MemberId) -> list[Release]:
    """Updates which subjects an author has met, if an event makes or changes their own sighting. Returns the released events."""
    seq, state = described.sighting, family.surprises.get(author)
    if seq is None or state is None:
        return []
    known = family.sightings[seq].get(author)
    own = known if known is not None and known.author == author else None
    if own is None and seq not in state.met.own:
        return []
    fresh = state.met.see(seq, own)
    if not fresh or not any(map(state.holds.tell_of, _also_of_every_child(fresh))):
        return []
    telling = [(child, key) for child, met in fresh for key in (met, *CATALOGUE.implying(met))]
    return release(family, author, "own_first", _found_in_met_words, among=frozenset(_also_of_every_child(telling)))


def _also_of_every_child(subjects: Sequence[Subject]) -> list[Subject]:
    return [*subjects, *((None, milestone) for _, milestone in subjects)]


def _sort(family: Family, member: MemberId, described: DescribedEvent, sorting: Sorted, changes: list[Change]) -> bool:
    """Applies a sorting to an event, if that event is held from this member. Returns whether the sorting was applied.

    The held events that refer to the sorted event are sorted together with it. If the member was sent the event before, the
    sorting changes nothing for this member (law 20).
    """
    state = family.surprises[member]
    target_seq, by = described.logged.target_seq, described.logged.author
    assert target_seq is not None, "a sorting names what it sorts"
    target = state.holds.events.get(target_seq)
    if target is None or not may_sort(by, target.logged.author, family.roster):
        return False
    subject: Subject | None = (sorting.child, sorting.milestone) if sorting.milestone is not None else None
    for seq in state.holds.hanging_from(target_seq):
        held = state.holds.events[seq]
        after = as_sorted(held, subject, by=by) if held is target else as_part_of_sorted(held)
        if after is not held:
            state.holds.hold(after)
            changes.append(Held(member, after))
    return True


def drop_withdrawn(family: Family, described: DescribedEvent) -> list[Change]:
    """Removes an event that its author withdraws while it is held, with all events that refer to it. None is ever delivered."""
    target_seq = described.logged.target_seq
    assert target_seq is not None, "a withdrawal names what it withdraws"
    dropped: list[Change] = []
    for member in sorted(family.surprises) if described.takes_back else ():
        holds = family.surprises[member].holds
        if gone := holds.hanging_from(target_seq):
            for seq in gone:
                holds.let_go(seq)
            dropped.append(LetGo(member, gone))
    return dropped


def release(
    family: Family,
    member: MemberId,
    why: str,
    is_lifted: IsLifted | None = None,
    *,
    among: frozenset[Subject] | None = None,
) -> list[Release]:
    """Releases and returns the events that there is no longer any reason to hold from a member.

    `is_lifted`: whether the act lifts a reason. `among`: the subjects about which the act may change anything; None: all.
    """
    state = family.surprises[member]
    found = visibility_fast.released(state, family.roster, is_lifted=is_lifted, among=among)
    for described in found:
        state.holds.let_go(described.seq)
    return [Release(member, why, tuple(found))] if found else []


def opened_by(opened: EnvelopeOpened, roster: Roster) -> IsLifted:
    """Returns the check for the reasons that an opened envelope lifts: those with a subject in the envelope's scope.

    For a reason without a subject, the first subject of the event counts. If the event has none, only the scope `all` lifts it.
    """
    kind, _, key = opened.scope.partition(":")

    def is_lifted(described: DescribedEvent, reason: Reason) -> bool:
        content = described.content
        child, milestone = reason.subject or (content.subjects[0] if content.subjects else (content.child, None))
        if opened.child is not None and child is not None and child != opened.child:
            return False
        match kind:
            case "all":
                return True
            case "domain":
                return milestone is not None and roster.domain_of(milestone) == key
            case _:
                return milestone == key

    return is_lifted


def passed_at(now: datetime) -> IsLifted:
    """Returns the check for the reasons that time lifts: by choices whose days have passed since the event was received."""
    return lambda described, reason: reason.choice.has_passed(since=described.received_at, now=now)


def _found_in_met_words(described: DescribedEvent, reason: Reason) -> bool:
    """Returns whether an own first lifts a reason: one without a subject, to hold a sighting found in a daycare's words.

    Such a reason exists because the words may reveal more than the subject that was found in them.
    """
    return reason.subject is None and described.logged.kind in SIGHTINGS


def _named(milestone: str) -> IsLifted:
    """Returns the check for the reasons that are lifted when a member names an own milestone: all reasons to hold its names."""
    return lambda described, _: described.logged.kind == "MilestoneNamed" and milestone in described.content.own_milestones
