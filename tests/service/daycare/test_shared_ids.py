"""Ids that two children share, in one file or in two: each child's record stays its own."""

from typing import Any

from tests.service.daycare.conftest import Village, link, said_by
from tests.service.daycare.test_imports import PLAIN, imported

MIA = "1,mia,2026-03-01 10:00,Mia slept\n2,mia,2026-03-02 10:00,Mia ate\n"
LEO = "1,leo,2026-03-01 11:00,Leo napped\n2,leo,2026-03-02 11:00,Leo ate\n"


async def siblings(village: Village) -> dict[str, str]:
    answer = await village.ada.ask("POST", "/v1/families/{family}/children", json={"name": "Leo"})
    assert answer.status_code == 201, answer.text
    return {"mia": village.child, "leo": answer.json()["child"]}


async def taken(village: Village, rows: str, **query: str) -> dict[str, Any]:
    """What becomes of a file; what a dry run says of it before is the same."""
    dry = await imported(village.ada, "plain", PLAIN + rows, as_="text/csv", zone="UTC", dry_run="true", **query)
    done: dict[str, Any] = await imported(village.ada, "plain", PLAIN + rows, as_="text/csv", zone="UTC", **query)
    assert dry["outcomes"] == done["outcomes"]
    return done


async def told(village: Village, member: str) -> list[tuple[str, str]]:
    """The notes that an importer wrote, none of which it has withdrawn or amended."""
    said = await said_by(village.ada, member)
    assert {one["type"] for one in said} == {"NoteWritten"}
    return [(one["child"], one["text"]) for one in said]


async def linked(village: Village, member: str, children: dict[str, str]) -> None:
    for reference, child in children.items():
        assert (await link(village.ada, member, child, reference=reference)).status_code == 204


def expected(children: dict[str, str]) -> list[tuple[str, str]]:
    mia, leo = children["mia"], children["leo"]
    return sorted([(mia, "Mia slept"), (mia, "Mia ate"), (leo, "Leo napped"), (leo, "Leo ate")])


async def test_ids_that_two_children_share_in_one_file_are_two_records(village: Village) -> None:
    children = await siblings(village)
    first = await taken(village, MIA + LEO)
    assert first["outcomes"] == {"waiting": 4}
    await linked(village, first["member"], children)
    assert sorted(await told(village, first["member"])) == expected(children)
    again = await taken(village, LEO + MIA)
    assert again["outcomes"] == {"already_recorded": 4}
    assert (await taken(village, MIA))["outcomes"] == {"already_recorded": 2}


async def test_a_file_for_each_child_that_counts_from_one_takes_nothing_from_the_other(village: Village) -> None:
    children = await siblings(village)
    first = await taken(village, MIA, child=children["mia"])
    second = await taken(village, LEO, child=children["leo"])
    assert (first["outcomes"], second["outcomes"]) == ({"recorded": 2}, {"recorded": 2})
    assert sorted(await told(village, first["member"])) == expected(children)
    assert (await taken(village, LEO + MIA))["outcomes"] == {"already_recorded": 4}


async def test_files_that_wait_together_are_told_apart_before_their_children_are_linked(village: Village) -> None:
    children = await siblings(village)
    first = await taken(village, MIA)
    await taken(village, LEO)
    await linked(village, first["member"], children)
    assert sorted(await told(village, first["member"])) == expected(children)


async def test_what_waits_takes_nothing_from_a_child_that_is_linked(village: Village) -> None:
    children = await siblings(village)
    first = await taken(village, MIA, child=children["mia"])
    assert (await taken(village, LEO))["outcomes"] == {"waiting": 2}
    await linked(village, first["member"], children)
    assert sorted(await told(village, first["member"])) == expected(children)


async def test_a_record_whose_child_was_put_right_moves(village: Village) -> None:
    children = await siblings(village)
    first = await taken(village, MIA, child=children["mia"])
    await linked(village, first["member"], children)
    moved = await taken(village, MIA.replace("2,mia", "2,leo"))
    assert moved["outcomes"] == {"already_recorded": 1, "amended": 1}


async def test_a_reference_that_was_linked_wrongly_moves_all_of_its_records(village: Village) -> None:
    children = await siblings(village)
    first = await taken(village, MIA, child=children["leo"])
    await linked(village, first["member"], {"mia": children["mia"]})
    assert (await taken(village, MIA))["outcomes"] == {"amended": 2}
