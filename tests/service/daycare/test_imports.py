"""Tests imports of other systems' files over HTTP: each record is written once, by the rules for posted records."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.conftest import Someone, Village
from tests.service.daycare.conftest import events_by, link

REAL = Path(__file__).parents[4] / "shared" / "data" / "brightwheel"
PLAIN = "id,child,occurred_at,text\n"


async def imported(parent: Someone, source: str, body: bytes | str, *, as_: str = "application/json", **query: str) -> Any:
    answer = await post_import(parent, source, body, as_=as_, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post_import(parent: Someone, source: str, body: bytes | str, *, as_: str, **query: str) -> httpx.Response:
    path = f"/v1/families/{parent.family}/imports"
    headers = parent.headers | {"content-type": as_}
    return await parent.http.post(path, params={"source": source, **query}, content=body, headers=headers)


@pytest.mark.skipif(not REAL.is_dir(), reason="the anonymised answers of Brightwheel lie beside the project, in ../shared/data")
async def test_the_real_answers_of_brightwheel_are_imported_once_however_often(village: Village) -> None:
    """Laws 2 and 21: Ada imports files twice, and Ben once. Each record is written once. Both parents' reports are equal."""
    files = [REAL / f"activities{name}.json" for name in ("", "-checkin", "-food", "-nap", "-empty")]
    counts = []
    importers = []
    for parent in (village.ada, village.ben, village.ada):
        for file in files:
            report = await imported(parent, "brightwheel", file.read_bytes(), child=village.child)
            counts.append((report["records"], report["outcomes"], report["ignored"], report["unreadable"]))
        importers.append(report["member"])
    rows = [json.loads(file.read_bytes())["activities"] for file in files]
    assert [count[0] for count in counts] == [len(one) for one in rows] * 3
    ids = {row["object_id"] for one in rows for row in one if row["action_type"] != "ac_photo"}
    assert importers[0] == importers[2] != importers[1]
    sent = await events_by(village.ben, importers[0])
    assert await events_by(village.ben, importers[1]) == []
    assert len(sent) == len(ids) - sum(sum(count[2].values()) for count in counts[:5])
    assert all(set(outcomes) <= {"already_recorded"} for _, outcomes, _, _ in counts[10:])
    assert counts[5:10] == counts[:5]
    assert not any(unreadable for *_, unreadable in counts)
    assert report["references"] == []


async def test_a_dry_run_says_what_would_be_and_writes_nothing(village: Village) -> None:
    body = PLAIN + "1,mia,2026-03-01T10:00,Slept well\n2,mia,2026-03-01T11:00,She took her first steps today!\n"
    report = await imported(village.ada, "plain", body, as_="text/csv", dry_run="true")
    assert (report["member"], report["records"], report["outcomes"]) == (None, 2, {"waiting": 2})
    report = await imported(village.ada, "plain", body, as_="text/csv", dry_run="true", child=village.child)
    assert (report["member"], report["outcomes"]) == (None, {"recorded": 2})
    before = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"]
    report = await imported(village.ada, "plain", body, as_="text/csv", child=village.child)
    assert report["outcomes"] == {"recorded": 2}
    report = await imported(village.ada, "plain", body.replace("Slept", "Woke"), as_="text/csv", dry_run="true")
    assert report["outcomes"] == {"already_recorded": 1, "amended": 1}
    after = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"]
    assert after == before + 3  # the fact that the importer joined, and two events of the file


async def test_children_whom_a_file_names_wait_until_each_is_linked(village: Village) -> None:
    body = PLAIN + "1,mia,2026-03-01,Slept well\n2,leo,2026-03-01,Ate peas\n"
    answer = await post_import(village.ada, "plain", body, as_="text/csv", child=village.child)
    assert (answer.status_code, answer.json()["code"]) == (422, "import.several_children")
    report = await imported(village.ada, "plain", body, as_="text/csv")
    assert report["outcomes"] == {"waiting": 2}
    assert [(one["reference"], one["child"]) for one in report["references"]] == [("leo", None), ("mia", None)]
    assert (await link(village.ada, report["member"], village.child, reference="mia")).status_code == 204
    assert [one["text"] for one in await events_by(village.ben, report["member"])] == ["Slept well"]
    report = await imported(village.ada, "plain", body, as_="text/csv")
    assert report["outcomes"] == {"already_recorded": 1, "waiting": 1}


async def test_an_import_sends_its_progress(village: Village) -> None:
    body = PLAIN + "".join(f"{number},mia,2026-03-01,Nap {number}\n" for number in range(450))
    path = f"/v1/families/{village.ada.family}/imports"
    headers = village.ada.headers | {"content-type": "text/csv", "accept": "application/x-ndjson"}
    answer = await village.ada.http.post(path, params={"source": "plain", "child": village.child}, content=body, headers=headers)
    *steps, last = [json.loads(line) for line in answer.text.splitlines()]
    assert steps == [{"done": 200, "of": 450}, {"done": 400, "of": 450}, {"done": 450, "of": 450}]
    assert last["outcomes"] == {"recorded": 450}


@pytest.mark.parametrize(
    ("source", "body", "as_", "status", "code"),
    [
        ("nobodys", "[]", "application/json", 400, "body.invalid"),
        ("brightwheel", "[", "application/json", 400, "body.malformed"),
        ("brightwheel", "[]", "text/html", 415, "body.media_type"),
        ("plain", "a,b\n1,2\n", "text/csv", 400, "body.invalid"),
        ("lillio", "{}", "application/json", 400, "body.invalid"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    village: Village, source: str, body: str, as_: str, status: int, code: str
) -> None:
    """Law 17: an unreadable file is refused with the code of the error, and no importer joins the family."""
    before = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"]
    answer = await post_import(village.ada, source, body, as_=as_)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"] == before


async def test_an_import_is_nobodys_own_first(village: Village) -> None:
    """A parent who imports a file has not seen its milestones, so both timelines list them as still new."""
    body = PLAIN + "1,mia,2026-03-01,She took her first steps today!\n"
    await imported(village.ada, "plain", body, as_="text/csv", child=village.child)
    for parent in (village.ada, village.ben):
        entries = (await parent.ask("GET", "/v1/families/{family}/timeline")).json()["entries"]
        assert [(one["milestone"], one["state"]) for one in entries] == [("movement.first-steps", "still_new")]
