"""Files of other systems, imported over HTTP: once each, however often, and under the same rules as what is posted."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.conftest import Someone
from tests.service.daycare.conftest import Village, link, said_by

REAL = Path(__file__).parents[4] / "shared" / "data" / "brightwheel"
PLAIN = "id,child,occurred_at,text\n"


async def imported(parent: Someone, source: str, body: bytes | str, *, as_: str = "application/json", **query: str) -> Any:
    answer = await asked(parent, source, body, as_=as_, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def asked(parent: Someone, source: str, body: bytes | str, *, as_: str, **query: str) -> httpx.Response:
    path = f"/v1/families/{parent.family}/imports"
    headers = parent.headers | {"content-type": as_}
    return await parent.http.post(path, params={"source": source, **query}, content=body, headers=headers)


@pytest.mark.skipif(not REAL.is_dir(), reason="the anonymised answers of Brightwheel lie beside the project, in ../shared/data")
async def test_the_real_answers_of_brightwheel_are_imported_once_however_often(village: Village) -> None:
    """Laws 2 and 21: twice the same, by the one parent and the other; nothing is there twice, and each is told of their own."""
    files = [REAL / f"activities{name}.json" for name in ("", "-checkin", "-food", "-nap", "-empty")]
    counts = []
    by = []
    for parent in (village.ada, village.ben, village.ada):
        for file in files:
            said = await imported(parent, "brightwheel", file.read_bytes(), child=village.child)
            counts.append((said["records"], said["outcomes"], said["ignored"], said["unreadable"]))
        by.append(said["member"])
    rows = [json.loads(file.read_bytes())["activities"] for file in files]
    assert [count[0] for count in counts] == [len(one) for one in rows] * 3
    ids = {row["object_id"] for one in rows for row in one if row["action_type"] != "ac_photo"}
    assert by[0] == by[2] != by[1]
    told = await said_by(village.ben, by[0])
    assert await said_by(village.ben, by[1]) == []
    assert len(told) == len(ids) - sum(sum(count[2].values()) for count in counts[:5])
    assert all(set(outcomes) <= {"already_recorded"} for _, outcomes, _, _ in counts[10:])
    assert counts[5:10] == counts[:5]
    assert not any(unreadable for *_, unreadable in counts)
    assert said["references"] == []


async def test_a_dry_run_says_what_would_be_and_writes_nothing(village: Village) -> None:
    body = PLAIN + "1,mia,2026-03-01T10:00,Slept well\n2,mia,2026-03-01T11:00,She took her first steps today!\n"
    said = await imported(village.ada, "plain", body, as_="text/csv", dry_run="true")
    assert (said["member"], said["records"], said["outcomes"]) == (None, 2, {"waiting": 2})
    said = await imported(village.ada, "plain", body, as_="text/csv", dry_run="true", child=village.child)
    assert (said["member"], said["outcomes"]) == (None, {"recorded": 2})
    before = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"]
    said = await imported(village.ada, "plain", body, as_="text/csv", child=village.child)
    assert said["outcomes"] == {"recorded": 2}
    said = await imported(village.ada, "plain", body.replace("Slept", "Woke"), as_="text/csv", dry_run="true")
    assert said["outcomes"] == {"already_recorded": 1, "amended": 1}
    after = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"]
    assert after == before + 3  # the importer joined, and two events


async def test_children_whom_a_file_names_wait_until_each_is_linked(village: Village) -> None:
    body = PLAIN + "1,mia,2026-03-01,Slept well\n2,leo,2026-03-01,Ate peas\n"
    answer = await asked(village.ada, "plain", body, as_="text/csv", child=village.child)
    assert (answer.status_code, answer.json()["code"]) == (422, "import.several_children")
    said = await imported(village.ada, "plain", body, as_="text/csv")
    assert said["outcomes"] == {"waiting": 2}
    assert [(one["reference"], one["child"]) for one in said["references"]] == [("leo", None), ("mia", None)]
    assert (await link(village.ada, said["member"], village.child, reference="mia")).status_code == 204
    assert [one["text"] for one in await said_by(village.ben, said["member"])] == ["Slept well"]
    said = await imported(village.ada, "plain", body, as_="text/csv")
    assert said["outcomes"] == {"already_recorded": 1, "waiting": 1}


async def test_an_import_tells_how_far_it_has_come(village: Village) -> None:
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
    """Law 17: it names what is wrong, and nobody joins."""
    before = (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"]
    answer = await asked(village.ada, source, body, as_=as_)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await village.ada.ask("GET", "/v1/families/{family}/feed")).json()["place"] == before


async def test_what_is_imported_meets_nobodys_first(village: Village) -> None:
    """Who imports a file has read it, and has not seen it: neither parent is said to."""
    body = PLAIN + "1,mia,2026-03-01,She took her first steps today!\n"
    await imported(village.ada, "plain", body, as_="text/csv", child=village.child)
    for parent in (village.ada, village.ben):
        entries = (await parent.ask("GET", "/v1/families/{family}/timeline")).json()["entries"]
        assert [(one["milestone"], one["state"]) for one in entries] == [("movement.first-steps", "still_new")]
