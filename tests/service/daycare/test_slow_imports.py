"""Tests imports of files that arrive slowly, with real processes: they delay no other import, and use bounded memory."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.crash.serving import serving
from tests.service.conftest import Someone, found_family
from tests.service.daycare.test_strangers import Call, ServedService

FILE = b"id,child,occurred_at,text\n1,mia,2026-03-01T10:00,Slept well\n"
MIB = 1024 * 1024
FILE_MIB_MAX = 32


@pytest.fixture
async def served(database_url: str, open_folder: Path) -> AsyncIterator[tuple[ServedService, list[Someone]]]:
    with serving(folder=open_folder / f"imports-{uuid4().hex[:8]}", environment={"DATABASE_URL": database_url}) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            families = [await found_family(http) for _ in range(4)]
            yield ServedService(service=service, http=http), families


async def begin(served: ServedService, someone: Someone, *, length: int) -> Call:
    """Begins an import by sending only its headers."""
    path = f"/v1/families/{someone.family}/imports?source=plain"
    return await Call.begin(served, path, {**someone.headers, "Content-Type": "text/csv"}, length=length, address="192.0.2.1")


async def imported(someone: Someone) -> httpx.Response:
    path = f"/v1/families/{someone.family}/imports?source=plain"
    return await someone.http.post(path, content=FILE, headers={**someone.headers, "Content-Type": "text/csv"})


async def test_files_that_come_slowly_keep_nobody_else_from_importing(served: tuple[ServedService, list[Someone]]) -> None:
    """Law 22: an import waits for its turn only after its file has arrived. A slow sender delays nobody."""
    service, (ada, ben, cleo, _) = served
    slow = [await begin(service, one, length=MIB) for one in (ada, ben, ada, ben)]
    await asyncio.gather(*(call.send(MIB // 2) for call in slow))
    await asyncio.sleep(0.3)
    answer = await imported(cleo)
    assert (answer.status_code, answer.json()["outcomes"]) == (200, {"waiting": 1}), answer.text
    assert (await imported(ada)).status_code == 200, "nor does a file that was cut off keep its own sender from sending it again"
    for call in slow:
        call.close()


async def test_slow_files_are_bounded_by_person_and_stop_no_pushes(served: tuple[ServedService, list[Someone]]) -> None:
    """Law 22: all arriving files of one person use at most the bytes of the largest allowed file. Further files get 503."""
    service, (ada, ben, *_) = served
    slow = [await begin(service, ada, length=FILE_MIB_MAX * MIB) for _ in range(3)]
    await asyncio.gather(*(call.send(20 * MIB) for call in slow[:2]))
    refused = [call for call in slow[:2] if (await _answered(call)) == (503, "body.no_room")]
    assert len(refused) == 1
    push = {"sent_at": "2026-11-21T18:03:11+01:00", "drafts": ["x" * 200_000]}
    for one in (ada, ben):
        assert (await one.ask("POST", "/v1/families/{family}/events", json=push)).status_code == 200
    assert (await imported(ben)).status_code == 200
    for call in slow:
        call.close()


async def test_pushes_that_come_slowly_are_bounded_by_person(served: tuple[ServedService, list[Someone]]) -> None:
    """Law 22: slow pushes of one person use at most 4 MiB. Other people can push meanwhile, and so can this person afterwards."""
    service, (ada, ben, *_) = served
    path, headers = f"/v1/families/{ada.family}/events", {**ada.headers, "Content-Type": "application/json"}
    slow = [await Call.begin(service, path, headers, length=MIB, address="192.0.2.1") for _ in range(8)]
    await asyncio.gather(*(call.send(MIB - 1) for call in slow))
    answers = [await _answered(call) for call in slow]
    assert answers.count((503, "body.no_room")) >= 4
    assert answers.count(None) >= 3
    push = {"sent_at": "2026-11-21T18:03:11+01:00", "drafts": ["x" * 700_000]}
    for one in (ben, ada):
        assert (await one.ask("POST", "/v1/families/{family}/events", json=push)).status_code == 200
    for call in slow:
        call.close()


async def _answered(call: Call) -> tuple[int, str] | None:
    try:
        status, _, body = await call.answer(within_s=2)
    except TimeoutError:
        return None
    return status, json.loads(body)["code"]
