"""Tests the service on a disk that is full and then has space again. The disk is a small tmpfs with the data directory."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from service.postgres.embedded import EmbeddedPostgres
from tests.crash.crew import feed_of
from tests.crash.pushers import Pusher
from tests.crash.serving import Serving, kept_port, serving_with_own_postgres
from tests.crash.small_disks import small_disk_in
from tests.service.conftest import Someone, found_family

DISK = "160m"
"""The size of the disk. A new cluster needs about 70 MB, and a segment of its write-ahead log needs 16 MB."""
LEFT_BYTES = 256 * 1024
CURRENT_WITHIN_S = 10.0


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """Mounts a small file system, and yields its folder."""
    with small_disk_in(open_folder, size=DISK) as folder:
        yield folder


def fill(disk: Path, *, left_bytes: int) -> None:
    """Fills the disk, except for `left_bytes`."""
    space = os.statvfs(disk)
    with (disk / "ballast").open("ab") as ballast, contextlib.suppress(OSError):
        os.posix_fallocate(ballast.fileno(), ballast.tell(), max(1, space.f_bavail * space.f_frsize - left_bytes))


async def push_until_refused(ada: Someone, pusher: Pusher) -> httpx.Response:
    """Pushes until the service refuses a push, and returns this response.

    The ledger gets the accepted pushes as acknowledged, and the refused push as unknown.
    """
    headers = ada.headers | {"Content-Type": "application/json"}
    while True:
        push = pusher.new_push()
        push.attempts = 1
        answer = await ada.http.post(f"/v1/families/{ada.family}/events", content=push.body, headers=headers)
        if answer.status_code != 200:
            pusher.ledger.unknown.append(push)
            return answer
        push.receipts = answer.json()["receipts"]
        pusher.ledger.acknowledged.append(push)


async def test_a_full_disk_refuses_pushes_writes_none_by_half_and_takes_them_when_there_is_space(small_disk: Path) -> None:
    """Laws 1 and 17: while the disk has no space for rows or for the write-ahead log, a push gets 503.

    When the disk has space again, the same push is recorded, whole and once.
    """
    data = small_disk / "data"
    with serving_with_own_postgres(data) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            ada = await found_family(http)
            pusher = Pusher(ada, url=service.url, child=ada.said["child"], seed="full", ending=asyncio.Event())
            for needs_a_new_segment in (False, True):
                fill(small_disk, left_bytes=LEFT_BYTES)
                if needs_a_new_segment:
                    await begin_a_new_segment(data)
                refused = await push_until_refused(ada, pusher)
                assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json"), refused.text
                assert refused.json()["code"] in {"log.unavailable", "unavailable"}
                assert "retry-after" in refused.headers
                await asyncio.sleep(1)
                (small_disk / "ballast").unlink()
                async with asyncio.timeout(CURRENT_WITHIN_S):
                    await pusher.push_unknown_again()
                assert pusher.ledger.broken == []
            feed = await feed_of(ada, service.url)
            places = {entry["event"]["id"]: entry["place"] for entry in feed}
            assert len(places) == len(feed)
            assert pusher.ledger.places().items() <= places.items()
        assert service.end() == 0


async def begin_a_new_segment(data: Path) -> None:
    """Makes the next write need a new segment of 16 MB, for which the disk has no space."""
    with contextlib.suppress(OSError, asyncpg.PostgresError):
        connection = await asyncpg.connect(EmbeddedPostgres(data).database_url)
        try:
            for _ in range(8):
                await connection.execute("SELECT pg_switch_wal(), txid_current()")
        finally:
            await connection.close()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_database_whose_disk_is_full_is_not_started_on_and_the_sentence_says_so(small_disk: Path, workers: str) -> None:
    """Law 17: `serve` ends with exit code 3 and one sentence, if the disk has no space for migrations or for a new database."""
    server = EmbeddedPostgres(small_disk / "theirs")
    database_url = await asyncio.to_thread(server.start)
    try:
        fill(small_disk, left_bytes=LEFT_BYTES)
        for name, arguments, environment, cause in (
            ("migrating", (), {"DATABASE_URL": database_url}, "its disk is full; make room there"),
            ("making", ("--data", str(small_disk / "ours")), {}, "MB are free, and a new database takes 100; make room"),
        ):
            with kept_port() as port:
                folder = small_disk.parent / f"full-{name}-{workers}"
                service = Serving("--workers", workers, *arguments, port=port, folder=folder, environment=environment)
                service.begin()
                assert await asyncio.to_thread(service.wait) == 3, service.log
            sentences = [line for line in service.log.splitlines() if not line.startswith("{")]
            assert len(sentences) == 1, service.log
            assert cause in sentences[0]
    finally:
        await asyncio.to_thread(server.stop)
