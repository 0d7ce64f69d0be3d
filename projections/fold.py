"""Folds one more event into a family: the one step that the append, a replay and the tests drive.

    fold(family, new event)  -->  needs (events, sightings, a history), as values: the driver answers them with `advance`
                             -->  Folded: the event as the log keeps it, and the changes that it makes, as data

The same events give the same changes wherever and whenever they are folded (law 11). The family is changed in place: it may hold
thousands of held events, which a new value for each event would have to copy.
"""

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

import msgspec

from events.event import Event, Role
from events.family import MemberJoined
from events.ids import MemberId, Seq
from events.kinds import ROSTER_CHANGES, SIGHTING_CHANGES, SIGHTINGS, TARGET_CHANGES, TELLING
from projections import first_saw, roster, visibility
from projections.acts import Freed, act, hold, is_act, is_plain
from projections.changes import (
    Change,
    Delivered,
    Held,
    HistoryDelivered,
    Released,
    RosterSet,
    SightingGone,
    SightingSet,
)
from projections.describing import describe_in, note_subjects
from projections.family import Family
from projections.first_saw import Sighting, sighting_of
from projections.joining_history import History, history_for
from projections.keep_quiet import Sorting, sortings_sent_to, telling_with
from projections.logged_event import LoggedEvent, logged
from projections.subjects import DescribedEvent
from projections.visibility import Verdict
from projections.visibility_fast import is_held

