"""Applies an act of a member to the surprise states, and finds the held events that it frees.

Owns which events are such acts, and what each of them does. `visibility` decides what stays held.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE, Domain
from events.event import Event, Role
from events.family import MemberLeft
from events.ids import MemberId
from events.kinds import ABOUT_A_SUBJECT, EVERYDAY, POSSIBLY_TELLING, SIGHTINGS, SURPRISE_ACTS
from events.observations import MilestoneNamed
from events.surprise import EnvelopeOpened, Hint, Sorted, SurpriseChosen, TimePassed
from projections import visibility, visibility_fast
from projections.changes import Change, Held, Hinted, LetGo, SurprisesForgotten, WishesSet
from projections.family import Family
from projections.first_saw import Sighting
from projections.lifting import IsLifted, found_in_met_words, named, opened_by, passed_at
from projections.logged_event import LoggedEvent
from projections.roster import Roster
from projections.subjects import DescribedEvent, Subject, as_part_of_sorted, as_sorted
from projections.surprise_state import SurpriseState
from projections.wishes import wishes_after


class Freed(msgspec.Struct, frozen=True):
    """The held events that are now released to one member, in the order of the log."""

    member: MemberId
    why: str
    events: tuple[DescribedEvent, ...]


def is_plain(family: Family, event: Event[Any], target: LoggedEvent | None) -> bool:
    """Returns whether an event can neither be held from a member nor free a held event. Most events are like this."""
    kind = type(event.event).__name__
    if not family.surprises:
        return kind != "SurpriseChosen"
    if kind in SURPRISE_ACTS or kind in ABOUT_A_SUBJECT:
        return False
    is_everyday = kind in EVERYDAY
    if target is None and not is_everyday:
        return True
    if kind in POSSIBLY_TELLING and event.event.may_tell_of:
        return False
    for state in family.surprises.values():
        if (is_everyday and state.wishes.holds_everyday) or (target is not None and target.seq in state.holds.events):
            return False
    return True


def is_act(family: Family, kind: str, author: MemberId) -> bool:
    """Returns whether an event may change what members wait for. A sighting may change that for its author alone."""
    if kind in SIGHTINGS:
        return author in family.surprises
    return kind in SURPRISE_ACTS and (bool(family.surprises) or kind == "SurpriseChosen")


def members_due(family: Family, now: datetime) -> list[MemberId]:
    """Returns the members with held events that a tick of the clock would free, in order of id."""
    lifts = passed_at(now)
    return [
        member
        for member, state in sorted(family.surprises.items())
        if visibility_fast.freed(state, family.roster, is_lifted=lifts)
    ]


def hold(family: Family, member: MemberId, described: DescribedEvent, at: datetime) -> list[Change]:
    """Holds an event from a member, who may get a hint instead. Returns the changes."""
    state = family.surprises[member]
    hints = _hints(described, state, family.roster) if state.wishes.asks_for_hints else []
    state.holds.hold(described)
    return [*(Hinted(member, hint, at) for hint in hints), Held(member, described)]


def act(
    family: Family, described: DescribedEvent, event: Event[Any], own: Sighting | None, changes: list[Change]
) -> list[Freed]:
    """Applies an act, adds what it changes to `changes`, and returns what it frees.

    `own`: the author's own sighting, where the act makes or changes one.
    """
    author = event.author
    match event.event:
        case SurpriseChosen():
            _choose(family, event, changes)
            return free(family, author, "told")
        case EnvelopeOpened() as opened if author in family.surprises:
            return free(family, author, "opened", opened_by(opened, family.roster))
        case MilestoneNamed(milestone=key) if author in family.surprises:
            return free(family, author, "own_first", named(key))
        case TimePassed():
            lifts = passed_at(event.received_at)
            return [one for member in sorted(family.surprises) for one in free(family, member, "time", lifts)]
        case Sorted() as sorting:
            sorted_for = [one for one in sorted(family.surprises) if _sort(family, one, described, sorting, changes)]
            return [one for member in sorted_for for one in free(family, member, "sorted")]
        case MemberLeft(member=member):
            if family.surprises.pop(member, None) is not None:
                changes.append(SurprisesForgotten(member))
            return []
        case Withdrawn():
            changes += drop_withdrawn(family, described)
            return _see(family, described, author, own)
        case Amended():
            return _see(family, described, author, own)
        case _:
            return _see(family, described, author, own) if described.logged.kind in SIGHTINGS else []


def _choose(family: Family, event: Event[SurpriseChosen], changes: list[Change]) -> None:
    state = family.surprises.get(event.author)
    if state is None:
        state = family.surprises[event.author] = SurpriseState(event.author)
        for seq, sighting in family.own_sightings(event.author).items():
            state.met.see(seq, sighting)
    before, state.wishes = state.wishes, wishes_after(state.wishes, event)
    if state.wishes is not before:
        changes.append(WishesSet(event.author, state.wishes))


def _see(family: Family, described: DescribedEvent, author: MemberId, own: Sighting | None) -> list[Freed]:
    """Updates what the author has met by an own sighting, or by its amendment or withdrawal. Returns the freed events."""
    seq, state = described.sighting, family.surprises.get(author)
    if seq is None or state is None:
        return []
    is_own = own is not None and own.author == author
    if not is_own and seq not in state.met.own:
        return []
    fresh = state.met.see(seq, own if is_own else None)
    if not fresh or not any(map(state.holds.tell_of, _also_of_every_child(fresh))):
        return []
    telling = [(child, key) for child, met in fresh for key in (met, *CATALOGUE.implying(met))]
    return free(family, author, "own_first", found_in_met_words, among=frozenset(_also_of_every_child(telling)))


def _also_of_every_child(subjects: Sequence[Subject]) -> list[Subject]:
    return [*subjects, *((None, milestone) for _, milestone in subjects)]


def _sort(family: Family, member: MemberId, described: DescribedEvent, sorting: Sorted, changes: list[Change]) -> bool:
    """Applies a sorting to an event that is held from this member. Returns whether it was applied.

    The held events that refer to the sorted event are sorted with it. If the member was sent the event before, the sorting
    changes nothing for them (law 20).
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
    """Drops an event that its author takes back while it is held, and all that refers to it. None of it is ever delivered."""
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


def free(
    family: Family,
    member: MemberId,
    why: str,
    is_lifted: IsLifted | None = None,
    *,
    among: frozenset[Subject] | None = None,
) -> list[Freed]:
    """Releases and returns the events for which there is no longer a reason to hold them from a member."""
    state = family.surprises[member]
    found = visibility_fast.freed(state, family.roster, is_lifted=is_lifted, among=among)
    for described in found:
        state.holds.let_go(described.seq)
    return [Freed(member, why, tuple(found))] if found else []


def may_sort(sorter: MemberId, author: MemberId, roster: Roster) -> bool:
    """Returns whether a member may sort an author's words. A parent's words are sorted only by that parent."""
    member = roster.members.get(author)
    return sorter == author or member is None or member.role is not Role.PARENT


def _hints(described: DescribedEvent, state: SurpriseState, roster: Roster) -> list[Hint]:
    """Returns the hints that a member gets for a held event: at most one per day for each child and domain."""
    day = described.received_at.astimezone(UTC).date()
    hints = []
    for child, domain in visibility.hints_for(described, state, roster):
        if state.hinted.get((child, domain), date.min) < day:
            state.hinted[child, domain] = day
            hints.append(Hint(child=child, domain=Domain(domain), day=day))
    return hints
