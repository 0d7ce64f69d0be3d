"""Rows without an id of their own: which record each of them is hangs on its words, and never on its place in the file."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.daycare.row_ids import IN_GROUP_MAX, Holds, Unnamed, numbers_of
from service.daycare.sources.reading import Naming
from tests.service.daycare.conftest import Village, said_by
from tests.service.daycare.test_imports import imported

HEADER = "Start Time,End Time,Activity,Duration (min),Quantity,Extra data,Text,Notes,Caregiver,Unit\n"
STEPS = "She took her first steps!"
LUNCH = "Ate all of her lunch."


def file(*texts: str, quantity: str = "") -> str:
    """A Baby Connect export whose rows are all of one minute and one activity."""
    return HEADER + "".join(f'6/25/2026 9:00 AM,,Diary,,{quantity},,"{text}",,X,\n' for text in texts)


async def taken(village: Village, body: str, **query: str) -> Any:
    """What becomes of a file; what a dry run says of it before is the same."""
    query = {"as_": "text/csv", "reference": "mia", "zone": "Europe/Berlin", **query}
    dry = await imported(village.ada, "baby_connect", body, dry_run="true", **query)
    done = await imported(village.ada, "baby_connect", body, **query)
    assert dry["outcomes"] == done["outcomes"]
    return done


async def events_of(village: Village, member: str) -> list[dict[str, Any]]:
    page = (await village.ada.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    return [entry["event"] for entry in page["entries"] if entry["event"].get("author") == member]


@pytest.mark.parametrize("is_linked", [True, False], ids=["linked", "waiting"])
async def test_a_later_export_with_another_entry_of_the_minute_leaves_the_first_where_it_is(
    village: Village, is_linked: bool
) -> None:
    """The newest stands first: the first steps keep their event, the lunch is new, and nothing is withdrawn."""
    query = {"child": village.child} if is_linked else {}
    first = await taken(village, file(STEPS), **query)
    before = await events_of(village, first["member"])
    second = await taken(village, file(LUNCH, STEPS), **query)
    assert second["outcomes"] == ({"already_recorded": 1, "recorded": 1} if is_linked else {"waiting": 2})
    third = await taken(village, file(STEPS, LUNCH, STEPS), child=village.child)
    assert third["outcomes"] == {"already_recorded": 3}
    events = await events_of(village, first["member"])
    assert events[: len(before)] == before
    assert sorted(event["event"]["type"] for event in events) == ["MilestoneObserved", "NoteWritten"]


async def test_a_corrected_row_amends_its_record_also_beside_others_of_its_minute(village: Village) -> None:
    first = await taken(village, file(LUNCH, "Slept well."), child=village.child)
    assert first["outcomes"] == {"recorded": 2}
    second = await taken(village, file("Slept very well.", LUNCH), child=village.child)
    assert second["outcomes"] == {"already_recorded": 1, "amended": 1}
    third = await taken(village, file(LUNCH, "Slept very well."), child=village.child)
    assert third["outcomes"] == {"already_recorded": 2}


async def test_two_new_rows_and_one_that_is_missing_withdraw_nothing(village: Village) -> None:
    """Nobody knows whether one of the two is a correction of the third."""
    first = await taken(village, file(STEPS), child=village.child)
    second = await taken(village, file("Slept.", "Woke."), child=village.child)
    assert second["outcomes"] == {"recorded": 2}
    told = await said_by(village.ada, first["member"])
    assert [one["type"] for one in told] == ["MilestoneObserved", "NoteWritten", "NoteWritten"]


async def test_two_rows_with_the_same_words_are_two_records_where_anything_else_differs(village: Village) -> None:
    body = file("Drank.", quantity="2 oz") + file("Drank.", quantity="4 oz").removeprefix(HEADER)
    first = await taken(village, body, child=village.child)
    again = await taken(village, body, child=village.child)
    assert (first["outcomes"], again["outcomes"]) == ({"recorded": 2}, {"already_recorded": 2})


async def test_a_row_that_lost_its_words_takes_no_other_row_of_its_minute_back(village: Village) -> None:
    empty, full = "6/25/2026 9:00 AM,,,,,,,,X,\n", "6/25/2026 9:00 AM,,,,,,Slept.,,X,\n"
    await taken(village, HEADER + full, child=village.child)
    second = await taken(village, HEADER + empty + full, child=village.child)
    assert (second["outcomes"], second["ignored"], second["taken_back"]) == ({"already_recorded": 1}, {"no_words": 1}, 0)


async def test_more_rows_of_one_minute_than_anybody_writes_are_refused_by_their_place(village: Village) -> None:
    """Law 17: each of them is held against each record of its minute."""
    said = await taken(village, file(*(f"Note {number}" for number in range(IN_GROUP_MAX + 1))), child=village.child)
    assert said["outcomes"] == {"recorded": IN_GROUP_MAX, "refused": 1}
    assert [one["at"] for one in said["refused"]] == [f"rows[{IN_GROUP_MAX}]"]


async def test_what_waits_is_foreseen_as_it_flows_in_when_the_dry_run_says_whose_it_is(village: Village) -> None:
    await taken(village, file(STEPS))
    both = await taken(village, file(LUNCH, STEPS), child=village.child)
    assert both["outcomes"] == {"already_recorded": 1, "recorded": 1}


def unnamed(words: str) -> Unnamed:
    return Unnamed(Naming(row=words, id_of=str), words)


def holding(words: str) -> Holds:
    return lambda asked: asked == words


@given(there=st.lists(st.sampled_from("abcdef"), max_size=4), rows=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4))
def test_in_whatever_order_rows_stand_each_is_the_same_record(there: list[str], rows: list[str]) -> None:
    records = {number: holding(words) for number, words in enumerate(there)}
    found = dict(zip(rows, numbers_of([unnamed(words) for words in rows], records), strict=True))
    for other in permutations(rows):
        assert dict(zip(other, numbers_of([unnamed(words) for words in other], records), strict=True)) == found


@given(there=st.lists(st.sampled_from("abcdef"), max_size=4), rows=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4))
def test_a_row_whose_words_are_there_is_that_record_and_no_two_rows_are_one(there: list[str], rows: list[str]) -> None:
    records = {number: holding(words) for number, words in enumerate(there)}
    found = dict(zip(rows, numbers_of([unnamed(words) for words in rows], records), strict=True))
    assert len(set(found.values())) == len(set(rows))
    missing = [number for number, words in enumerate(there) if words not in rows or there.index(words) != number]
    for words, number in found.items():
        if words in there:
            assert number == there.index(words)
        else:
            assert number >= len(there) or [number] == missing
