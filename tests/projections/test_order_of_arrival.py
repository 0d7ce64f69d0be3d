"""Tests that a timeline depends on the facts alone, and not on the order in which devices pushed them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from events.amend import Amended, Changes, Withdrawn
from events.catalogue import Domain
from events.clips import ClipAttached
from events.event import Audience, Body, Event, Precision
from events.ids import ClipId, EventId, MemberId
from events.observations import How, MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from projections import first_saw
from projections.first_saw import order
from tests.families import CRAWLED, STOOD, WALKED, Family
from tests.histories import NOON, Told, happened

FAMILY = Family()
OWN = "own.0193a2b4-0000-7000-8000-000000000000"
MILESTONES = (WALKED, CRAWLED, STOOD, OWN)
INSTANTS = [NOON + timedelta(days=days) for days in range(3)]
Facts = list[Event[Any]]

instants = st.sampled_from(INSTANTS)
children = st.sampled_from([FAMILY.child, FAMILY.sibling])
milestones = st.sampled_from(MILESTONES)
words = st.none() | st.sampled_from(["tears", "at last"])


@st.composite
def sightings(draw: st.DrawFn, id: UUID) -> Event[Any]:
    """Draws an observation of any member, or a parent's own first."""
    author = draw(st.sampled_from(FAMILY.members))
    body: Body
    if author in (FAMILY.ada, FAMILY.ben) and draw(st.booleans()):
        how = draw(st.sampled_from(list(How)))
        body = ParentFirstSaw(child=draw(children), milestone=draw(milestones), how=how, feelings=draw(words))
    else:
        body = MilestoneObserved(child=draw(children), milestone=draw(milestones), note=draw(words))
    audience = draw(st.sampled_from(list(Audience)))
    return happened(author, body, id=id, at=draw(instants), precision=draw(st.sampled_from(list(Precision))), audience=audience)


@st.composite
def changes_of(draw: st.DrawFn, body: Body) -> Changes:
    """Draws the changes of an amendment that the service accepts."""
    named: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "occurred_at": instants,
                "precision": st.sampled_from(list(Precision)),
                "child": children,
                "milestone": milestones,
                **({"how": st.sampled_from(list(How)), "feelings": words} if isinstance(body, ParentFirstSaw) else {}),
            },
        )
    )
    return Changes(**(named or {"precision": Precision.DAY}))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Draws observations and firsts, then their amendments, withdrawals and clips, and names of the family's own milestone."""
    ids = iter(draw(st.permutations([UUID(int=number) for number in range(1, 25)])))
    seen = [draw(sightings(next(ids))) for _ in range(draw(st.integers(1, 6)))]
    told: Facts = list(seen)
    clips: Facts = []
    for _ in range(draw(st.integers(0, 10))):
        about = draw(st.sampled_from(seen))
        by_author = {"author": about.author, "id": next(ids), "recorded_at": draw(instants), "audience": about.audience}
        match draw(st.sampled_from(["amend", "amend", "amend", "withdraw", "clip", "no clip", "name"])):
            case "amend":
                told.append(happened(body=Amended(target=about.id, changes=draw(changes_of(about.event))), **by_author))
            case "withdraw":
                told.append(happened(body=Withdrawn(target=about.id), **by_author))
            case "clip":
                clips.append(happened(body=ClipAttached(target=about.id, clip=ClipId(UUID(int=99 + len(clips)))), **by_author))
                told.append(clips[-1])
            case "no clip" if clips:
                clip = draw(st.sampled_from(clips))
                told.append(happened(clip.author, Withdrawn(target=clip.id), id=next(ids), audience=clip.audience))
            case _:
                named = MilestoneNamed(milestone=OWN, title=draw(st.sampled_from("ABC")), domain=Domain.LIFE)
                told.append(happened(body=named, **(by_author | {"author": draw(st.sampled_from([FAMILY.ada, FAMILY.ben])),
                                                                  "audience": Audience.FAMILY})))  # fmt: skip
    return told


def arriving(facts: Facts, wish: Sequence[int]) -> Facts:
    """Returns the facts in the order `wish`, but moves each fact behind the fact that it refers to."""
    waiting, arrived = [facts[index] for index in wish], []
    known: set[EventId] = set()
    while waiting:
        first = next(fact for fact in waiting if (about := referred_to(fact)) is None or about in known)
        waiting.remove(first)
        arrived.append(first)
        known.add(first.id)
    return arrived


def referred_to(fact: Event[Any]) -> EventId | None:
    named: EventId | None = getattr(fact.event, fact.event.refers) if fact.event.refers else None
    return named


def told_of(facts: Facts) -> Told:
    told = Told.of_everybody(FAMILY)
    named = MilestoneNamed(milestone=OWN, title="At first", domain=Domain.FEELINGS)
    told.add(happened(FAMILY.ada, named, recorded_at=NOON - timedelta(days=1)))
    for fact in facts:
        told.add(fact)
    return told


@st.composite
def told_twice(draw: st.DrawFn) -> tuple[Facts, Facts]:
    """Draws the same facts in two orders of arrival."""
    drawn = draw(facts())
    return arriving(drawn, range(len(drawn))), arriving(drawn, draw(st.permutations(range(len(drawn)))))


@given(told_twice())
def test_the_timeline_does_not_depend_on_the_order_of_arrival(two: tuple[Facts, Facts]) -> None:
    """Law 12: two logs with the same facts in different orders give each parent the same timeline, to the byte."""
    one, other = (told_of(facts) for facts in two)
    for parent in (FAMILY.ada, FAMILY.ben):
        assert msgspec.json.encode(one.timeline(parent)) == msgspec.json.encode(other.timeline(parent))


