"""Folds one more event into a family: the one step that the append, a replay and the tests share.

    fold(family, new event)  -->  needs (events, sightings, a history), as values: the caller reads them and calls `advance`
                             -->  Folded: the event in the form in which the log keeps it, and its changes as data

The same events give the same changes wherever and whenever they are folded (law 11). The family is changed in place: it may
have thousands of held events, which would have to be copied if each event made a new family.
"""

from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from events.catalogue import Domain
from events.event import Event, Role
from events.family import MemberJoined
from events.ids import MemberId, Seq
from events.kinds import (
    ABOUT_A_SUBJECT,
    EVERYDAY,
    POSSIBLY_TELLING,
    ROSTER_CHANGES,
    SIGHTING_CHANGES,
    SIGHTINGS,
    SURPRISE_ACTS,
    TARGET_CHANGES,
)
from events.surprise import Hint
from projections import first_saw, roster, visibility, visibility_fast
from projections.acts import Release, act, passed_at
from projections.changes import (
    Change,
    Delivered,
    Held,
    Hinted,
    HistoryDelivered,
    Released,
    RosterSet,
    SightingGone,
    SightingSet,
)
from projections.family import Family
from projections.first_saw import Sighting
from projections.joining_history import History, history_for
from projections.keep_quiet import telling_of
from projections.logged_event import DescribedEvent, LoggedEvent, logged, sighting_of

TOUCH_SIGHTINGS: Final = SIGHTINGS | SIGHTING_CHANGES


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event to be folded. It is about to be written to the log, or is in the log already."""

    seq: Seq
    event: Event[Any]
    commitment: bytes
    target_seq: Seq | None = None
    """The seq of the event to which this event refers. That event must be in `family.events`."""


class NeedEvents(msgspec.Struct, frozen=True):
    """The fold needs events of the log. The answer is a dictionary: seq -> the event and its commitment."""

    seqs: Sequence[Seq]


class NeedSightings(msgspec.Struct, frozen=True):
    """The fold needs sightings as a member knows them. The answer is a dictionary: seq -> sighting, for those that exist."""

    member: MemberId
    seqs: Sequence[Seq]


class NeedHistory(msgspec.Struct, frozen=True):
    """The fold needs the log before a seq. The answer is a `History`."""

    before: Seq
    is_whole: bool
    """Whether all events are needed with their bodies, because the joining member has chosen to wait, or only sightings."""


Need = NeedEvents | NeedSightings | NeedHistory


class Folded(msgspec.Struct, frozen=True, gc=False):
    """The result of folding one event."""

    logged: LoggedEvent
    changes: Sequence[Change]
    telling: tuple[DescribedEvent, ...] = ()
    """The events from which the receipt's `keep_quiet` follows: see `keep_quiet.telling_of`."""


Fold = Generator[Need, Any, Folded]


def advance(folding: Fold, answer: Any = None) -> Need | Folded:
    """Continues a fold with the answer to its last need. Returns its next need, or its result."""
    try:
        return folding.send(answer)
    except StopIteration as done:
        folded: Folded = done.value
        return folded


def fold(family: Family, new: NewEvent) -> Fold:
    """Folds one more event of the log into a family. Yields its needs, and returns the result."""
    event, seq = new.event, new.seq
    changes: list[Change] = []
    kind = type(event.event).__name__
    target = None if new.target_seq is None else family.events[new.target_seq]
    if kind == "MemberJoined":
        yield from _join(family, event, seq, changes)
    is_described = concerns_surprises(family, event, target)
    facts = logged(seq, event, target)
    described = family.describe(event, facts, target) if is_described else None
    telling = telling_of(family, facts, event, target, described) if family.keeps_telling else ()
    if kind in ROSTER_CHANGES and kind != "MemberJoined":
        _step_roster(family, event, changes)
    verdict = visibility.decide(
        described,
        kind=kind,
        author=event.author,
        audience=event.audience,
        target=target,
        roster=family.roster,
        surprises=family.surprises,
        is_held=visibility_fast.is_held,
    )
    kept = family.events[seq] = msgspec.structs.replace(facts, delivered_to=verdict.delivered)
    changes.append(Delivered(seq, new.commitment, verdict.delivered))
    if kind in TOUCH_SIGHTINGS:
        _see(family, event, kept, target, changes)
    if described is not None:
        for member in verdict.held:
            changes += hold(family, member, described)
        if kind == "Sorted" and family.keeps_telling:
            family.sortings[kept.thread].append(msgspec.structs.replace(described, logged=kept))
        if is_act(family, kind, event.author):
            for release in act(family, described, event, changes):
                yield from _release(family, release, new, changes)
    return Folded(kept, changes, telling)


def concerns_surprises(family: Family, event: Event[Any], target: LoggedEvent | None) -> bool:
    """Returns whether an event may be held from a member, or may release a held event. Most events can do neither."""
    kind = type(event.event).__name__
    if not family.surprises:
        return kind == "SurpriseChosen"
    if kind in SURPRISE_ACTS or kind in ABOUT_A_SUBJECT or (kind in POSSIBLY_TELLING and event.event.may_tell_of):
        return True
    is_everyday = kind in EVERYDAY
    for state in family.surprises.values():
        if (is_everyday and state.wishes.holds_everyday) or (target is not None and target.seq in state.holds.events):
            return True
    return False


def is_act(family: Family, kind: str, author: MemberId) -> bool:
    """Returns whether an event may change which events are held from members. A sighting may do so for its author alone."""
    if kind in SIGHTINGS:
        return author in family.surprises
    return kind in SURPRISE_ACTS and (bool(family.surprises) or kind == "SurpriseChosen")


