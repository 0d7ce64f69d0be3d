"""Kills two services (SIGKILL) at random moments while phones upload, attach and fetch clips over both, and a sweep runs.

Owns the phones and the killer. For the sweep each object is two days old, so that none is too young to be deleted.
"""

import asyncio
import hashlib
import os
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from service.checks.clips import compare
from service.clips.objects import FolderObjects, StoredObject
from service.clips.sweeper import Sweeper
from tests.crash.serving import Serving, serving
from tests.service.clips.media import picture
from tests.service.clips.test_over_http import TUS, encoded
from tests.service.conftest import Someone, found_family, push

SEED = os.environ.get("STILLNEW_SEED") or secrets.token_hex(4)
FOR_S = 600.0 if os.environ.get("STILLNEW_NIGHTLY") else 12.0
DONE_WITHIN_S = 40.0
PHONES = 3
DAY_S = 86_400.0
END_CLAIMS = "UPDATE clip_upload SET cleaned_until = now() - interval '1 s', attempts = 0 WHERE cleaner IS NOT NULL"


class OldObjects(FolderObjects):
    """Objects that seem to be two days old."""

    async def list(self, prefix: str) -> AsyncIterator[list[StoredObject]]:
        """Yields the objects below a folder."""
        async for page in super().list(prefix):
            yield [StoredObject(one.key, one.bytes, one.modified_at_s - 2 * DAY_S) for one in page]


