"""Tests ids that two children share, in one file or in two files: each child keeps its own record."""

from typing import Any

from tests.service.conftest import Village
from tests.service.daycare.conftest import events_by, link
from tests.service.daycare.test_imports import PLAIN, imported

MIA = "1,mia,2026-03-01 10:00,Mia slept\n2,mia,2026-03-02 10:00,Mia ate\n"
LEO = "1,leo,2026-03-01 11:00,Leo napped\n2,leo,2026-03-02 11:00,Leo ate\n"


async def siblings(village: Village) -> dict[str, str]:
    answer = await village.ada.ask("POST", "/v1/families/{family}/children", json={"name": "Leo"})
    assert answer.status_code == 201, answer.text
    return {"mia": village.child, "leo": answer.json()["child"]}


async def dry_run_and_import(village: Village, rows: str, **query: str) -> dict[str, Any]:
    """Does a dry run of a file and then imports the file, and checks that both have the same outcomes."""
    dry = await imported(village.ada, "plain", PLAIN + rows, as_="text/csv", zone="UTC", dry_run="true", **query)
    done: dict[str, Any] = await imported(village.ada, "plain", PLAIN + rows, as_="text/csv", zone="UTC", **query)
    assert dry["outcomes"] == done["outcomes"]
    return done


async def notes_of(village: Village, member: str) -> list[tuple[str, str]]:
    """Returns the notes of an importer, and checks that the importer has withdrawn or amended none of them."""
    bodies = await events_by(village.ada, member)
    assert {one["type"] for one in bodies} == {"NoteWritten"}
    return [(one["child"], one["text"]) for one in bodies]


async def linked(village: Village, member: str, children: dict[str, str]) -> None:
    for reference, child in children.items():
        assert (await link(village.ada, member, child, reference=reference)).status_code == 204


def expected(children: dict[str, str]) -> list[tuple[str, str]]:
    mia, leo = children["mia"], children["leo"]
    return sorted([(mia, "Mia slept"), (mia, "Mia ate"), (leo, "Leo napped"), (leo, "Leo ate")])


async def test_ids_that_two_children_share_in_one_file_are_two_records(village: Village) -> None:
    children = await siblings(village)
    first = await dry_run_and_import(village, MIA + LEO)
    assert first["outcomes"] == {"waiting": 4}
    await linked(village, first["member"], children)
    assert sorted(await notes_of(village, first["member"])) == expected(children)
    again = await dry_run_and_import(village, LEO + MIA)
    assert again["outcomes"] == {"already_recorded": 4}
    assert (await dry_run_and_import(village, MIA))["outcomes"] == {"already_recorded": 2}


async def test_a_file_for_each_child_that_counts_from_one_takes_nothing_from_the_other(village: Village) -> None:
    children = await siblings(village)
    first = await dry_run_and_import(village, MIA, child=children["mia"])
    second = await dry_run_and_import(village, LEO, child=children["leo"])
    assert (first["outcomes"], second["outcomes"]) == ({"recorded": 2}, {"recorded": 2})
    assert sorted(await notes_of(village, first["member"])) == expected(children)
    assert (await dry_run_and_import(village, LEO + MIA))["outcomes"] == {"already_recorded": 4}


async def test_files_that_wait_together_are_told_apart_before_their_children_are_linked(village: Village) -> None:
    children = await siblings(village)
    first = await dry_run_and_import(village, MIA)
    await dry_run_and_import(village, LEO)
    await linked(village, first["member"], children)
    assert sorted(await notes_of(village, first["member"])) == expected(children)


async def test_waiting_records_take_nothing_from_a_linked_child(village: Village) -> None:
    children = await siblings(village)
    first = await dry_run_and_import(village, MIA, child=children["mia"])
    assert (await dry_run_and_import(village, LEO))["outcomes"] == {"waiting": 2}
    await linked(village, first["member"], children)
    assert sorted(await notes_of(village, first["member"])) == expected(children)


async def test_a_record_moves_when_its_child_is_corrected(village: Village) -> None:
    children = await siblings(village)
    first = await dry_run_and_import(village, MIA, child=children["mia"])
    await linked(village, first["member"], children)
    moved = await dry_run_and_import(village, MIA.replace("2,mia", "2,leo"))
    assert moved["outcomes"] == {"already_recorded": 1, "amended": 1}


async def test_a_reference_that_was_linked_wrongly_moves_all_of_its_records(village: Village) -> None:
    children = await siblings(village)
    first = await dry_run_and_import(village, MIA, child=children["leo"])
    await linked(village, first["member"], {"mia": children["mia"]})
    assert (await dry_run_and_import(village, MIA))["outcomes"] == {"amended": 2}