def members_due(family: Family, now: datetime) -> list[MemberId]:
    """Returns, in order of id, the members to whom a TimePassed would now release held events."""
    lifts = passed_at(now)
    return [
        member
        for member, state in sorted(family.surprises.items())
        if visibility_fast.released(state, family.roster, is_lifted=lifts)
    ]


def hold(family: Family, member: MemberId, described: DescribedEvent) -> list[Change]:
    """Holds an event from a member. Returns the changes, with a hint if the member asks for hints.

    A member gets at most one hint a day for each child and domain.
    """
    state, at = family.surprises[member], described.received_at
    changes: list[Change] = []
    if state.wishes.asks_for_hints:
        day = at.astimezone(UTC).date()
        for child, domain in visibility.hints_for(described, state, family.roster):
            if state.hinted.get((child, domain), date.min) < day:
                state.hinted[child, domain] = day
                changes.append(Hinted(member, Hint(child=child, domain=Domain(domain), day=day), at))
    state.holds.hold(described)
    changes.append(Held(member, described))
    return changes


def _step_roster(family: Family, event: Event[Any], changes: list[Change]) -> None:
    after = roster.step(family.roster, event)
    if after is not family.roster:
        family.roster = after
        changes.append(RosterSet(after))


def _join(family: Family, event: Event[MemberJoined], seq: Seq, changes: list[Change]) -> Generator[Need, Any, None]:
    """Adds a member. Delivers the events so far that the member may know, and holds those that the member's choices keep."""
    _step_roster(family, event, changes)
    if seq == 1:
        return
    joiner = event.event.member
    state = family.surprises.get(joiner)
    history: History = yield NeedHistory(seq, state is not None)
    delivered = history_for(family.roster.members[joiner], history, family)
    if state is not None:
        changes.extend(Held(joiner, described) for described in state.holds.events.values())
    if delivered:
        commitments = [history.commitments[one - 1] for one in delivered]
        changes.append(HistoryDelivered(joiner, delivered, commitments, event.received_at))
        family.note_delivered(joiner, delivered)
    if family.keeps_sightings(joiner):
        for one in delivered:
            then = history.logged[one - 1]
            if (sighting := sighting_of(then, history.target_of(then))) is not None:
                step_sightings(family, (joiner,), sighting, history.events[one], changes)


def _see(
    family: Family, event: Event[Any], kept: LoggedEvent, target: LoggedEvent | None, changes: list[Change]
) -> None:
    """Folds an event into the stored versions of the sighting that it makes or changes.

    Each parent who was sent the event has a stored version, and so has a caregiver who is the author.
    """
    if (sighting := sighting_of(kept, target)) is None:
        return
    family.note_stated(sighting, kept.seq, event)
    parents = tuple([one for one in family.roster.parents if one in kept.delivered_to])
    step_sightings(family, parents, sighting, event, changes)
    if family.roster.role_of(event.author) is not Role.CAREGIVER:
        return
    # A caregiver's timeline is folded from their feed and not stored. But their own sightings are stored, because they show what
    # the member has met.
    changes_one = kept.kind in TARGET_CHANGES and target is not None and target.kind in SIGHTINGS
    if kept.kind in SIGHTINGS or changes_one:
        step_sightings(family, (event.author,), sighting, event, changes)


def _release(family: Family, release: Release, new: NewEvent, changes: list[Change]) -> Generator[Need, Any, None]:
    """Delivers the events that an act releases to one member (law 9). A sorting may release itself, too."""
    seqs = [described.seq for described in release.events]
    events = {new.seq: (new.event, new.commitment)}
    if older := [seq for seq in seqs if seq != new.seq]:
        events |= yield NeedEvents(older)
    changes.append(Released(release.member, release.why, seqs, [events[seq][1] for seq in seqs], new.event.received_at))
    family.note_delivered(release.member, seqs)
    for described in release.events if family.keeps_telling else ():
        if described.logged.kind == "Sorted":
            sent = msgspec.structs.replace(described.logged, delivered_to=(release.member,))
            family.sortings[sent.thread].append(msgspec.structs.replace(described, logged=sent))
    if not family.keeps_sightings(release.member):
        return
    touched = [(described.seq, described.sighting) for described in release.events if described.sighting is not None]
    unknown = list(dict.fromkeys(one for _, one in touched if release.member not in family.sightings[one]))
    if unknown:
        known: Mapping[Seq, Sighting] = yield NeedSightings(release.member, unknown)
        for one, sighting in known.items():
            family.sightings[one][release.member] = sighting
    for seq, one in touched:
        step_sightings(family, (release.member,), one, events[seq][0], changes)


def step_sightings(
    family: Family, members: Sequence[MemberId], seq: Seq, event: Event[Any], changes: list[Change]
) -> None:
    """Folds an event into these members' versions of one sighting. Members with the same version share one fold."""
    known = family.sightings[seq]
    members_by_before: dict[int, tuple[Sighting | None, list[MemberId]]] = {}
    for member in members:
        before = known.get(member)
        members_by_before.setdefault(id(before), (before, []))[1].append(member)
    for before, alike in members_by_before.values():
        after = first_saw.step(before, event)
        if after is not None:
            known.update(dict.fromkeys(alike, after))
            changes.append(SightingSet(seq, tuple(alike), after))
        elif before is not None:
            for member in alike:
                del known[member]
            changes.append(SightingGone(seq, tuple(alike)))
