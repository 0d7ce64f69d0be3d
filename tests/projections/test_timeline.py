"""Tests what a timeline entry states: a parent's own first sight, their first sight in person, and who saw it before them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from events.amend import Amended, Changes, Withdrawn
from events.catalogue import CATALOGUE, Domain
from events.clips import ClipAttached
from events.event import Audience, Event, Precision
from events.family import MemberLeft
from events.ids import ClipId, MemberId
from events.observations import How, MilestoneNamed, MilestoneObserved, ParentFirstSaw
from projections import roster
from projections.timeline import OthersSight, OwnSight, TimelineEntry
from tests.families import CRAWLED, STOOD, WALKED, Family
from tests.histories import NOON, Told, happened

FAMILY = Family()
ADA, BEN, SITTER, GRANNY, DAYCARE = FAMILY.members
OWN = "own.0193a2b4-0000-7000-8000-000000000000"


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def saw(author: MemberId, at: datetime, milestone: str = WALKED, **more: Any) -> Event[Any]:
    return happened(author, MilestoneObserved(child=more.pop("child", FAMILY.child), milestone=milestone), at=at, **more)


def first_saw(author: MemberId, at: datetime, how: How, **more: Any) -> Event[Any]:
    body = ParentFirstSaw(child=FAMILY.child, milestone=WALKED, how=how, feelings=more.pop("feelings", None))
    return happened(author, body, at=at, audience=more.pop("audience", Audience.ME), **more)


def timeline(viewer: MemberId, *events: Event[Any]) -> tuple[TimelineEntry, ...]:
    told = Told.of_everybody(FAMILY)
    for event in events:
        told.add(event)
    return told.timeline(viewer)


def one(viewer: MemberId, *events: Event[Any]) -> TimelineEntry:
    (entry,) = timeline(viewer, *events)
    return entry


def test_each_parent_has_a_first_time_of_their_own() -> None:
    """Each parent's entry has the day of their own sighting as `first_saw`. Ben's has Ada's earlier sighting as `before_you`."""
    hers, his = saw(ADA, day(1)), saw(BEN, day(5))
    assert one(BEN, hers, his) == TimelineEntry(
        child=FAMILY.child,
        milestone=WALKED,
        title=CATALOGUE.by_key[WALKED].title,
        domain="movement",
        first_saw=OwnSight(
            occurred_at=day(5), precision=Precision.MINUTE, how=How.IN_PERSON, event=his.id, feelings=None, clips=()
        ),
        first_in_person=OwnSight(
            occurred_at=day(5), precision=Precision.MINUTE, how=How.IN_PERSON, event=his.id, feelings=None, clips=()
        ),
        before_you=OthersSight(occurred_at=day(1), precision=Precision.MINUTE, author=ADA, event=hers.id),
        state="seen",
    )
    mine = one(ADA, hers, his)
    assert (mine.first_saw and mine.first_saw.event, mine.before_you, mine.state) == (hers.id, None, "seen")


def test_what_only_others_saw_is_still_new() -> None:
    entry = one(BEN, saw(SITTER, day(2)), saw(DAYCARE, day(1)))
    assert (entry.state, entry.first_saw, entry.first_in_person) == ("still_new", None, None)
    assert entry.before_you is not None
    assert (entry.before_you.author, entry.before_you.occurred_at) == (DAYCARE, day(1))


def test_a_clip_is_a_first_sight_and_not_one_in_person() -> None:
    clip = first_saw(BEN, day(1), How.CLIP, feelings="tears")
    live = first_saw(BEN, day(2), How.LIVE_VIDEO)
    there = first_saw(BEN, day(3), How.IN_PERSON)
    entry = one(BEN, there, live, clip)
    assert entry.first_saw is not None
    assert (entry.first_saw.how, entry.first_saw.event, entry.first_saw.feelings) == (How.CLIP, clip.id, "tears")
    assert entry.first_in_person is not None
    assert (entry.first_in_person.event, entry.first_in_person.feelings) == (there.id, None)
    assert one(BEN, clip, live).first_in_person is None


def test_a_parents_own_first_is_theirs_alone_unless_they_share_it() -> None:
    """Law 6: a parent's own first is `before_you` in the other parent's timeline only if its audience is the family."""
    assert timeline(BEN, first_saw(ADA, day(1), How.IN_PERSON)) == ()
    shared = one(BEN, first_saw(ADA, day(1), How.IN_PERSON, audience=Audience.FAMILY))
    assert shared.before_you is not None


def test_the_word_of_the_other_home_is_not_before_me() -> None:
    """Law 6: an event whose audience is one household changes no timeline of the other household."""
    assert timeline(BEN, saw(GRANNY, day(1), audience=Audience.HOUSEHOLD)) == ()
    assert one(ADA, saw(GRANNY, day(1), audience=Audience.HOUSEHOLD)).state == "still_new"


def test_of_two_at_one_instant_the_one_known_more_exactly_is_first() -> None:
    by_day = saw(ADA, day(1), precision=Precision.DAY, id=UUID(int=1))
    to_the_minute = saw(ADA, day(1), id=UUID(int=2))
    by_month = saw(BEN, day(1), precision=Precision.MONTH, id=UUID(int=0))
    entry = one(ADA, by_month, by_day, to_the_minute)
    assert (entry.first_saw and entry.first_saw.event, entry.before_you) == (to_the_minute.id, None)


