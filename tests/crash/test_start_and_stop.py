"""Tests the process of `stillnew serve`: it finishes requests before it stops, and states in one sentence why it cannot start."""

import asyncio
import os
from pathlib import Path

import asyncpg
import httpx
import psutil

from service.postgres.embedded import EmbeddedPostgres
from tests.crash.crew import feed_of
from tests.crash.pushers import Pusher
from tests.crash.serving import Serving, kept_port, kill_postgres, postgres_of, serving, serving_with_own_postgres
from tests.polling import until
from tests.service.conftest import Someone, found_family

AT_ONCE = 8
CURRENT_WITHIN_S = 10.0


async def push_once(someone: Someone, pusher: Pusher) -> tuple[int, set[str]]:
    """Pushes once, over a connection of its own. Returns the status, and the ids of the drafts that the log accepts."""
    push = pusher.new_push()
    answer = await someone.http.post(
        f"/v1/families/{someone.family}/events",
        content=push.body,
        headers=someone.headers | {"Content-Type": "application/json"},
    )
    return answer.status_code, push.acceptable


async def listen(someone: Someone) -> bytes:
    """Reads a live stream until the service ends it. A cut stream would raise an error."""
    async with someone.http.stream("GET", f"/v1/families/{someone.family}/live", headers=someone.headers) as stream:
        return b"".join([part async for part in stream.aiter_bytes()])


async def test_sigterm_answers_the_pushes_that_are_under_way_ends_streams_and_keeps_the_data(open_folder: Path) -> None:
    """Law 1: after SIGTERM, each push gets its response, streams end, and Postgres stops. After a start, all events exist."""
    data = open_folder / "drained"
    with serving_with_own_postgres(data) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
            ada = await found_family(http)
            pusher = Pusher(ada, url=service.url, child=ada.said["child"], seed="drain", ending=asyncio.Event())
            listening = asyncio.create_task(listen(ada))
            # A lock on the family's head holds the pushes back for as long as the test needs.
            blocker = await asyncpg.connect(EmbeddedPostgres(data).database_url)
            async with blocker.transaction():
                await blocker.execute("SELECT 1 FROM family FOR UPDATE")
                pushing = [asyncio.create_task(push_once(ada, pusher)) for _ in range(AT_ONCE)]
                await asyncio.sleep(0.3)
                os.kill(service.pid, 15)
                await asyncio.sleep(0.3)
                assert not any(push.done() for push in pushing)
            await blocker.close()
            answers = await asyncio.gather(*pushing)
            assert [status for status, _ in answers] == [200] * AT_ONCE
            assert b"event: entry" in await listening
        assert service.wait() == 0
        assert postgres_of(data) is None
        service.start()
        held = {entry["event"]["id"] for entry in await feed_of(ada, service.url)}
        assert set().union(*(accepted for _, accepted in answers)) <= held
        assert service.end() == 0


def test_a_second_service_on_one_data_directory_and_one_on_a_taken_port_say_so(open_folder: Path) -> None:
    """A service on a data directory or port that is in use ends with one sentence. The running service is not disturbed."""
    data = open_folder / "taken"
    with serving_with_own_postgres(data) as service, kept_port() as port:
        server = postgres_of(data)
        second = Serving("--data", str(data), port=port, folder=open_folder / "second-output")
        second.begin()
        assert second.wait() == 1
        assert second.log.startswith(f"stillnew: {data} is in use by process {service.pid}: ")
        taken = int(service.url.rpartition(":")[2])
        third = Serving("--data", str(open_folder / "other"), port=taken, folder=open_folder / "third-output")
        third.begin()
        assert third.wait() == 1
        assert third.log.startswith("stillnew: Cannot listen on 127.0.0.1:")
        assert (second.log.count("\n"), third.log.count("\n")) == (1, 1)
        assert not (open_folder / "other").exists()
        assert httpx.get(f"{service.url}/health/ready", timeout=20).status_code == 200
        assert postgres_of(data) == server


async def test_a_log_that_nobody_can_write_stops_no_push(open_folder: Path) -> None:
    """Law 1: if the file for log lines is on a full disk, pushes still get responses: 503 while Postgres is dead, then 200."""
    data, output = open_folder / "mute", open_folder / "mute-output"
    output.mkdir()
    (output / "log").symlink_to("/dev/full")
    with serving_with_own_postgres(data) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=20) as http:
            ada = await found_family(http)
            pusher = Pusher(ada, url=service.url, child=ada.said["child"], seed="mute", ending=asyncio.Event())
            statuses: list[int] = []
            kill_postgres(data)
            async with asyncio.timeout(CURRENT_WITHIN_S):
                while not statuses or statuses[-1] != 200:
                    statuses.append((await push_once(ada, pusher))[0])
            assert set(statuses) == {503, 200}
        assert service.end() == 0


async def test_workers_end_with_the_process_that_started_them_and_the_next_one_finds_the_port_free(
    database_url: str, open_folder: Path
) -> None:
    """Law 1: after kill -9 of a service with two workers, the workers end too, and a new service can listen on the port."""
    with serving("--workers", "2", folder=open_folder / "workers-output", environment={"DATABASE_URL": database_url}) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=20) as http:
            ada = await found_family(http)
        started = psutil.Process(service.pid)
        # The first worker may respond before the second one has started.
        await until(lambda: len(started.children(recursive=True)) >= 2, within_s=20)
        workers = started.children(recursive=True)
        service.kill()
        await until(lambda: not any(is_running(worker) for worker in workers), within_s=5)
        service.start()
        assert await feed_of(ada, service.url)
        assert service.end() == 0


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
