"""Two parents import the same files, each for themselves: neither is told, nobody's words get lost, and nothing comes twice."""

import asyncio
from typing import Any

import pytest

from service.replay import replay
from tests.service.conftest import Someone
from tests.service.daycare.conftest import Village, added, link, note, outcomes, said_by
from tests.service.daycare.test_imports import imported
from tests.service.surprise.conftest import keeps, push

HEADER = "id,child,occurred_at,text"
STEPS = "She took her first steps today!"
BRUISE, NAPPED = "A bruise on the forehead, from the slide.", "Napped well."
WALKED = "movement.first-steps"


def plain(**text_by_id: str) -> str:
    """A plain file with a row for each record, all at one time."""
    return "\n".join([HEADER, *(f'{id},mia,2026-03-01T10:00,"{text}"' for id, text in text_by_id.items()), ""])


def without(*ids: str) -> str:
    """A plain file that says of some records that they are gone."""
    return "\n".join([f"{HEADER},gone", *(f"{id},mia,2026-03-01T10:00,,yes" for id in ids), ""])


async def of_plain(parent: Someone, village: Village, body: str, **query: str) -> Any:
    return await imported(parent, "plain", body, as_="text/csv", child=village.child, **query)


async def words(reader: Someone) -> list[str]:
    """What a reader was sent of what importers wrote, as it is after all changes, in order."""
    page = (await reader.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    said: dict[str, str] = {}
    for event in (entry["event"] for entry in page["entries"] if "event" in entry["event"]):
        body = event["event"]
        match body["type"]:
            case "NoteWritten" | "MilestoneObserved" if "text" in body or "note" in body:
                said[event["id"]] = body.get("text") or body["note"]
            case "Amended" if body["target"] in said:
                said[body["target"]] = body["changes"].get("text") or body["changes"].get("note") or said[body["target"]]
            case "Withdrawn":
                said.pop(body["target"], None)
    return list(said.values())


async def opens(reader: Someone) -> None:
    await push(reader, {"type": "EnvelopeOpened", "scope": "all"})


async def of(reader: Someone, importer: str) -> list[str]:
    """The ids of what an importer wrote, as a reader was sent them."""
    page = (await reader.ask("GET", "/v1/families/{family}/feed?limit=2000")).json()
    return [entry["event"]["id"] for entry in page["entries"] if entry["event"].get("author") == importer]


async def test_an_import_says_what_it_would_say_if_nobody_else_had_imported(village: Village) -> None:
    """Law 21: neither a record that is held from Ben nor one that he was sent is `already_recorded` to him."""
    await keeps(village.ben)
    file = plain(a=STEPS, b="Ate peas.")
    ada = await of_plain(village.ada, village, file)
    dry = await of_plain(village.ben, village, file, dry_run="true")
    assert (dry["member"], dry["outcomes"]) == (None, {"recorded": 2})
    ben = await of_plain(village.ben, village, file)
    assert (ben["outcomes"], ben["member"] == ada["member"]) == ({"recorded": 2}, False)
    for again in ("true", "false"):
        assert (await of_plain(village.ben, village, file, dry_run=again))["outcomes"] == {"already_recorded": 2}


async def test_what_both_parents_files_say_is_there_once(village: Village) -> None:
    """Law 2, for everybody: also for who waits for it, once they have opened it."""
    await keeps(village.ben)
    file = plain(a=STEPS, b="Ate peas.", c=f"She slept. {'A long day. ' * 200}{STEPS}")
    await of_plain(village.ada, village, file)
    told = await words(village.ada)
    ben = await of_plain(village.ben, village, file)
    assert await words(village.ada) == told
    assert await said_by(village.ada, ben["member"]) == []
    assert await words(village.ben) == ["Ate peas."]
    await opens(village.ben)
    assert sorted(await words(village.ben)) == sorted(told)


async def test_a_file_rewrites_nothing_that_the_other_parents_file_brought(village: Village) -> None:
    """Law 20: Ben's file says otherwise by words of its own, and Ada's stay."""
    await of_plain(village.ada, village, plain(a=BRUISE))
    assert (await of_plain(village.ben, village, plain(a=BRUISE)))["outcomes"] == {"recorded": 1}
    assert (await of_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"amended": 1}
    for reader in (village.ada, village.ben, village.sam):
        assert await words(reader) == [BRUISE, NAPPED]
    assert (await of_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"already_recorded": 1}
    assert (await of_plain(village.ben, village, plain(a="Napped very well.")))["outcomes"] == {"amended": 1}
    assert (await of_plain(village.ben, village, without("a")))["outcomes"] == {"withdrawn": 1}
    assert await words(village.ada) == [BRUISE]
    assert (await of_plain(village.ben, village, plain(a=BRUISE)))["outcomes"] == {"recorded": 1}


async def test_who_takes_back_what_both_files_say_takes_back_their_own(village: Village) -> None:
    """Law 20: Ben's file said it as well, so it stays, by Ben's importer."""
    ada = await of_plain(village.ada, village, plain(a=BRUISE, b="Ate peas."))
    ben = await of_plain(village.ben, village, plain(a=BRUISE, b="Ate peas."))
    assert (await of_plain(village.ada, village, without("a")))["outcomes"] == {"withdrawn": 1}
    for reader in (village.ada, village.ben, village.sam):
        assert sorted(await words(reader)) == [BRUISE, "Ate peas."]
    assert len(await of(village.sam, ben["member"])) == 1
    assert (await of_plain(village.ben, village, plain(a=BRUISE)))["outcomes"] == {"already_recorded": 1}
    assert (await of_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"amended": 1}
    assert sorted(await words(village.sam)) == ["Ate peas.", NAPPED]
    assert len(await of(village.sam, ada["member"])) == 3


async def test_who_changes_what_both_files_say_changes_their_own(village: Village, database_url: str) -> None:
    """Laws 11 and 20: what was shared, a sighting with its long words too, is written anew in the order in which it was."""
    long = f"She slept. {'A long day. ' * 200}{STEPS}"
    await of_plain(village.ada, village, plain(a=long))
    ben = await of_plain(village.ben, village, plain(a=long))
    await of_plain(village.ada, village, plain(a=f"{long} Hooray."))
    sighting, told = await said_by(village.sam, ben["member"])
    assert (sighting["milestone"], told["text"], told["about"]) == (WALKED, long, (await of(village.sam, ben["member"]))[0])
    assert sorted(await words(village.sam)) == sorted([long, f"{long} Hooray."])
    assert (await of_plain(village.ben, village, without("a")))["outcomes"] == {"withdrawn": 1}
    assert await words(village.ben) == [f"{long} Hooray."]
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_what_is_taken_back_while_it_is_held_comes_by_who_still_says_it(village: Village) -> None:
    """Laws 8 and 20: Ben's own file says it, so it is in his envelope after Ada's file has taken it back."""
    await keeps(village.ben)
    await of_plain(village.ada, village, plain(a=STEPS))
    ben = await of_plain(village.ben, village, plain(a=STEPS))
    before = (await village.ben.ask("GET", "/v1/families/{family}/feed")).content
    await of_plain(village.ada, village, without("a"))
    assert (await village.ben.ask("GET", "/v1/families/{family}/feed")).content == before
    await opens(village.ben)
    assert [one["note"] for one in await said_by(village.ben, ben["member"])] == [STEPS]
    assert await words(village.ben) == [STEPS]


async def test_only_who_imported_it_corrects_what_was_found_in_a_file(village: Village) -> None:
    """Law 20: Ben cannot take Ada's words away, and Ada takes away hers alone."""
    ada = await of_plain(village.ada, village, plain(a=STEPS))
    ben = await of_plain(village.ben, village, plain(a=STEPS))
    [found] = await of(village.ada, ada["member"])
    for body in ({"type": "Withdrawn"}, {"type": "Amended", "changes": {"milestone": "movement.walks"}}):
        assert await refusal(village.ben, body | {"target": found}) == "event.not_the_author"
    await push(village.ada, {"type": "Withdrawn", "target": found})
    assert [one["note"] for one in await said_by(village.sam, ben["member"])] == [STEPS]
    assert await words(village.sam) == [STEPS]


async def refusal(author: Someone, event: dict[str, Any]) -> str:
    with pytest.raises(AssertionError):
        await push(author, event)
    now = "2026-03-02T10:00:00.000Z"
    draft = {"id": "01900000-0000-7000-8000-000000000001", "occurred_at": now, "precision": "minute", "recorded_at": now}
    body = {"sent_at": now, "drafts": [draft | {"event": event}]}
    answer = await author.ask("POST", "/v1/families/{family}/events", json=body)
    return str(answer.json()["receipts"][0]["problem"]["code"])


async def test_what_somebody_said_of_the_first_copy_hides_nothing_of_the_second(village: Village) -> None:
    """Laws 20 and 21: Ada has put her own record under first steps; what Ben's file says is read by its own words."""
    await keeps(village.ben, hold_unsorted=True)
    ada = await of_plain(village.ada, village, plain(a=NAPPED))
    [napped] = await of(village.ada, ada["member"])
    await push(village.ada, {"type": "Sorted", "target": napped, "child": village.child, "milestone": WALKED})
    await keeps(village.ben)
    assert await words(village.ben) == []
    assert (await of_plain(village.ben, village, plain(a=NAPPED)))["outcomes"] == {"recorded": 1}
    assert await words(village.ben) == [NAPPED]


async def test_what_is_sorted_while_both_files_say_it_is_held_as_the_sorter_said_for_one_alone(village: Village) -> None:
    """Law 20: Ada sorts her record to first steps while Ben waits for it as an everyday note: his own is freed as such a note."""
    await keeps(village.ben, hold_unsorted=True)
    ada = await of_plain(village.ada, village, plain(a=NAPPED))
    ben = await of_plain(village.ben, village, plain(a=NAPPED))
    [napped] = await of(village.ada, ada["member"])
    await push(village.ada, {"type": "Sorted", "target": napped, "child": village.child, "milestone": WALKED})
    assert await words(village.ben) == []
    await keeps(village.ben)
    assert [one["text"] for one in await said_by(village.ben, ben["member"])] == [NAPPED]


async def test_who_was_never_sent_the_first_copy_is_sent_the_second(village: Village) -> None:
    """Law 20: Gran came after Ada's import, and hears from then on what is written: also what Ben's file says."""
    await of_plain(village.ada, village, plain(a=NAPPED))
    gran = await village.ada.invite("caregiver", name="Gran")
    assert await words(gran) == []
    ben = await of_plain(village.ben, village, plain(a=NAPPED))
    assert await words(gran) == [NAPPED]
    assert len(await of(village.ada, ben["member"])) == 1


async def test_two_imports_at_once_come_to_one(village: Village, database_url: str) -> None:
    """Laws 2 and 11: whichever is first, each record is there once, and both parents read of all that it was recorded."""
    file = plain(**{f"r{number}": f"Nap {number}" for number in range(120)}, steps=STEPS)
    said = await asyncio.gather(*(of_plain(parent, village, file) for parent in (village.ada, village.ben)))
    assert [one["outcomes"] for one in said] == [{"recorded": 121}] * 2
    assert sorted(await words(village.sam)) == sorted([*(f"Nap {number}" for number in range(120)), STEPS])
    both = [len(await of(village.sam, one["member"])) for one in said]
    assert sum(both) == 121
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_changes_from_both_sides_at_once_lose_nothing(village: Village, database_url: str) -> None:
    """Laws 2, 11 and 20."""
    ids = [f"r{number}" for number in range(40)]
    for parent in (village.ada, village.ben):
        await of_plain(parent, village, plain(**{id: f"Nap {id}" for id in ids}))
    await asyncio.gather(
        of_plain(village.ada, village, plain(**{id: f"Ada's nap {id}" for id in ids})),
        of_plain(village.ben, village, plain(**{id: f"Ben's nap {id}" for id in ids})),
    )
    assert sorted(await words(village.sam)) == sorted(f"{name}'s nap {id}" for name in ("Ada", "Ben") for id in ids)
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_an_importer_is_its_parents_to_link_to_see_and_to_remove(village: Village) -> None:
    """Laws 16 and 21: whom Ada's file names is shown to Ada, for there is a record behind each name."""
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
    again = await of_plain(village.ada, village, plain(a=NAPPED))
    assert (again["outcomes"], again["member"] == ada["member"]) == ({"recorded": 1}, False)
    assert await words(village.ben) == [NAPPED]


async def test_what_a_parent_imported_stays_when_they_leave(village: Village) -> None:
    """Law 16: and what both files said is not written a second time."""
    await of_plain(village.ben, village, plain(a=NAPPED, b=BRUISE))
    await of_plain(village.ada, village, plain(a=NAPPED))
    gone = await village.ben.ask("DELETE", f"/v1/families/{{family}}/members/{village.ben.member}")
    assert gone.status_code == 204
    assert await words(village.ada) == [NAPPED, BRUISE]
    assert (await of_plain(village.ada, village, plain(b=BRUISE)))["outcomes"] == {"recorded": 1}
    assert await words(village.ada) == [NAPPED, BRUISE]


async def test_a_daycares_own_post_is_no_importers_record(village: Village) -> None:
    """Two senders whose source and id happen to be the same say each their own."""
    system, member = await added(village.ada)
    assert (await link(village.ada, member, village.child, reference="mia")).status_code == 204
    await of_plain(village.ada, village, plain(a=NAPPED))
    posted = note(NAPPED, id="a", source="plain", subject="mia", time="2026-03-01T10:00:00Z")
    assert outcomes(await system.post(posted)) == ["recorded"]
    assert await words(village.ben) == [NAPPED, NAPPED]
