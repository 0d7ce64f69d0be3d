"""Tests the invented year of the demo: the same seed gives the same year, with late, repeated, edited and withdrawn records."""

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest

from demo.cast import PARENTS, Twin, Who
from demo.growth import growth, prepares
from demo.history import History, invent
from demo.weeks import SITTERS_CLOCK_IS_AHEAD_BY, Year
from demo.words import AGAIN_PROSE
from events.amend import Amended, Withdrawn
from events.event import Audience, Draft
from events.ids import ChildId, EventId
from events.observations import Cheered, How, MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.wire import DRAFTS_MAX, DeviceDraft, Malformed, read_push

UNTIL = datetime.fromisoformat("2026-11-22T09:30:00+01:00")
CHILDREN = {Twin.MIA: ChildId(UUID(int=1)), Twin.LEO: ChildId(UUID(int=2))}


@cache
def year() -> History:
    return invent(until=UNTIL, child_by_twin=CHILDREN)


def drafts_of(who: Who) -> list[DeviceDraft]:
    return [line.draft for line in year().lines if line.who is who]


def test_the_same_seed_gives_the_same_year() -> None:
    assert invent(until=UNTIL, child_by_twin=CHILDREN) == year()
    assert invent(until=UNTIL, child_by_twin=CHILDREN, seed=7) != year()


def test_a_year_has_at_least_three_hundred_events_and_ends_now() -> None:
    times = sorted(line.draft.occurred_at for line in year().lines)
    assert len(year().lines) >= 300
    assert year().year.begins - timedelta(days=1) <= times[0] <= year().year.begins + timedelta(days=30)
    assert UNTIL - timedelta(days=7) <= times[-1] <= UNTIL + SITTERS_CLOCK_IS_AHEAD_BY
    assert all(line.written_at <= line.leaves_at <= UNTIL for line in year().lines)


def test_every_draft_is_taken_by_the_strict_reader() -> None:
    """Law 17: the strict reader of pushes accepts every draft of the year, unchanged."""
    lines = year().lines
    for start in range(0, len(lines), DRAFTS_MAX):
        drafts = [line.draft for line in lines[start : start + DRAFTS_MAX]]
        push = read_push(msgspec.json.encode({"sent_at": UNTIL, "drafts": drafts}))
        assert not [draft for draft in push.drafts if isinstance(draft, Malformed)]
        assert list(push.drafts) == drafts


def test_ids_are_never_used_twice() -> None:
    assert max(Counter(line.draft.id for line in year().lines).values()) == 1


@pytest.mark.parametrize("seed", range(8))
def test_nobody_refers_to_an_event_that_they_cannot_have_received(seed: int) -> None:
    """Law 6: every draft refers only to an event that was pushed before and could be delivered to the draft's author."""
    sent: dict[EventId, tuple[Who, Draft[Any]]] = {}
    for line in invent(until=UNTIL, child_by_twin=CHILDREN, seed=seed).lines:
        body = line.draft.event
        target = getattr(body, body.refers) if body.refers else None
        if target is not None:
            author, draft = sent[target]
            assert author is line.who or draft.audience in (None, Audience.FAMILY)
            assert author is line.who or not isinstance(body, Amended | Withdrawn)
        if isinstance(body, MilestoneObserved) and body.milestone.startswith("own."):
            assert body.milestone in {
                named.event.milestone for _, named in sent.values() if isinstance(named.event, MilestoneNamed)
            }
        sent[line.draft.id] = (line.who, line.draft)


def test_twins_grow_in_an_order_that_the_catalogue_allows() -> None:
    firsts = growth(Year(until=UNTIL), Random(3))
    for twin in Twin:
        at_by_key = {first.milestone: first.at for first in firsts if first.twin is twin}
        assert len(at_by_key) > 20
        for earlier, at in at_by_key.items():
            assert all(at < later_at for later, later_at in at_by_key.items() if prepares(earlier, later))