TOUCH_SIGHTINGS: Final = SIGHTINGS | SIGHTING_CHANGES


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event to be folded: it is about to be written to the log, or is in it already."""

    seq: Seq
    event: Event[Any]
    commitment: bytes
    target_seq: Seq | None = None
    """The event that it refers to. It must be in `family.events`."""


class NeedEvents(msgspec.Struct, frozen=True):
    """The fold needs events of the log. Answer: seq -> the event and its commitment."""

    seqs: Sequence[Seq]


class NeedSightings(msgspec.Struct, frozen=True):
    """The fold needs what a member knows of sightings. Answer: seq -> sighting, for those that exist."""

    member: MemberId
    seqs: Sequence[Seq]


class NeedHistory(msgspec.Struct, frozen=True):
    """The fold needs the log before a seq. Answer: a `History`."""

    before: Seq
    is_whole: bool
    """Whether all events are needed, and not the sightings alone: the member who joins has chosen to wait."""


Need = NeedEvents | NeedSightings | NeedHistory


class Folded(msgspec.Struct, frozen=True, gc=False):
    """The result of folding one event."""

    logged: LoggedEvent
    changes: Sequence[Change]
    telling: tuple[DescribedEvent, ...] = ()
    """The event and those that it refers to, as far as they reveal anything and its author was sent it: see `keep_quiet`."""


Fold = Generator[Need, Any, Folded]


def advance(folding: Fold, answer: Any = None) -> Need | Folded:
    """Continues a fold with the answer to its last need. Returns its next need, or its result."""
    try:
        return folding.send(answer)
    except StopIteration as done:
        folded: Folded = done.value
        return folded


def fold(family: Family, new: NewEvent) -> Fold:
    """Folds one more event of the log into a family. Yields what it needs, and returns the result."""
    event, seq, changes = new.event, new.seq, list[Change]()
    kind, author = type(event.event).__name__, event.author
    target = None if new.target_seq is None else family.events[new.target_seq]
    if kind == "MemberJoined":
        yield from _join(family, event, seq, changes)
    described: DescribedEvent | None = None
    telling: tuple[DescribedEvent, ...] = ()
    if not is_plain(family, event, target):
        described = describe_in(family, event, logged(seq, event, target), target)
    if family.keeps_telling:
        telling = telling_of(family, seq, event, target, described)
    if kind in TOUCH_SIGHTINGS:
        note_subjects(family, seq, event, target)
    if kind in ROSTER_CHANGES and kind != "MemberJoined":
        _step_roster(family, event, changes)
    verdict = visibility.decide(
        described,
        kind=kind,
        author=author,
        audience=event.audience,
        target=target,
        roster=family.roster,
        surprises=family.surprises,
        is_held=is_held,
    )
    kept = family.events[seq] = logged(seq, event, target, delivered_to=verdict.delivered)
    changes.append(Delivered(seq, new.commitment, verdict.delivered))
    if kind in TOUCH_SIGHTINGS:
        _see(family, event, kept, target, changes)
    if described is not None:
        yield from _hold_and_act(family, new, described, verdict, changes)
    return Folded(kept, changes, telling)


def telling_of(
    family: Family,
    seq: Seq,
    event: Event[Any],
    target: LoggedEvent | None,
    described: DescribedEvent | None = None,
) -> tuple[DescribedEvent, ...]:
    """Returns what an event and all that it refers to reveal by their own content, and by sortings that its author was sent."""
    kind = type(event.event).__name__
    if kind == "Withdrawn" and target is not None and target.author == event.author:
        return ()  # it reveals nothing to anybody
    found = family.telling.get(target.seq, ()) if target is not None else ()
    if described is None and kind in TELLING:
        described = describe_in(family, event, logged(seq, event, target), target, naming="first")
    if described is not None:
        found = telling_with(described, found)
    if found:
        family.telling[seq] = found
    if target is not None and (sortings := family.sortings.get(target.thread)):
        for sorting in sortings_sent_to(event.author, sortings, before=seq):
            found = telling_with(sorting, found)
    return found


def _step_roster(family: Family, event: Event[Any], changes: list[Change]) -> None:
    after = roster.step(family.roster, event)
    if after is not family.roster:
        family.roster = after
        changes.append(RosterSet(after))


def _join(family: Family, event: Event[MemberJoined], seq: Seq, changes: list[Change]) -> Generator[Need, Any, None]:
    """Adds a member: delivers what they may know of the log so far, and holds what their earlier choices keep."""
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
    """Folds an event into what members know of the sighting that it makes or changes: parents, and a caregiver who wrote it."""
    if (sighting := sighting_of(kept, target)) is None:
        return
    parents = tuple([one for one in family.roster.parents if one in kept.delivered_to])
    step_sightings(family, parents, sighting, event, changes)
    if family.roster.members[event.author].role is not Role.CAREGIVER:
        return
    # A caregiver's timeline is folded from their feed and not stored. Their own sightings are: they show what the member has met.
    changes_one = kept.kind in TARGET_CHANGES and target is not None and target.kind in SIGHTINGS
    if kept.kind in SIGHTINGS or changes_one:
        step_sightings(family, (event.author,), sighting, event, changes)


def _hold_and_act(
    family: Family, new: NewEvent, described: DescribedEvent, verdict: Verdict, changes: list[Change]
) -> Generator[Need, Any, None]:
    event = new.event
    for member in verdict.held:
        changes += hold(family, member, described, event.received_at)
    if described.logged.kind == "Sorted" and family.keeps_telling and described.content.subjects:
        family.sortings[described.logged.thread].append(Sorting(described, frozenset(verdict.delivered)))
    if not is_act(family, described.logged.kind, event.author):
        return
    own = family.sightings[described.sighting].get(event.author) if described.sighting is not None else None
    for freed in act(family, described, event, own, changes):
        yield from _release(family, freed, new, changes)


def _release(family: Family, freed: Freed, new: NewEvent, changes: list[Change]) -> Generator[Need, Any, None]:
    """Delivers what an act has freed (law 9). A sorting may free itself."""
    seqs = [described.seq for described in freed.events]
    events = {new.seq: (new.event, new.commitment)}
    if older := [seq for seq in seqs if seq != new.seq]:
        events |= yield NeedEvents(older)
    changes.append(Released(freed.member, freed.why, seqs, [events[seq][1] for seq in seqs], new.event.received_at))
    family.note_delivered(freed.member, seqs)
    _note_sortings(family, freed)
    if not family.keeps_sightings(freed.member):
        return
    touched = [(described.seq, described.sighting) for described in freed.events if described.sighting is not None]
    unknown = list(dict.fromkeys(one for _, one in touched if freed.member not in family.sightings[one]))
    if unknown:
        known: Mapping[Seq, Sighting] = yield NeedSightings(freed.member, unknown)
        for one, sighting in known.items():
            family.sightings[one][freed.member] = sighting
    for seq, one in touched:
        step_sightings(family, (freed.member,), one, events[seq][0], changes)


def _note_sortings(family: Family, freed: Freed) -> None:
    """Adds a member to the recipients of the sortings that were held from this member and are now released."""
    seqs_by_thread: defaultdict[Seq, set[Seq]] = defaultdict(set)
    for described in freed.events:
        if described.logged.kind == "Sorted":
            seqs_by_thread[described.logged.thread].add(described.seq)
    for thread, seqs in seqs_by_thread.items():
        family.sortings[thread] = [
            Sorting(one.described, one.sent_to | {freed.member}) if one.described.seq in seqs else one
            for one in family.sortings[thread]
        ]


def step_sightings(
    family: Family, members: Sequence[MemberId], seq: Seq, event: Event[Any], changes: list[Change]
) -> None:
    """Folds an event into what these members know of one sighting. It is folded once for members who know the same."""
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
