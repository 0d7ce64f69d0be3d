"""Tests how words are assigned to a child, by the family's names for the child. Tests notes that may tell of a first."""

from typing import Any

import pytest

from tests.service.conftest import Someone, Village, keeps, push
from tests.service.daycare.conftest import System, added, events_by, link, note
from tests.service.daycare.test_imports import imported

STEPS = "movement.first-steps"
# The file has no column for the child's name.
CONNECT = """Start Time,End Time,Activity,Duration (min),Quantity,Extra data,Text,Notes,Caregiver,Unit
6/25/2026 9:30 AM,,Diary,,,,"Mia took her first steps!",,X,
"""


async def set_nicknames(parent: Someone, member: str, child: str | None, names: list[str] | None) -> Any:
    path = f"/v1/families/{{family}}/daycares/{member}/children"
    return await parent.ask("PUT", path, json={"reference": "kid-17", "child": child, "also_called": names})


async def nicknames(parent: Someone, member: str) -> list[list[str]]:
    listed = (await parent.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    return [one["also_called"] for daycare in listed if daycare["member"] == member for one in daycare["references"]]


async def test_a_note_that_names_the_child_is_the_childs_where_no_name_was_posted(village: Village, ducklings: System) -> None:
    """The child's name in a note is recognised, although the post does not state it: the service has the name in the roster."""
    await keeps(village.ben, "all")
    (receipt,) = await ducklings.post(note("Mia took her first steps today!", time="2026-11-20T09:30:00+01:00"))
    assert (receipt["outcome"], receipt["keep_quiet"]) == ("recorded", ["Ben"])
    (found,) = await events_by(village.ada, ducklings.member)
    assert (found["milestone"], found["found_in_prose"]) == (STEPS, True)
    assert await events_by(village.ben, ducklings.member) == []


async def test_a_file_without_names_is_about_the_child_that_it_is_imported_for(village: Village) -> None:
    """The words of a file without names are about the child whom the import request names."""
    await keeps(village.ben, "all")
    report = await imported(village.ada, "baby_connect", CONNECT, as_="text/csv", child=village.child)
    (found,) = await events_by(village.ada, report["member"])
    assert (found["milestone"], found["found_in_prose"]) == (STEPS, True)
    assert await events_by(village.ben, report["member"]) == []


async def test_a_record_that_waited_for_its_child_is_read_with_the_name_of_that_child(village: Village) -> None:
    system, member = await added(village.ada)
    await system.post(note("Mia took her first steps today!"))
    await link(village.ada, member, village.child)
    assert [one.get("milestone") for one in await events_by(village.ada, member)] == [STEPS]


async def test_a_note_that_may_tell_of_a_first_is_no_milestone_and_is_held_until_the_first_was_seen(
    village: Village, ducklings: System
) -> None:
    """Law 8: a note that is too uncertain to be a milestone is a note, and is held until Ben's own first."""
    await keeps(village.ben, f"milestone:{STEPS}")
    (receipt,) = await ducklings.post(note("I think Mia took a step, but I only saw it from behind."))
    assert (receipt["outcome"], receipt["keep_quiet"]) == ("recorded", ["Ben"])
    (sent,) = await events_by(village.ada, ducklings.member)
    assert (sent["type"], sent["may_tell_of"]) == ("NoteWritten", [STEPS])
    assert await events_by(village.ben, ducklings.member) == []
    await push(village.ben, village.first(STEPS), audience="me")
    assert await events_by(village.ben, ducklings.member) == [sent]


async def test_a_note_without_a_first_is_sent_at_once(village: Village, ducklings: System) -> None:
    await keeps(village.ben, "all")
    (receipt,) = await ducklings.post(note("We walked to the library and Mia slept in the buggy."))
    assert "keep_quiet" not in receipt
    (sent,) = await events_by(village.ben, ducklings.member)
    assert "may_tell_of" not in sent


async def test_new_words_of_a_note_that_may_tell_of_a_first_are_written_anew(village: Village, ducklings: System) -> None:
    """An amendment cannot change `may_tell_of`. So the note is withdrawn and written again."""
    first = note("I think Mia took a step.", id="a", revised="2026-11-20T10:00:00Z")
    again = note("I think Mia said a word.", id="a", revised="2026-11-20T11:00:00Z")
    for one in (first, again):
        await ducklings.post(one)
    assert [one["type"] for one in await events_by(village.ada, ducklings.member)] == ["NoteWritten", "Withdrawn", "NoteWritten"]


async def test_a_nickname_is_the_childs_once_a_parent_has_given_it(village: Village, ducklings: System) -> None:
    await ducklings.post(note("Beanie took her first steps today!"))
    assert (await set_nicknames(village.ben, ducklings.member, village.child, ["Beanie", "Miss B"])).status_code == 204
    await ducklings.post(note("Beanie took her first steps this morning!"))
    before, after = await events_by(village.ada, ducklings.member)
    assert (before["type"], after["type"], after["milestone"]) == ("NoteWritten", "MilestoneObserved", STEPS)
    assert await nicknames(village.ada, ducklings.member) == [["Beanie", "Miss B"]]


async def test_nicknames_stay_with_their_child(village: Village, ducklings: System) -> None:
    """A link request without nicknames keeps the earlier nicknames. A link to another child removes them."""
    await set_nicknames(village.ada, ducklings.member, village.child, ["Beanie"])
    await link(village.ada, ducklings.member, village.child)
    assert await nicknames(village.ada, ducklings.member) == [["Beanie"]]
    await set_nicknames(village.ada, ducklings.member, village.child, [])
    assert await nicknames(village.ada, ducklings.member) == [[]]
    await set_nicknames(village.ada, ducklings.member, village.child, ["Beanie"])
    await link(village.ada, ducklings.member, None)
    assert await nicknames(village.ada, ducklings.member) == [[]]


@pytest.mark.parametrize("names", [["x"] * 17, [""], ["x" * 1_000], "Beanie", [1]])
async def test_nicknames_are_bounded_and_a_refusal_names_the_field(village: Village, ducklings: System, names: Any) -> None:
    answer = await set_nicknames(village.ada, ducklings.member, village.child, names)
    assert (answer.status_code, answer.json()["code"]) == (400, "body.invalid")
    assert answer.json()["at"].startswith("also_called")
    assert await nicknames(village.ada, ducklings.member) == [[]]