def test_the_fathers_phone_is_silent_for_three_weeks_and_then_speaks_at_once() -> None:
    starts, ends = year().year.mountains
    waiting = [line for line in year().lines if line.who is Who.BEN and starts <= line.written_at < ends]
    assert len(waiting) >= 8
    assert {line.leaves_at for line in waiting} == {ends + timedelta(hours=2)}
    assert not [line for line in year().lines if line.who is Who.BEN and starts < line.leaves_at <= ends]


def test_the_grandmothers_sightings_arrive_days_late() -> None:
    late = [line for line in year().lines if line.who is Who.NANA and isinstance(line.draft.event, MilestoneObserved)]
    assert late
    assert max(line.leaves_at - line.written_at for line in late) >= timedelta(days=2)


def test_the_sitters_phone_is_seven_hours_ahead() -> None:
    by_clock = [line for line in year().lines if line.who is Who.SITTER and line.draft.occurred_at == line.draft.recorded_at]
    assert by_clock
    assert {line.draft.recorded_at - line.written_at for line in year().lines if line.who is Who.SITTER} == {timedelta(hours=7)}
    entered_later = [draft for draft in drafts_of(Who.SITTER) if draft.occurred_at != draft.recorded_at]
    assert all(draft.recorded_at - draft.occurred_at > timedelta(hours=6) for draft in entered_later)


def test_the_daycare_types_late_edits_and_is_read_twice() -> None:
    lines = [line for line in year().lines if line.who is Who.DAYCARE]
    assert timedelta(minutes=93) in {line.draft.recorded_at - line.draft.occurred_at for line in lines}
    assert any(line.times_sent > 1 for line in lines)
    changed = {name for line in lines if isinstance(line.draft.event, Amended) for name in line.draft.event.changes.named()}
    assert {"occurred_at"} < changed
    assert year().daycare_rows > year().daycare_rows_passed_over > 0


def test_a_group_record_reaches_each_twin_and_no_other_child() -> None:
    texts = [draft.event for draft in drafts_of(Who.DAYCARE) if isinstance(draft.event, NoteWritten)]
    group = [note for note in texts if note.text.startswith("Group photo")]
    assert {note.child for note in group} == set(CHILDREN.values())
    assert year().children_set_aside == len(group) // 2


def test_the_daycares_prose_becomes_milestones() -> None:
    seen = [draft.event for draft in drafts_of(Who.DAYCARE) if isinstance(draft.event, MilestoneObserved)]
    assert len({event.milestone for event in seen}) >= 5
    assert all(event.again == (event.note or "").startswith(AGAIN_PROSE) for event in seen)


def test_words_are_taken_back_and_times_put_right_by_persons_too() -> None:
    events = [(line.who, line.draft.event) for line in year().lines]
    assert {who for who, event in events if isinstance(event, Withdrawn)} == {Who.BEN, Who.SITTER}
    moved = [event for who, event in events if who in PARENTS and isinstance(event, Amended)]
    assert len(moved) >= 3
    assert all("occurred_at" in event.changes.named() for event in moved)


def test_both_parents_have_firsts_in_person_and_over_the_phone() -> None:
    for parent in PARENTS:
        mine = [draft.event for draft in drafts_of(parent) if isinstance(draft.event, ParentFirstSaw)]
        assert {event.how for event in mine} == {How.IN_PERSON, How.LIVE_VIDEO}


def test_people_cheer_name_and_see_things_again() -> None:
    events = [line.draft.event for line in year().lines]
    assert sum(isinstance(event, Cheered) for event in events) >= 20
    assert sum(isinstance(event, MilestoneNamed) for event in events) == 3
    assert sum(isinstance(event, MilestoneObserved) and event.again for event in events) >= 15
    assert {line.draft.audience for line in year().lines} == {None, Audience.FAMILY, Audience.HOUSEHOLD}


def test_some_drafts_are_really_sent_twice() -> None:
    assert year().sent_again >= 15


@pytest.mark.parametrize("months_back", [0, 3, 6, 9])
def test_the_year_can_end_on_any_day(months_back: int) -> None:
    until = UNTIL - timedelta(days=30 * months_back)
    one_year = invent(until=until, child_by_twin=CHILDREN)
    assert len(one_year.lines) >= 300
    assert one_year.corrections >= 5