def test_an_amendment_of_one_field_leaves_the_others() -> None:
    """Law 12: amendments change only the fields that they state. Of two changes to a field, the later `recorded_at` counts."""
    first = first_saw(ADA, day(1), How.CLIP, feelings="tears")
    later = Amended(target=first.id, changes=Changes(feelings=None, how=How.LIVE_VIDEO))
    earlier = Amended(target=first.id, changes=Changes(feelings="joy", occurred_at=day(0)))
    entry = one(ADA, first, happened(ADA, later, recorded_at=day(2)), happened(ADA, earlier, recorded_at=day(1)))
    assert entry.first_saw is not None
    assert (entry.first_saw.occurred_at, entry.first_saw.how, entry.first_saw.feelings) == (day(0), How.LIVE_VIDEO, None)


def test_an_observation_that_names_another_child_or_milestone_moves_there() -> None:
    observed = saw(ADA, day(1))
    moved = happened(ADA, Amended(target=observed.id, changes=Changes(child=FAMILY.sibling, milestone=STOOD)))
    assert [(entry.child, entry.milestone) for entry in timeline(BEN, observed, moved)] == [(FAMILY.sibling, STOOD)]


def test_a_withdrawal_is_for_good() -> None:
    """Law 12: an amendment or a clip of a withdrawn event changes nothing, whatever its `recorded_at` and order of arrival."""
    observed = saw(ADA, day(1))
    withdrawn = happened(ADA, Withdrawn(target=observed.id))
    amended = happened(ADA, Amended(target=observed.id, changes=Changes(precision=Precision.DAY)), recorded_at=day(9))
    clip = happened(ADA, ClipAttached(target=observed.id, clip=ClipId(UUID(int=1))))
    assert timeline(ADA, observed, withdrawn, amended, clip) == ()
    assert timeline(ADA, observed, amended, clip, withdrawn) == ()


def test_clips_stand_with_their_sighting_until_they_are_withdrawn() -> None:
    observed = saw(ADA, day(1))
    attached = [(UUID(int=number), ClipAttached(target=observed.id, clip=ClipId(UUID(int=number)))) for number in (3, 1, 2)]
    clips = [happened(ADA, body, id=id) for id, body in attached]
    entry = one(ADA, observed, *clips, happened(ADA, Withdrawn(target=clips[1].id)))
    assert entry.first_saw is not None
    assert entry.first_saw.clips == (ClipId(UUID(int=2)), ClipId(UUID(int=3)))


def test_entries_stand_in_the_order_of_ones_own_firsts() -> None:
    """Entries are sorted by the parent's own first; without an own first, by the first of others. Ties have a fixed order."""
    events = (
        saw(SITTER, day(1)), saw(BEN, day(7)),
        saw(SITTER, day(3), CRAWLED),
        saw(BEN, day(5), STOOD), saw(ADA, day(6), STOOD),
        saw(BEN, day(5), STOOD, child=FAMILY.sibling),
    )  # fmt: skip
    expected = [(CRAWLED, FAMILY.child), *sorted(((STOOD, FAMILY.child), (STOOD, FAMILY.sibling)), key=lambda pair: pair[1])]
    found = [(entry.milestone, entry.child) for entry in timeline(BEN, *events)]
    assert found == [*expected, (WALKED, FAMILY.child)]
    assert timeline(BEN, *reversed(events)) == timeline(BEN, *events)


def named(title: str, at: datetime, *, id: int, domain: Domain = Domain.LIFE) -> Event[Any]:
    return happened(ADA, MilestoneNamed(milestone=OWN, title=title, domain=domain), recorded_at=at, id=UUID(int=id))


def test_a_milestone_of_ones_own_has_the_name_that_was_given_last() -> None:
    """Law 12: of several names, the name with the latest `recorded_at` counts; at equal times, the event with the greater id."""
    observed = saw(BEN, day(1), OWN)
    early, late = named("First puddle", day(1), id=1), named("A puddle!", day(2), id=2, domain=Domain.FEELINGS)
    tie = named("The puddle", day(2), id=3)
    for order in ((early, late), (late, early)):
        entry = one(BEN, *order, observed)
        assert (entry.title, entry.domain) == ("A puddle!", "feelings")
    for three in ((tie, late, early), (late, early, tie)):
        assert one(BEN, *three, observed).title == "The puddle"


def test_the_roster_keeps_who_has_left_and_changes_with_roster_facts_alone() -> None:
    """Law 11: only roster facts change the roster. A member who has left stays in it, marked as gone."""
    told = Told.of_everybody(FAMILY)
    before = told.folded.roster
    told.add(saw(SITTER, day(1)))
    assert told.folded.roster is before
    told.add(happened(SITTER, MemberLeft(member=SITTER)))
    after = told.folded.roster
    assert (after.members[SITTER].has_left, SITTER in after.present, SITTER in after.readers) == (True, False, False)
    assert [name for name in after.members if name != SITTER] == [name for name in before.members if name != SITTER]
    assert before.members[SITTER].has_left is False
    assert roster.EMPTY.members == {}
    assert {child.name for child in after.children.values()} == {"Mia", "Noah"}
    assert set(after.households.values()) == {"Home", "The other home"}
