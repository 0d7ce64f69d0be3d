"""Tests the bound of waiting records: a file over the bound is refused as a whole, and its source can be imported later."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from client.importing import ImportFailed, import_file
from service.daycare.intake import WAITING_MAX
from tests.service.conftest import Village
from tests.service.daycare.conftest import added, events_by, link, note
from tests.service.daycare.test_imports import PLAIN, imported, post_import

TOO_MANY = PLAIN + "".join(f"{number},mia,2026-06-25 10:00,Ate soup {number}.\n" for number in range(WAITING_MAX + 1))
UNMARKED = json.dumps([
    {"id": f"o{number}", "children": [{"id": "c1"}], "status": {"createdAt": "2026-06-25T13:00:00Z"}, "remark": {"body": "x"}}
    for number in range(WAITING_MAX + 1)
])  # fmt: skip


def rows(first: int, end: int, child: str) -> str:
    return PLAIN + "".join(f"{number},{child},2026-06-25 10:00,Nap\n" for number in range(first, end))


async def daycares(village: Village) -> Any:
    return (await village.ada.ask("GET", "/v1/families/{family}/daycares")).json()["daycares"]


async def test_a_file_of_more_than_may_wait_is_refused_before_the_answer_begins(village: Village) -> None:
    """Law 17: a file over the bound is refused before the first progress line, and nothing changes."""
    before = await daycares(village)
    for dry_run in ("true", "false"):
        answer = await post_import(village.ada, "plain", TOO_MANY, as_="text/csv", dry_run=dry_run)
        report = answer.json()
        assert (answer.status_code, report["code"], report["at"]) == (409, "daycare.too_many_waiting", "child")
        for part in (f"{WAITING_MAX + 1} records would wait", f"at most {WAITING_MAX}", f"mia ({WAITING_MAX + 1})", "--child"):
            assert part in report["detail"]
    assert await daycares(village) == before


async def test_after_a_refusal_other_files_are_imported_and_the_same_one_once_it_is_linked(village: Village) -> None:
    await post_import(village.ada, "plain", TOO_MANY, as_="text/csv")
    small = await imported(village.ada, "plain", rows(0, 2, "leo"), as_="text/csv")
    assert small["outcomes"] == {"waiting": 2}
    half = await imported(village.ada, "plain", rows(0, 1, "mia"), as_="text/csv", child=village.child)
    assert half["outcomes"] == {"recorded": 1}
    dry = await imported(village.ada, "plain", TOO_MANY, as_="text/csv", dry_run="true")
    assert dry["outcomes"] == {"amended": 1, "recorded": WAITING_MAX}


async def test_a_record_that_waits_already_does_not_count_twice(village: Village) -> None:
    first = await imported(village.ada, "plain", rows(0, WAITING_MAX - 1, "leo"), as_="text/csv")
    again = await imported(village.ada, "plain", rows(0, WAITING_MAX - 1, "leo"), as_="text/csv")
    assert first["outcomes"] == again["outcomes"] == {"waiting": WAITING_MAX - 1}
    one_more = await imported(village.ada, "plain", rows(0, 1, "mia"), as_="text/csv")
    assert one_more["outcomes"] == {"waiting": 1}
    answer = await post_import(village.ada, "plain", rows(1, 3, "mia"), as_="text/csv")
    assert answer.status_code == 409
    assert f"leo ({WAITING_MAX - 1}), mia (3)" in answer.json()["detail"]
    assert (await link(village.ada, first["member"], village.child, reference="mia")).status_code == 204
    assert (await imported(village.ada, "plain", rows(0, 3, "mia"), as_="text/csv"))["outcomes"] == {
        "already_recorded": 1,
        "recorded": 2,
    }


async def test_an_ignored_record_does_not_wait(village: Village) -> None:
    """An ignored record does not count towards the bound of waiting records."""
    report = await imported(village.ada, "famly", UNMARKED)
    assert (report["outcomes"], report["ignored"]) == ({}, {"unmarked": WAITING_MAX + 1})
    assert not any(reference["is_waiting"] for daycare in await daycares(village) for reference in daycare["references"])


async def test_a_waiting_record_that_is_left_out_later_is_not_written_once_it_is_linked(village: Village) -> None:
    def file(state: str, day: int) -> str:
        sent = {"state": "SENT", "createdAt": "2026-06-25T13:00:00Z"}
        now = {"state": state, "createdAt": f"2026-06-{day}T13:00:00Z"}
        one = {"id": "o", "children": [{"id": "c1"}], "statuses": [sent, now], "remark": {"body": "x"}}
        return json.dumps({"observations": [one]})

    waiting = await imported(village.ada, "famly", file("SENT", 26))
    left_out = await imported(village.ada, "famly", file("CHANGES_REQUESTED", 27))
    assert (waiting["outcomes"], left_out["outcomes"]) == ({"waiting": 1}, {})
    assert (await link(village.ada, waiting["member"], village.child, reference="c1")).status_code == 204
    assert await events_by(village.ada, waiting["member"]) == []


async def test_a_daycare_may_post_its_waiting_records_again(village: Village) -> None:
    """Law 2: a daycare that posts its waiting records again uses no more of the bound. Another record is refused."""
    system, member = await added(village.ada)
    for first in range(0, WAITING_MAX, 500):
        events = [note("Slept.", id=f"n{number}") for number in range(first, first + 500)]
        receipts = await system.post(*events)
        assert {receipt["outcome"] for receipt in receipts} == {"waiting"}
    again = await system.post(*events)
    assert {receipt["outcome"] for receipt in again} == {"waiting"}
    assert (await system.batch(note("Woke.", id="one more"))).json()["code"] == "daycare.too_many_waiting"
    assert (await link(village.ada, member, None)).status_code == 204


@asynccontextmanager
async def others_fill_the_room(database_url: str) -> AsyncIterator[None]:
    """Locks the table of waiting records for a `with` block, and then fills the table up to 100 records below the bound."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE daycare_waiting IN EXCLUSIVE MODE")
            yield
            await connection.execute(
                "INSERT INTO daycare_waiting SELECT person_id, 'leo', 'plain', n::text, revised_at, received_at, NULL, body"
                " FROM (SELECT * FROM daycare_waiting LIMIT 1) AS one, generate_series(1, $1) AS n", WAITING_MAX - 100,
            )  # fmt: skip
    finally:
        await connection.close()