class Phone:
    """A device that uploads one clip after another, over whichever service answers."""

    def __init__(self, who: Someone, urls: list[str], target: str, rng: random.Random) -> None:
        self.who, self.urls, self.target, self.rng = who, urls, target, rng
        self.clips: dict[str, str] = {}
        """Clip -> the sha-256 of the event that attached it."""
        self.cuts = 0

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Sends a request until a service answers it. A request that changes something says for itself whether it was done."""
        headers = {**TUS, **self.who.headers, **more.pop("headers", {})}
        while True:
            try:
                async with httpx.AsyncClient(base_url=self.rng.choice(self.urls), timeout=10) as http:
                    answer = await http.request(method, path, headers=headers, **more)
            except httpx.TransportError:
                self.cuts += 1
                await asyncio.sleep(0.05)
                if method == "PATCH":
                    return httpx.Response(503)
                continue
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.05)

    async def upload(self, content: bytes) -> str:
        """Uploads a picture, and returns its clip. Never is an acknowledged byte lost."""
        headers = {"Upload-Length": str(len(content)), "Upload-Metadata": f"filetype {encoded('image/jpeg')}"}
        created = await self.ask("POST", f"/v1/families/{self.who.family}/clips", headers=headers)
        assert created.status_code == 201, created.text
        path, at = created.headers["location"], 0
        while at < len(content):
            part = content[at : at + self.rng.randrange(10_000, 400_000)]
            more = {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
            sent = await self.ask("PATCH", path, headers=more, content=part)
            assert sent.status_code in (204, 409, 503), sent.text
            if sent.status_code == 204:
                assert int(sent.headers["upload-offset"]) == at + len(part)
            where = int((await self.ask("HEAD", path)).headers["upload-offset"])
            assert at <= where <= at + len(part), "a byte that was acknowledged is lost, or one was never sent"
            assert sent.status_code != 204 or where == at + len(part)
            at = where
        return str(path.split("/")[-2])

    async def attach(self, clip: str) -> None:
        """Attaches a clip once it is clean: the same draft, until it is recorded."""
        now = datetime.now(UTC).isoformat()
        event = {"type": "ClipAttached", "target": self.target, "clip": clip}
        draft = {"id": str(uuid7()), "occurred_at": now, "precision": "minute", "recorded_at": now, "event": event}
        while True:
            body = {"sent_at": now, "drafts": [draft]}
            (receipt,) = (await self.ask("POST", f"/v1/families/{self.who.family}/events", json=body)).json()["receipts"]
            if receipt["outcome"] != "refused":
                break
            assert receipt["problem"]["code"] == "event.clip_not_ready", receipt
            await asyncio.sleep(0.2)
        served = await self.ask("GET", f"/v1/families/{self.who.family}/clips/{clip}")
        assert served.status_code == 200, served.text
        self.clips[clip] = hashlib.sha256(served.content).hexdigest()

    async def work(self, pictures: list[bytes], ending: asyncio.Event) -> None:
        while not ending.is_set():
            await self.attach(await self.upload(self.rng.choice(pictures)))


@pytest.fixture
async def services(database_url: str, open_folder: Path) -> AsyncIterator[list[Serving]]:
    """Two services on one database and one folder of clips."""
    environment = {"DATABASE_URL": database_url, "STILLNEW_DATA": str(open_folder / f"clips-{SEED}")}
    with ExitStack() as opened:
        yield [
            opened.enter_context(serving(folder=open_folder / f"clips-{SEED}-{name}", environment=environment))
            for name in ("one", "other")
        ]


async def kill_often(services: list[Serving], pool: asyncpg.Pool, rng: random.Random, ending: asyncio.Event) -> int:
    """Kills and starts one service after another. All claims to clean an upload end with a kill, and not after 15 minutes."""
    kills = 0
    while not ending.is_set():
        await asyncio.sleep(rng.random())
        victim = rng.choice(services)
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
        await pool.execute(END_CLAIMS)
        kills += 1
    return kills


async def sweep_always(sweeper: Sweeper) -> None:
    while True:
        await sweeper.run_once()
        await asyncio.sleep(0.02)


async def test_clips_over_two_services_that_are_killed_lose_no_byte_and_no_file(
    services: list[Serving], pool: asyncpg.Pool, open_folder: Path
) -> None:
    """Laws 1 and 17: acknowledged bytes stay, each attached clip is served with the bytes of its event, nothing is doubled."""
    print(f"STILLNEW_SEED={SEED}")
    rng, ending = random.Random(SEED), asyncio.Event()
    objects = OldObjects(open_folder / f"clips-{SEED}" / "clips")
    sweeper = Sweeper(pool=pool, objects=objects, now=lambda: datetime.now(UTC))
    async with httpx.AsyncClient(base_url=services[0].url, timeout=20) as http:
        ada = await found_family(http)
        (noted,) = await push(ada, {"type": "NoteWritten", "child": ada.said["child"], "text": "look"})
    urls = [service.url for service in services]
    phones = [Phone(ada, urls, noted["id"], random.Random(f"{SEED} {one}")) for one in range(PHONES)]
    pictures = [noise(width) for width in (700, 900)]
    sweeping = asyncio.create_task(sweep_always(sweeper))
    working = [asyncio.create_task(phone.work(pictures, ending)) for phone in phones]
    killing = asyncio.create_task(kill_often(services, pool, rng, ending))
    await asyncio.wait(working, timeout=FOR_S, return_when=asyncio.FIRST_EXCEPTION)
    ending.set()
    async with asyncio.timeout(DONE_WITHIN_S):
        kills = await killing
        await asyncio.gather(*working)
    sweeping.cancel()
    await asyncio.wait({sweeping})
    attached = {clip: sha256 for phone in phones for clip, sha256 in phone.clips.items()}
    print(f"{kills} kills, {sum(phone.cuts for phone in phones)} requests cut, {len(attached)} clips attached")
    assert kills > 3
    rows = await pool.fetch("SELECT clip_id, sha256 FROM clip_file WHERE rendition = 'clip'")
    assert {str(row["clip_id"]): row["sha256"].hex() for row in rows}.items() >= attached.items()
    await sweeper.run_once()
    async with pool.acquire() as connection:
        compared = await compare(connection, objects)
    assert (compared.missing, compared.wrong_size, compared.unused) == (0, 0, 0)


def noise(width: int) -> bytes:
    """Returns a picture of some 100 KB, so that it takes several requests."""
    return picture("JPEG", size=(width * 4, width * 3)) + bytes(400_000)
