"""Tests a daycare's posts over HTTP: each event is recorded once, in order, by the rules for all members."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from tests.service.conftest import Village, keeps, push
from tests.service.daycare.conftest import (
    System,
    added,
    binary,
    event,
    events_by,
    link,
    note,
    observed,
    outcomes,
    structured,
)


async def test_a_note_and_a_milestone_reach_both_parents(village: Village, ducklings: System) -> None:
    receipts = await ducklings.post(note("Slept well"), observed("movement.crawls"))
    assert outcomes(receipts) == ["recorded", "recorded"]
    for parent in (village.ada, village.ben):
        assert await events_by(parent, ducklings.member) == [
            {"type": "NoteWritten", "child": village.child, "text": "Slept well"},
            {"type": "MilestoneObserved", "child": village.child, "milestone": "movement.crawls"},
        ]


async def test_structured_and_binary_events_are_read_like_those_of_a_batch(village: Village, ducklings: System) -> None:
    for number, form in enumerate((structured, binary)):
        posted = note(f"Nap {number}")
        headers, body = form(posted)
        answer = await ducklings.call("events", body, headers | ducklings.signed(body, id=posted["id"]))
        assert answer.status_code == 200, answer.text
        assert outcomes(answer.json()["receipts"]) == ["recorded"]
    assert [one["text"] for one in await events_by(village.ben, ducklings.member)] == ["Nap 0", "Nap 1"]


async def test_the_same_content_again_is_already_recorded_and_other_content_amends(village: Village, ducklings: System) -> None:
    """Law 2: the same content with a used id is not recorded again. Other content with the id becomes an amendment."""
    at = datetime.now(UTC) - timedelta(hours=2)
    first = {"id": "a-1", "time": at.isoformat(), "recorded": at.isoformat(), "revised": at.isoformat()}
    later = first | {"revised": (at + timedelta(hours=1)).isoformat()}
    twice = note("Ate peas", **first), note("Ate peas", **first)
    assert outcomes(await ducklings.post(*twice)) == ["recorded", "already_recorded"]
    assert outcomes(await ducklings.post(note("Ate peas", **first))) == ["already_recorded"]
    assert outcomes(await ducklings.post(note("Ate peas and rice", **later))) == ["amended"]
    assert outcomes(await ducklings.post(note("Ate peas and rice", **later))) == ["already_recorded"]
    assert outcomes(await ducklings.post(note("Ate pies", **first))) == ["outdated"]
    sent = await events_by(village.ben, ducklings.member)
    assert [one.get("text") or one["changes"] for one in sent] == ["Ate peas", {"text": "Ate peas and rice"}]


async def test_prose_that_tells_of_a_first_is_held_whole_from_a_parent_who_waits(village: Village, ducklings: System) -> None:
    """Law 8: words that tell of a first become a milestone with the words as its note. It is held until Ben's own first."""
    await keeps(village.ben, "domain:movement")
    receipts = await ducklings.post(note("She took her first steps today!"))
    assert [(receipt["outcome"], receipt.get("keep_quiet")) for receipt in receipts] == [("recorded", ["Ben"])]
    found = {
        "type": "MilestoneObserved", "child": village.child, "milestone": "movement.first-steps",
        "note": "She took her first steps today!", "found_in_prose": True,
    }  # fmt: skip
    assert await events_by(village.ada, ducklings.member) == [found]
    assert await events_by(village.ben, ducklings.member) == []
    await push(village.ben, village.first("movement.first-steps"), audience="me")
    assert await events_by(village.ben, ducklings.member) == [found]


@pytest.mark.parametrize("wish", [{"scope": "domain:movement"}, {"scope": "domain:talking", "hold_unsorted": True}])
async def test_keep_quiet_is_repeated_in_later_receipts(village: Village, ducklings: System, wish: dict[str, Any]) -> None:
    """Law 20: a repeated post gets the names again, because a response may be lost. New content decides the names anew."""
    await keeps(village.ben, **wish)
    at = datetime.now(UTC) - timedelta(hours=2)
    first = {"recorded": at.isoformat(), "revised": at.isoformat()}
    later = first | {"revised": (at + timedelta(hours=1)).isoformat()}
    posts = [
        [note("She took her first steps today!", id="a", **first), observed("movement.walks", id="b", **first)],
        [note("Slept well", id="c", **first), observed("talking.first-word", id="d", **first)],
    ]
    named = []
    for post in posts:
        recorded = await ducklings.post(*post)
        assert outcomes(recorded) == ["recorded", "recorded"]
        named += [one["id"] for one in recorded if one.get("keep_quiet") == ["Ben"]]
        again = await ducklings.post(*post)
        assert outcomes(again) == ["already_recorded", "already_recorded"]
        assert [one.get("keep_quiet") for one in again] == [one.get("keep_quiet") for one in recorded]
    assert named == (["a", "b"] if wish == {"scope": "domain:movement"} else ["a", "c", "d"])
    [amended] = await ducklings.post(note("She took her first steps today!", id="a", time=at.isoformat(), **later))
    assert (amended["outcome"], amended.get("keep_quiet")) == ("amended", ["Ben"])
    taken_back = event("Withdrawn", {"target": "a"})
    gone = await ducklings.post(taken_back, taken_back)
    assert [(one["outcome"], one.get("keep_quiet")) for one in gone] == [("withdrawn", None), ("already_recorded", None)]