async def test_an_error_after_the_response_has_begun_is_its_last_line(village: Village, database_url: str) -> None:
    """Law 17: an error after the beginning of a response is the last line of the response, with a status and a code."""
    await imported(village.ada, "plain", rows(0, 1, "mia"), as_="text/csv")
    path = f"/v1/families/{village.ada.family}/imports?source=plain"
    headers = village.ada.headers | {"content-type": "text/csv", "accept": "application/x-ndjson"}
    async with others_fill_the_room(database_url):
        importing = asyncio.create_task(village.ada.http.post(path, content=rows(1, 300, "mia"), headers=headers))
        await asyncio.sleep(0.5)
    answer = await importing
    assert answer.status_code == 200
    *steps, last = [json.loads(line) for line in answer.text.splitlines()]
    assert (steps, last["status"], last["code"]) == ([], 409, "daycare.too_many_waiting")


async def test_the_command_says_why_an_import_stopped_and_gives_no_advice_that_cannot_help(
    village: Village, service_url: str, database_url: str, tmp_path: Path
) -> None:
    await imported(village.ada, "plain", rows(0, 1, "mia"), as_="text/csv")
    file = tmp_path / "diary.csv"
    file.write_text(rows(1, 300, "mia"))
    given: Any = {"url": service_url, "token": village.ada.token, "family": None, "query": {"source": "plain"}}
    async with others_fill_the_room(database_url):
        importing = asyncio.create_task(import_file(file, on_progress=lambda *_: None, **given))
        await asyncio.sleep(0.5)
    with pytest.raises(ImportFailed) as failed:
        await importing
    assert "stopped after 0 records" in str(failed.value)
    assert "wait already" in str(failed.value)
    assert "same file again" not in str(failed.value)