@given(facts())
def test_the_rows_are_what_the_feed_says(facts: Facts) -> None:
    """Law 11: the sightings that are stored while the log grows equal the sightings of a new fold of the parent's feed."""
    told = told_of(facts)
    for parent in (FAMILY.ada, FAMILY.ben):
        kept, folded = told.sightings(parent), first_saw.of_feed(told.feed(parent))
        assert sorted(kept, key=lambda sighting: sighting.event) == sorted(folded, key=lambda sighting: sighting.event)


@given(facts(), st.integers(0, 20))
def test_a_parent_who_joins_late_knows_what_was_told_to_the_family(facts: Facts, late: int) -> None:
    """Laws 11, 12: a parent who joins late has the same timeline as a parent who was there from the start.

    All facts of this test have the audience family, because other facts are not delivered to the parent who joins. None of the
    facts is by this parent.
    """
    facts = [msgspec.structs.replace(fact, audience=Audience.FAMILY) for fact in facts if fact.author != FAMILY.ben]
    always, joined = told_of(facts), Told(FAMILY)
    for founding in FAMILY.founded():
        joined.add(happened(FAMILY.ada, founding))
    for member in (FAMILY.sitter, FAMILY.granny, FAMILY.daycare):
        joined.join(member)
    joined.add(happened(FAMILY.ada, MilestoneNamed(milestone=OWN, title="At first", domain=Domain.FEELINGS),
                        recorded_at=NOON - timedelta(days=1)))  # fmt: skip
    for index, fact in enumerate(facts):
        if index == min(late, len(facts) - 1):
            joined.join(FAMILY.ben)
        joined.add(fact)
    if facts:
        assert joined.timeline(FAMILY.ben) == always.timeline(FAMILY.ben)
        assert joined.sightings(FAMILY.ben) == first_saw.of_feed(joined.feed(FAMILY.ben))


def firsts(told: Told, parent: MemberId) -> dict[tuple[UUID, str], Any]:
    """Returns, for each subject, the sort key of the parent's own first in the timeline."""
    mine = [sighting for sighting in told.sightings(parent) if sighting.author == parent]
    subjects = {(sighting.child, sighting.milestone) for sighting in mine}
    return {
        subject: min(order(sighting) for sighting in mine if (sighting.child, sighting.milestone) == subject)
        for subject in subjects
    }


@given(told_twice())
def test_a_first_moves_later_only_by_a_second_thought(two: tuple[Facts, Facts]) -> None:
    """Law 13: only an amendment or a withdrawal moves a parent's own first to a later time.

    Events of other authors do not change a parent's own first.
    """
    told = told_of([])
    for fact in two[1]:
        before = {parent: firsts(told, parent) for parent in (FAMILY.ada, FAMILY.ben)}
        told.add(fact)
        for parent in (FAMILY.ada, FAMILY.ben):
            after = firsts(told, parent)
            if not isinstance(fact.event, Amended | Withdrawn):
                assert all(after[subject] <= first for subject, first in before[parent].items())
            if fact.author != parent:
                assert after == before[parent]


def test_a_first_moves_earlier_when_an_older_fact_arrives_and_later_when_it_is_taken_back() -> None:
    """Law 13: an earlier sighting that arrives late becomes the first. Its amendment, or a withdrawal, moves the first later."""
    told = told_of([])
    late = happened(FAMILY.ada, MilestoneObserved(child=FAMILY.child, milestone=WALKED), at=NOON + timedelta(days=9))
    early = happened(FAMILY.ada, MilestoneObserved(child=FAMILY.child, milestone=WALKED), at=NOON)
    seen = []
    for fact in (
        late,
        early,
        happened(FAMILY.ada, Amended(target=early.id, changes=Changes(occurred_at=NOON + timedelta(days=3)))),
        happened(FAMILY.ada, Amended(target=early.id, changes=Changes(milestone=STOOD)), recorded_at=NOON + timedelta(days=1)),
        happened(FAMILY.ada, Withdrawn(target=late.id)),
    ):
        told.add(fact)
        walked = next((entry for entry in told.timeline(FAMILY.ada) if entry.milestone == WALKED), None)
        seen.append(walked and walked.first_saw and walked.first_saw.occurred_at)
    assert seen == [late.occurred_at, NOON, NOON + timedelta(days=3), late.occurred_at, None]


def test_an_amendment_finds_its_authors_own_event_among_several_with_one_id() -> None:
    """Law 11: if two authors used the same id, an amendment applies to its author's own event, whichever event came first."""
    shared = UUID(int=7)
    for authors in ((FAMILY.ada, FAMILY.ben), (FAMILY.ben, FAMILY.ada)):
        told = told_of([])
        for author in authors:
            told.add(happened(author, MilestoneObserved(child=FAMILY.child, milestone=WALKED), id=shared))
        told.add(happened(FAMILY.ben, Amended(target=EventId(shared), changes=Changes(milestone=CRAWLED))))
        told.add(happened(FAMILY.ada, NoteWritten(child=FAMILY.child, text="withdrawn"), id=UUID(int=8)))
        told.add(happened(FAMILY.ada, Withdrawn(target=EventId(UUID(int=8)))))
        for parent in (FAMILY.ada, FAMILY.ben):
            folded = first_saw.of_feed(told.feed(parent))
            assert {(seen.author, seen.milestone) for seen in folded} == {(FAMILY.ada, WALKED), (FAMILY.ben, CRAWLED)}
            assert told.sightings(parent) == folded
