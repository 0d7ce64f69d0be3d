"""Tests two parents who import the same files: neither learns of the other's import, and each shared record is written once."""

import asyncio
from typing import Any

import pytest

from service.replay import replay
from tests.service.conftest import Someone, Village, keeps, push
from tests.service.daycare.conftest import added, events_by, link, note, outcomes
from tests.service.daycare.test_imports import imported

HEADER = "id,child,occurred_at,text"
STEPS = "She took her first steps today!"
BRUISE, NAPPED = "A bruise on the forehead, from the slide.", "Napped well."
WALKED = "movement.first-steps"


def plain(**text_by_id: str) -> str:
    """Returns a plain CSV file with one row for each record. All rows have the same time."""
    return "\n".join([HEADER, *(f'{id},mia,2026-03-01T10:00,"{text}"' for id, text in text_by_id.items()), ""])


def without(*ids: str) -> str:
    """Returns a plain CSV file that marks the given records as gone."""
    return "\n".join([f"{HEADER},gone", *(f"{id},mia,2026-03-01T10:00,,yes" for id in ids), ""])


async def import_plain(parent: Someone, village: Village, body: str, **query: str) -> Any:
    return await imported(parent, "plain", body, as_="text/csv", child=village.child, **query)


async def words(reader: Someone) -> list[str]:
    """Returns the texts of importers' events in a reader's feed, in order, after all amendments and withdrawals."""
    page = (await reader.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    text_by_id: dict[str, str] = {}
    for event in (entry["event"] for entry in page["entries"] if "event" in entry["event"]):
        body = event["event"]
        match body["type"]:
            case "NoteWritten" | "MilestoneObserved" if "text" in body or "note" in body:
                text_by_id[event["id"]] = body.get("text") or body["note"]
            case "Amended" if body["target"] in text_by_id:
                changed = body["changes"].get("text") or body["changes"].get("note")
                text_by_id[body["target"]] = changed or text_by_id[body["target"]]
            case "Withdrawn":
                text_by_id.pop(body["target"], None)
    return list(text_by_id.values())


async def opens(reader: Someone) -> None:
    await push(reader, {"type": "EnvelopeOpened", "scope": "all"})


async def ids_by(reader: Someone, importer: str) -> list[str]:
    """Returns the ids of an importer's events in a reader's feed."""
    page = (await reader.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    return [entry["event"]["id"] for entry in page["entries"] if entry["event"].get("author") == importer]


async def test_the_report_of_an_import_is_the_same_as_if_nobody_else_had_imported(village: Village) -> None:
    """Law 21: Ben's report counts his two records as `recorded`, although Ada's import has written them already."""
    await keeps(village.ben)
    file = plain(a=STEPS, b="Ate peas.")
    ada = await import_plain(village.ada, village, file)
    dry = await import_plain(village.ben, village, file, dry_run="true")
    assert (dry["member"], dry["outcomes"]) == (None, {"recorded": 2})
    ben = await import_plain(village.ben, village, file)
    assert (ben["outcomes"], ben["member"] == ada["member"]) == ({"recorded": 2}, False)
    for again in ("true", "false"):
        assert (await import_plain(village.ben, village, file, dry_run=again))["outcomes"] == {"already_recorded": 2}


async def test_a_record_in_both_parents_files_is_written_once(village: Village) -> None:
    """Law 2: a reader finds each record once. So does Ben, who keeps everything, after he has opened the envelope."""
    await keeps(village.ben)
    file = plain(a=STEPS, b="Ate peas.", c=f"She slept. {'A long day. ' * 200}{STEPS}")
    await import_plain(village.ada, village, file)
    sent = await words(village.ada)
    ben = await import_plain(village.ben, village, file)
    assert await words(village.ada) == sent
    assert await events_by(village.ada, ben["member"]) == []
    assert await words(village.ben) == ["Ate peas."]
    await opens(village.ben)
    assert sorted(await words(village.ben)) == sorted(sent)


async def test_a_file_rewrites_nothing_that_the_other_parents_file_brought(village: Village) -> None:
    """Law 20: if Ben's file has another text, an event with his text is added. Ada's event stays."""
    await import_plain(village.ada, village, plain(a=BRUISE))
    assert (await import_plain(village.ben, village, plain(a=BRUISE)))["outcomes"] == {"recorded": 1}
    assert (await import_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"amended": 1}
    for reader in (village.ada, village.ben, village.sam):
        assert await words(reader) == [BRUISE, NAPPED]
    assert (await import_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"already_recorded": 1}
    assert (await import_plain(village.ben, village, plain(a="Napped very well.")))["outcomes"] == {"amended": 1}
    assert (await import_plain(village.ben, village, without("a")))["outcomes"] == {"withdrawn": 1}
    assert await words(village.ada) == [BRUISE]
    assert (await import_plain(village.ben, village, plain(a=BRUISE)))["outcomes"] == {"recorded": 1}


async def test_a_parent_withdraws_only_their_own_copy_of_a_shared_record(village: Village) -> None:
    """Law 20: Ada withdraws a shared event. Ben's file has the record too, so Ben's importer writes an event of its own."""
    ada = await import_plain(village.ada, village, plain(a=BRUISE, b="Ate peas."))
    ben = await import_plain(village.ben, village, plain(a=BRUISE, b="Ate peas."))
    assert (await import_plain(village.ada, village, without("a")))["outcomes"] == {"withdrawn": 1}
    for reader in (village.ada, village.ben, village.sam):
        assert sorted(await words(reader)) == [BRUISE, "Ate peas."]
    assert len(await ids_by(village.sam, ben["member"])) == 1
    assert (await import_plain(village.ben, village, plain(a=BRUISE)))["outcomes"] == {"already_recorded": 1}
    assert (await import_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"amended": 1}
    assert sorted(await words(village.sam)) == ["Ate peas.", NAPPED]
    assert len(await ids_by(village.sam, ada["member"])) == 3


async def test_a_parent_changes_only_their_own_copy_of_a_shared_record(village: Village, database_url: str) -> None:
    """Laws 11 and 20: after Ada's change, Ben's importer writes the shared events again: the sighting, then the long words."""
    long = f"She slept. {'A long day. ' * 200}{STEPS}"
    await import_plain(village.ada, village, plain(a=long))
    ben = await import_plain(village.ben, village, plain(a=long))
    await import_plain(village.ada, village, plain(a=f"{long} Hooray."))
    sighting, sent = await events_by(village.sam, ben["member"])
    assert (sighting["milestone"], sent["text"], sent["about"]) == (WALKED, long, (await ids_by(village.sam, ben["member"]))[0])
    assert sorted(await words(village.sam)) == sorted([long, f"{long} Hooray."])
    assert (await import_plain(village.ben, village, without("a")))["outcomes"] == {"withdrawn": 1}
    assert await words(village.ben) == [f"{long} Hooray."]
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_a_held_record_that_one_parent_withdraws_is_released_from_the_others_file(village: Village) -> None:
    """Laws 8 and 20: Ben's own file has the record. So his envelope contains it after Ada's file has withdrawn Ada's record."""
    await keeps(village.ben)
    await import_plain(village.ada, village, plain(a=STEPS))
    ben = await import_plain(village.ben, village, plain(a=STEPS))
    before = (await village.ben.ask("GET", "/v1/families/{family}/feed")).content
    await import_plain(village.ada, village, without("a"))
    assert (await village.ben.ask("GET", "/v1/families/{family}/feed")).content == before
    await opens(village.ben)
    assert [one["note"] for one in await events_by(village.ben, ben["member"])] == [STEPS]
    assert await words(village.ben) == [STEPS]


async def test_only_the_importing_parent_corrects_what_was_found_in_a_file(village: Village) -> None:
    """Law 20: Ben cannot withdraw an event of Ada's importer. After a withdrawal by Ada, the event of Ben's importer stays."""
    ada = await import_plain(village.ada, village, plain(a=STEPS))
    ben = await import_plain(village.ben, village, plain(a=STEPS))
    [found] = await ids_by(village.ada, ada["member"])
    for body in ({"type": "Withdrawn"}, {"type": "Amended", "changes": {"milestone": "movement.walks"}}):
        assert await refusal(village.ben, body | {"target": found}) == "event.not_the_author"
    await push(village.ada, {"type": "Withdrawn", "target": found})
    assert [one["note"] for one in await events_by(village.sam, ben["member"])] == [STEPS]
    assert await words(village.sam) == [STEPS]


async def refusal(author: Someone, event: dict[str, Any]) -> str:
    with pytest.raises(AssertionError):
        await push(author, event)
    now = "2026-03-02T10:00:00.000Z"
    draft = {"id": "01900000-0000-7000-8000-000000000001", "occurred_at": now, "precision": "minute", "recorded_at": now}
    body = {"sent_at": now, "drafts": [draft | {"event": event}]}
    answer = await author.ask("POST", "/v1/families/{family}/events", json=body)
    return str(answer.json()["receipts"][0]["problem"]["code"])


async def test_a_sorting_of_the_first_copy_hides_nothing_of_the_second(village: Village) -> None:
    """Laws 20 and 21: Ada has sorted her record as first steps. Ben's record stays an everyday note, and is delivered to him."""
    await keeps(village.ben, hold_unsorted=True)
    ada = await import_plain(village.ada, village, plain(a=NAPPED))
    [napped] = await ids_by(village.ada, ada["member"])
    await push(village.ada, {"type": "Sorted", "target": napped, "child": village.child, "milestone": WALKED})
    await keeps(village.ben)
    assert await words(village.ben) == []
    assert (await import_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"recorded": 1}
    assert await words(village.ben) == [NAPPED]


async def test_a_sorting_of_one_copy_does_not_change_why_the_other_is_held(village: Village) -> None:
    """Law 20: Ada sorts her record as first steps. Ben's own record is held and released like any everyday note."""
    await keeps(village.ben, hold_unsorted=True)
    ada = await import_plain(village.ada, village, plain(a=NAPPED))
    ben = await import_plain(village.ben, village, plain(a=NAPPED))
    [napped] = await ids_by(village.ada, ada["member"])
    await push(village.ada, {"type": "Sorted", "target": napped, "child": village.child, "milestone": WALKED})
    assert await words(village.ben) == []
    await keeps(village.ben)
    assert [one["text"] for one in await events_by(village.ben, ben["member"])] == [NAPPED]


async def test_a_member_who_was_never_sent_the_first_copy_is_sent_the_second(village: Village) -> None:
    """Law 20: Gran joined after Ada's import, so she was not sent Ada's event. She gets Ben's event for the same record."""
    await import_plain(village.ada, village, plain(a=NAPPED))
    gran = await village.ada.invite("caregiver", name="Gran")
    assert await words(gran) == []
    ben = await import_plain(village.ben, village, plain(a=NAPPED))
    assert await words(gran) == [NAPPED]
    assert len(await ids_by(village.ada, ben["member"])) == 1


async def test_two_imports_at_once_come_to_one(village: Village, database_url: str) -> None:
    """Laws 2 and 11: each record is written once, and both reports count it as recorded."""
    file = plain(**{f"r{number}": f"Nap {number}" for number in range(120)}, steps=STEPS)
    text_by_id = await asyncio.gather(*(import_plain(parent, village, file) for parent in (village.ada, village.ben)))
    assert [one["outcomes"] for one in text_by_id] == [{"recorded": 121}] * 2
    assert sorted(await words(village.sam)) == sorted([*(f"Nap {number}" for number in range(120)), STEPS])
    both = [len(await ids_by(village.sam, one["member"])) for one in text_by_id]
    assert sum(both) == 121
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_changes_from_both_sides_at_once_lose_nothing(village: Village, database_url: str) -> None:
    """Laws 2, 11 and 20: the changes of both parents are recorded, by the importer of each."""
    ids = [f"r{number}" for number in range(40)]
    for parent in (village.ada, village.ben):
        await import_plain(parent, village, plain(**{id: f"Nap {id}" for id in ids}))
    await asyncio.gather(
        import_plain(village.ada, village, plain(**{id: f"Ada's nap {id}" for id in ids})),
        import_plain(village.ben, village, plain(**{id: f"Ben's nap {id}" for id in ids})),
    )
    assert sorted(await words(village.sam)) == sorted(f"{name}'s nap {id}" for name in ("Ada", "Ben") for id in ids)
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_an_importer_is_its_parents_to_link_to_see_and_to_remove(village: Village) -> None:
    """Laws 16 and 21: only Ada can see and link the references of her file, and remove its importer."""
    eve = await village.ada.invite("parent", name="Eve")
    ada = await imported(village.ada, "plain", plain(a=NAPPED), as_="text/csv")
    for other in (village.ben, eve):
        listed = (await other.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
        [importer] = [one for one in listed if one["member"] == ada["member"]]
        assert importer == {"member": ada["member"], "name": "Plain", "imported_by": village.ada.member, "references": []}
        assert (await link(other, ada["member"], village.child, reference="mia")).status_code == 404
        gone = await other.ask("DELETE", f"/v1/families/{{family}}/members/{ada['member']}")
        assert (gone.status_code, gone.json()["code"]) == (403, "access.not_yours_to_remove")
    listed = (await village.ada.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    assert [one["references"][0]["is_waiting"] for one in listed if one["member"] == ada["member"]] == [True]
    assert (await link(village.ada, ada["member"], village.child, reference="mia")).status_code == 204
    assert await words(village.ben) == [NAPPED]
    listed = (await village.ben.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]
    assert [one["references"] for one in listed if one["member"] == ada["member"]] == [[]]
    assert (await village.ada.ask("DELETE", f"/v1/families/{{family}}/members/{ada['member']}")).status_code == 204
    again = await import_plain(village.ada, village, plain(a=NAPPED))
    assert (again["outcomes"], again["member"] == ada["member"]) == ({"recorded": 1}, False)
    assert await words(village.ben) == [NAPPED]


async def test_imported_records_stay_when_their_parent_leaves(village: Village) -> None:
    """Law 16: after Ben has left, the events of his importer stay, and Ada's import does not write their records again."""
    await import_plain(village.ben, village, plain(a=NAPPED, b=BRUISE))
    await import_plain(village.ada, village, plain(a=NAPPED))
    gone = await village.ben.ask("DELETE", f"/v1/families/{{family}}/members/{village.ben.member}")
    assert gone.status_code == 204
    assert await words(village.ada) == [NAPPED, BRUISE]
    assert (await import_plain(village.ada, village, plain(b=BRUISE)))["outcomes"] == {"recorded": 1}
    assert await words(village.ada) == [NAPPED, BRUISE]


async def test_a_daycares_own_post_is_no_importers_record(village: Village) -> None:
    """Two senders with the same source and the same id write one event each."""
    system, member = await added(village.ada)
    assert (await link(village.ada, member, village.child, reference="mia")).status_code == 204
    await import_plain(village.ada, village, plain(a=NAPPED))
    posted = note(NAPPED, id="a", source="plain", subject="mia", time="2026-03-01T10:00:00Z")
    assert outcomes(await system.post(posted)) == ["recorded"]
    assert await words(village.ben) == [NAPPED, NAPPED]
