"""Tests a family whose row is locked for a long time, for example by a person in psql."""

import asyncio
import time
from pathlib import Path

import asyncpg
import httpx
from uuid_utils.compat import uuid7

from service.postgres.embedded import EmbeddedPostgres
from tests.crash.crew import feed_of
from tests.crash.serving import serving_with_own_postgres
from tests.service.conftest import Someone, found_family

REFUSED_WITHIN_S = 2.0
ROOM_S = 3.0
"""Seconds that are added to each time limit, because the machine may do other work too."""
FAMILIES = 6
LOCKED_S = 6.0


def a_push(someone: Someone) -> dict[str, object]:
    now = "2026-11-21T18:00:00.000Z"
    event = {"type": "NoteWritten", "text": "a note", "child": someone.said["child"]}
    draft = {"id": str(uuid7()), "occurred_at": now, "precision": "day", "recorded_at": now, "event": event}
    return {"sent_at": now, "drafts": [draft]}


async def keep_pushing(someone: Someone, until: asyncio.Event) -> list[tuple[float, int]]:
    """Pushes one note after the other. Returns, for each push, the seconds that it took and the status of its response."""
    found = []
    while not until.is_set():
        began_s = time.monotonic()
        answer = await someone.ask("POST", "/v1/families/{family}/events", json=a_push(someone))
        found.append((time.monotonic() - began_s, answer.status_code))
    return found


async def test_who_locks_one_family_stops_that_family_alone(open_folder: Path) -> None:
    """Laws 1 and 22: pushes to the locked family are refused within two seconds. Reads and other families are not affected."""
    data = open_folder / "locked"
    with serving_with_own_postgres(data) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
            theirs, *ours = [await found_family(http) for _ in range(FAMILIES + 1)]
            person = await asyncpg.connect(EmbeddedPostgres(data).database_url)
            is_over = asyncio.Event()
            stuck = a_push(theirs)
            async with person.transaction():
                await person.execute("SELECT * FROM family WHERE family_id = $1 FOR UPDATE", theirs.family)
                pushing = [asyncio.create_task(keep_pushing(one, is_over)) for one in ours]
                refusing = [asyncio.create_task(keep_pushing(theirs, is_over)) for _ in range(8)]
                children = [theirs.ask("POST", "/v1/families/{family}/children", json={"name": "Kim"}) for _ in range(20)]
                adding = asyncio.gather(*children)
                ends_s = time.monotonic() + LOCKED_S
                while time.monotonic() < ends_s:
                    assert (await theirs.ask("GET", "/v1/families/{family}/feed")).status_code == 200
                    assert (await ours[0].ask("GET", "/v1/families/{family}/timeline")).status_code == 200
                    added = await ours[0].ask("POST", "/v1/families/{family}/invites", json={"role": "caregiver"})
                    assert added.status_code in (201, 409), added.text
                    await asyncio.sleep(0.1)
                assert {answer.status_code for answer in await adding} == {503}
                began_s = time.monotonic()
                answer = await theirs.ask("POST", "/v1/families/{family}/events", json=stuck)
                assert (answer.status_code, answer.json()["code"]) == (503, "log.unavailable")
                assert time.monotonic() - began_s < REFUSED_WITHIN_S + ROOM_S
                is_over.set()
                refusals = [one for found in await asyncio.gather(*refusing) for one in found]
                answers = [one for found in await asyncio.gather(*pushing) for one in found]
            await person.close()
            assert {status for _, status in refusals} == {503}
            assert max(seconds for seconds, _ in refusals) < REFUSED_WITHIN_S + ROOM_S
            assert {status for _, status in answers} == {200}
            assert max(seconds for seconds, _ in answers) < LOCKED_S, "they waited for the locked one"
            again = await theirs.ask("POST", "/v1/families/{family}/events", json=stuck)
            assert [receipt["outcome"] for receipt in again.json()["receipts"]] == ["recorded"]
            assert len(await feed_of(theirs, service.url)) == 5, "what was refused is not there"
            assert (await theirs.ask("POST", "/v1/families/{family}/children", json={"name": "Kim"})).status_code == 201
