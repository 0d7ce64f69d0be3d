"""Tests that a row of the daycare's system becomes one draft for each linked child, and that nothing about a child is guessed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest

from demo import activities, adapter
from demo.cast import Twin
from demo.words import WORDING
from events.amend import Amended
from events.ids import ChildId
from events.observations import MilestoneObserved, NoteWritten
from events.wire import is_version_7

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)
MIA = activities.STUDENT_IDS[Twin.MIA]
LEO = activities.STUDENT_IDS[Twin.LEO]
LINKED = {MIA: ChildId(UUID(int=1)), LEO: ChildId(UUID(int=2))}


def a_row(note: str | None = "Mia clapped along to the song", **wish: Any) -> activities.Record:
    given: dict[str, Any] = {"action_type": "ac_kudo", "kids": [MIA]} | wish
    return activities.row(Random(1), at=NOON, typed_at=NOON + timedelta(minutes=93), note=note, **given)


def read(*rows: activities.Record) -> adapter.ProseQueue:
    return adapter.read_pages([list(rows)], child_by_student=LINKED)


def test_a_row_on_two_pages_is_one_draft() -> None:
    """Law 2: a row that is on two pages gives two equal drafts, with the same id."""
    first, second = read(a_row(), a_row()).drafts
    assert first == second
    assert is_version_7(first.id)
    assert list(adapter.repeated([first, second])) == [(first, 2)]


def test_an_edited_row_is_an_amendment_of_the_first() -> None:
    """Law 4: the edit of a row gives an amendment of the first draft, which stays as it was."""
    row = a_row()
    edit = activities.edited(
        row, at=NOON + timedelta(days=1), changes={"event_date": activities.stamp(NOON - timedelta(hours=1))}
    )
    first, second = read(row, edit).drafts
    assert isinstance(second.event, Amended)
    assert second.event.target == first.id
    assert second.event.changes.occurred_at == NOON - timedelta(hours=1)


def test_a_child_that_nobody_linked_is_set_aside() -> None:
    row = a_row(kids=[MIA, LEO, activities.ANOTHER_FAMILYS_CHILD])
    reading = read(row)
    assert [draft.event.child for draft in reading.drafts if isinstance(draft.event, MilestoneObserved)] == list(LINKED.values())
    assert reading.set_aside == read(row, row).set_aside == {(row["object_id"], activities.ANOTHER_FAMILYS_CHILD)}


def test_routine_and_what_is_for_staff_alone_are_passed_over() -> None:
    reading = read(a_row(action_type="ac_nap"), a_row(staff_only=True), a_row(note=None))
    assert (reading.drafts, reading.rows_passed_over) == ([], 3)


def test_prose_that_tells_of_no_milestone_is_a_note() -> None:
    (draft,) = read(a_row(note="Long nap, then stories")).drafts
    assert isinstance(draft.event, NoteWritten)


@pytest.mark.parametrize("key", sorted(WORDING))
def test_each_milestones_prose_is_known_for_what_it_is(key: str) -> None:
    assert adapter.milestone_in(WORDING[key].prose.format(child="Mia")) == key


def test_every_page_opens_with_the_last_row_of_the_page_before() -> None:
    rows = [a_row(note=f"row {index}") | {"object_id": f"{index:04}"} for index in range(11)]
    pages = list(activities.pages(rows))
    assert [row["object_id"] for row in rows] == sorted({row["object_id"] for page in pages for row in page})
    assert all(before[-1] == after[0] for before, after in pairwise(pages))
