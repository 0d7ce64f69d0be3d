"""Tests the responses that public tools get from Famly: without the field `state`, and without marks of what parents may see."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.service.conftest import Village
from tests.service.daycare.conftest import events_by
from tests.service.daycare.test_import_command import run
from tests.service.daycare.test_imports import imported

OBSERVATION: dict[str, Any] = {
    "id": "o1", "variant": "REGULAR_OBSERVATION", "status": {"createdAt": "2026-06-25T13:00:00Z"},
    "createdBy": {"name": {"fullName": "A"}}, "remark": {"body": "Mia took her first steps today!"},
    "images": [], "videos": [], "files": [], "children": [{"id": "child-1", "name": "Mia"}],
}  # fmt: skip
NOTE: dict[str, Any] = {
    "noteId": "n1", "noteType": "Classic", "createdAt": "2026-06-25T13:00:00Z", "createdBy": {"name": {"fullName": "A"}},
    "text": "A great nap today.", "images": [], "files": [],
}  # fmt: skip
ITEM: dict[str, Any] = {
    "feedItemId": "f1", "createdDate": "2026-02-10T16:00:00+00:00", "body": "Pancake day", "images": [{"imageId": "i1"}],
    "videos": [{"videoId": "v1"}], "files": [{"fileId": "q", "filename": "notice.pdf"}], "embed": {},
}  # fmt: skip


def observations(*found: dict[str, Any]) -> str:
    return json.dumps({"data": {"childDevelopment": {"observations": {"next": None, "results": found}}}})


def notes(*found: dict[str, Any]) -> str:
    return json.dumps({"data": {"childNotes": {"next": None, "result": found}}})


@pytest.mark.parametrize("body", [observations(OBSERVATION), notes(NOTE)], ids=["observations", "notes"])
async def test_records_without_a_mark_are_ignored_with_a_sentence_and_exit_code_1(
    village: Village, service_url: str, tmp_path: Path, body: str
) -> None:
    file = tmp_path / "famly.json"
    file.write_text(body)
    for arguments in (("--dry-run",), ()):
        result = run(village, service_url, file, "--child", village.child, *arguments, source="famly")
        assert result.returncode == 1
        assert result.stdout.splitlines()[:2] == ["1 record", "       1  left out: unmarked"]
        for part in ("--as-parent", "status { state createdAt }", "parentVisible", "safeguardingConcern"):
            assert part in result.stdout
        assert "waiting" not in result.stdout


@pytest.mark.parametrize("body", [observations(OBSERVATION), notes(NOTE)], ids=["observations", "notes"])
async def test_records_without_a_mark_are_imported_with_as_parent(
    village: Village, service_url: str, tmp_path: Path, body: str
) -> None:
    file = tmp_path / "famly.json"
    file.write_text(body)
    result = run(village, service_url, file, "--child", village.child, "--as-parent", source="famly")
    assert (result.returncode, result.stdout.splitlines()) == (0, ["1 record", "       1  recorded"])
    again = run(village, service_url, file, "--child", village.child, source="famly")
    assert (again.returncode, "taken back" in again.stdout, "withdrawn" in again.stdout) == (1, False, False)


async def test_records_that_are_marked_as_not_for_parents_are_ignored_with_as_parent_too(village: Village) -> None:
    body = notes(
        NOTE | {"noteId": "n2", "sensitive": True}, NOTE | {"noteId": "n3", "safeguardingConcern": True},
        NOTE | {"noteId": "n4", "parentVisible": False}, NOTE,
    )  # fmt: skip
    report = await imported(village.ada, "famly", body, child=village.child, as_parent="true")
    assert (report["outcomes"], sum(report["ignored"].values())) == ({"recorded": 1}, 3)
    draft = OBSERVATION | {"status": {"state": "DRAFT", "createdAt": "2026-06-25T13:00:00Z"}}
    report = await imported(village.ada, "famly", observations(draft), child=village.child, as_parent="true")
    assert (report["outcomes"], report["ignored"]) == ({}, {"draft": 1})


async def test_a_file_without_marks_withdraws_no_record(village: Village) -> None:
    """A file without marks of what parents may see does not withdraw a record of an earlier file."""
    marked = NOTE | {"sensitive": False, "safeguardingConcern": False, "parentVisible": True}
    first = await imported(village.ada, "famly", notes(marked), child=village.child)
    second = await imported(village.ada, "famly", notes(NOTE), child=village.child)
    assert (first["outcomes"], second["outcomes"], second["taken_back"]) == ({"recorded": 1}, {}, 0)
    assert [one["type"] for one in await events_by(village.ada, first["member"])] == ["NoteWritten"]


async def test_pictures_films_and_files_of_the_feed_are_listed(village: Village) -> None:
    body = json.dumps({"feedItems": [ITEM]})
    report = await imported(village.ada, "famly", body, child=village.child)
    assert (report["outcomes"], report["media"]) == ({"recorded": 1}, 3)


async def test_records_without_an_id_are_told_apart_by_their_time_and_their_words(village: Village) -> None:
    """Records without ids are distinguished by time and words. The tool famly-fetch does not request their ids."""

    def without_id(one: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return {name: value for name, value in one.items() if name not in ("id", "noteId")} | changes

    nap, lunch = without_id(NOTE), without_id(NOTE, text="Ate all of it.")
    first = await imported(village.ada, "famly", notes(nap), child=village.child, as_parent="true")
    later = await imported(village.ada, "famly", notes(lunch, nap), child=village.child, as_parent="true")
    assert (first["outcomes"], later["outcomes"]) == ({"recorded": 1}, {"already_recorded": 1, "recorded": 1})
    seen = observations(without_id(OBSERVATION))
    for outcome in ("recorded", "already_recorded"):
        report = await imported(village.ada, "famly", seen, child=village.child, as_parent="true")
        assert report["outcomes"] == {outcome: 1}