async def test_a_parent_may_put_right_what_was_found_and_not_the_words(village: Village, ducklings: System) -> None:
    await ducklings.post(note("She took her first steps today!"), observed("movement.crawls"))
    page = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()
    found, named = [one["event"]["id"] for one in page["entries"] if one["event"]["author"] == ducklings.member]

    async def outcome_of(**body: object) -> str:
        now = datetime.now(UTC).isoformat()
        draft = {"id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": body}
        answer = await village.ben.ask("POST", "/v1/families/{family}/events", json={"sent_at": now, "drafts": [draft]})
        return outcomes(answer.json()["receipts"])[0]

    assert await outcome_of(type="Amended", target=found, changes={"note": "He did not"}) == "event.not_the_author"
    assert await outcome_of(type="Withdrawn", target=named) == "event.not_the_author"
    assert await outcome_of(type="Amended", target=found, changes={"milestone": "movement.walks"}) == "recorded"
    assert await outcome_of(type="Withdrawn", target=found) == "recorded"


@pytest.mark.parametrize("first", ["all", "milestone:talking.first-word"])
async def test_a_note_of_two_firsts_is_held_from_a_parent_waiting_for_one(
    village: Village, ducklings: System, first: str
) -> None:
    """The words tell of two firsts, so they are held from a member who keeps one of the two."""
    await keeps(village.ben, first)
    await ducklings.post(note("She took her first steps today! And she said her first word: ball."))
    assert len(await events_by(village.ada, ducklings.member)) == 2
    sent = await events_by(village.ben, ducklings.member)
    assert [one.get("note") for one in sent] == []


async def test_records_of_an_unlinked_child_wait_and_are_written_in_order_once_linked(village: Village) -> None:
    system, member = await added(village.ada)
    assert outcomes(await system.post(note("One", childname="Mia"), note("Two"))) == ["waiting", "waiting"]
    assert outcomes(await system.post(note("Three"))) == ["waiting"]
    assert await events_by(village.ada, member) == []
    listed = (await village.ben.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    assert [one["references"] for one in listed if one["member"] == member] == [
        [{"reference": "kid-17", "shown_name": "Mia", "child": None, "also_called": [], "is_waiting": True}]
    ]
    assert (await link(village.ben, member, village.child)).status_code == 204
    texts = [one["text"] for one in await events_by(village.ada, member)]
    assert (sorted(texts[:2]), texts[2]) == (["One", "Two"], "Three")
    assert (await link(village.ada, member, None)).status_code == 204
    assert outcomes(await system.post(note("Four"))) == ["waiting"]


async def test_one_key_serves_many_families_by_their_codes(village: Village) -> None:
    made = (await village.ada.ask("POST", "/v1/daycares", json={"name": "Ducklings"})).json()
    system = System(village.ada.http, made["key_id"], made["secret"])
    code = (await village.ben.ask("POST", "/v1/families/{family}/daycare-codes", json={"child": village.child})).json()["code"]
    assert outcomes(await system.post(note("Before"))) == ["waiting"]
    assert (await system.ask("links", {"code": code, "reference": "kid-17"})).json() == {"reference": "kid-17"}
    assert (await system.ask("links", {"code": code, "reference": "kid-18"})).json()["code"] == "access.code_unusable"
    assert outcomes(await system.post(note("After"))) == ["recorded"]
    listed = (await village.ada.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    member = next(one["member"] for one in listed if one["references"])
    assert [one["text"] for one in await events_by(village.ada, member)] == ["Before", "After"]


async def test_a_withdrawn_record_is_not_written_again(village: Village, ducklings: System) -> None:
    at = datetime.now(UTC) - timedelta(hours=2)
    steps = note("She took her first steps today!", id="b-1", recorded=at.isoformat())
    await ducklings.post(steps)
    gone = event("Withdrawn", {"target": "b-1"})
    assert outcomes(await ducklings.post(gone)) == ["withdrawn"]
    assert outcomes(await ducklings.post(gone, steps)) == ["already_recorded", "already_recorded"]
    assert [one["type"] for one in await events_by(village.ada, ducklings.member)] == ["MilestoneObserved", "Withdrawn"]


async def test_a_parent_who_holds_everyday_notes_is_sent_words_after_a_first_or_a_sorting(
    village: Village, ducklings: System
) -> None:
    """Words may tell of more than the milestone found in them. So they are held until Ben's own first or a sorting."""
    await keeps(village.ben, hold_unsorted=True)
    await ducklings.post(note("She took her first steps today!"), note("Slept well"))
    assert await events_by(village.ben, ducklings.member) == []
    await push(village.ben, village.first("movement.first-steps"), audience="me")
    assert [one["type"] for one in await events_by(village.ben, ducklings.member)] == ["MilestoneObserved"]
    await ducklings.post(note("Again she took her first steps!"))
    assert len(await events_by(village.ben, ducklings.member)) == 1
    page = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()
    last = page["entries"][-1]["event"]
    assert last["event"]["found_in_prose"] is True
    await push(village.ada, {"type": "Sorted", "target": last["id"], "child": village.child})
    assert len(await events_by(village.ben, ducklings.member)) == 2
