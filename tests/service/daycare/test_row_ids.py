"""Tests rows without an id: a row is matched with a record by its words, not by its place in the file."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.daycare.row_ids import IN_GROUP_MAX, HasWords, Unnamed, numbers_of
from service.daycare.sources.reading import Naming
from tests.service.conftest import Village
from tests.service.daycare.conftest import events_by
from tests.service.daycare.test_imports import imported

HEADER = "Start Time,End Time,Activity,Duration (min),Quantity,Extra data,Text,Notes,Caregiver,Unit\n"
STEPS = "She took her first steps!"
LUNCH = "Ate all of her lunch."


def file(*texts: str, quantity: str = "") -> str:
    """Returns a Baby Connect export with the given texts as rows of one minute and one activity."""
    return HEADER + "".join(f'6/25/2026 9:00 AM,,Diary,,{quantity},,"{text}",,X,\n' for text in texts)


async def dry_run_and_import(village: Village, body: str, **query: str) -> Any:
    """Does a dry run of a file and then imports the file, and checks that both have the same outcomes."""
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
    """The later export has a new first row in the minute of an old row.

    The first steps keep their event, the lunch gets a new event, and nothing is withdrawn.
    """
    query = {"child": village.child} if is_linked else {}
    first = await dry_run_and_import(village, file(STEPS), **query)
    before = await events_of(village, first["member"])
    second = await dry_run_and_import(village, file(LUNCH, STEPS), **query)
    assert second["outcomes"] == ({"already_recorded": 1, "recorded": 1} if is_linked else {"waiting": 2})
    third = await dry_run_and_import(village, file(STEPS, LUNCH, STEPS), child=village.child)
    assert third["outcomes"] == {"already_recorded": 3}
    events = await events_of(village, first["member"])
    assert events[: len(before)] == before
    assert sorted(event["event"]["type"] for event in events) == ["MilestoneObserved", "NoteWritten"]


async def test_a_corrected_row_amends_its_record_also_beside_others_of_its_minute(village: Village) -> None:
    first = await dry_run_and_import(village, file(LUNCH, "Slept well."), child=village.child)
    assert first["outcomes"] == {"recorded": 2}
    second = await dry_run_and_import(village, file("Slept very well.", LUNCH), child=village.child)
    assert second["outcomes"] == {"already_recorded": 1, "amended": 1}
    third = await dry_run_and_import(village, file(LUNCH, "Slept very well."), child=village.child)
    assert third["outcomes"] == {"already_recorded": 2}


async def test_two_new_rows_and_one_that_is_missing_withdraw_nothing(village: Village) -> None:
    """One of the two new rows may correct the missing row. This is unknown, so nothing is withdrawn."""
    first = await dry_run_and_import(village, file(STEPS), child=village.child)
    second = await dry_run_and_import(village, file("Slept.", "Woke."), child=village.child)
    assert second["outcomes"] == {"recorded": 2}
    sent = await events_by(village.ada, first["member"])
    assert [one["type"] for one in sent] == ["MilestoneObserved", "NoteWritten", "NoteWritten"]


async def test_two_rows_with_the_same_words_are_two_records_where_anything_else_differs(village: Village) -> None:
    body = file("Drank.", quantity="2 oz") + file("Drank.", quantity="4 oz").removeprefix(HEADER)
    first = await dry_run_and_import(village, body, child=village.child)
    again = await dry_run_and_import(village, body, child=village.child)
    assert (first["outcomes"], again["outcomes"]) == ({"recorded": 2}, {"already_recorded": 2})


async def test_a_row_that_lost_its_words_takes_no_other_row_of_its_minute_back(village: Village) -> None:
    empty, full = "6/25/2026 9:00 AM,,,,,,,,X,\n", "6/25/2026 9:00 AM,,,,,,Slept.,,X,\n"
    await dry_run_and_import(village, HEADER + full, child=village.child)
    second = await dry_run_and_import(village, HEADER + empty + full, child=village.child)
    assert (second["outcomes"], second["ignored"], second["taken_back"]) == ({"already_recorded": 1}, {"no_words": 1}, 0)


async def test_more_rows_of_one_minute_than_anybody_writes_are_refused_by_their_place(village: Village) -> None:
    """Law 17: rows of one minute over the bound are refused, because each row is compared with each record of its minute."""
    body = file(*(f"Note {number}" for number in range(IN_GROUP_MAX + 1)))
    report = await dry_run_and_import(village, body, child=village.child)
    assert report["outcomes"] == {"recorded": IN_GROUP_MAX, "refused": 1}
    assert [one["at"] for one in report["refused"]] == [f"rows[{IN_GROUP_MAX}]"]


async def test_a_dry_run_that_names_the_child_foresees_its_waiting_records(village: Village) -> None:
    await dry_run_and_import(village, file(STEPS))
    both = await dry_run_and_import(village, file(LUNCH, STEPS), child=village.child)
    assert both["outcomes"] == {"already_recorded": 1, "recorded": 1}


def unnamed(words: str) -> Unnamed:
    return Unnamed(Naming(row=words, id_of=str), words)


def has(words: str) -> HasWords:
    return lambda asked: asked == words


@given(existing=st.lists(st.sampled_from("abcdef"), max_size=4), rows=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4))
def test_each_row_is_the_same_record_in_any_order_of_rows(existing: list[str], rows: list[str]) -> None:
    records = {number: has(words) for number, words in enumerate(existing)}
    found = dict(zip(rows, numbers_of([unnamed(words) for words in rows], records), strict=True))
    for other in permutations(rows):
        assert dict(zip(other, numbers_of([unnamed(words) for words in other], records), strict=True)) == found


@given(existing=st.lists(st.sampled_from("abcdef"), max_size=4), rows=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4))
def test_a_row_with_the_words_of_a_record_is_that_record_and_no_two_rows_are_one(existing: list[str], rows: list[str]) -> None:
    records = {number: has(words) for number, words in enumerate(existing)}
    found = dict(zip(rows, numbers_of([unnamed(words) for words in rows], records), strict=True))
    assert len(set(found.values())) == len(set(rows))
    missing = [number for number, words in enumerate(existing) if words not in rows or existing.index(words) != number]
    for words, number in found.items():
        if words in existing:
            assert number == existing.index(words)
        else:
            assert number >= len(existing) or [number] == missing
