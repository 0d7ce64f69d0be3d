"""Tests the embedded Postgres server: it keeps its data, belongs to one process, and loses nothing when it is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service.postgres import account
from service.postgres.embedded import DataDirectoryInUse, EmbeddedPostgres


@pytest.fixture
def server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(open_folder / uuid.uuid4().hex)
    yield server
    server.stop()


async def query(database_url: str, sql: str) -> object:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        answer: object = await connection.fetchval(sql)
        return answer
    finally:
        await connection.close()


async def query_until_it_works(database_url: str, sql: str) -> object:
    async with asyncio.timeout(20):
        while True:
            try:
                return await query(database_url, sql)
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.02)


async def test_what_was_committed_is_there_after_a_stop_and_a_start(server: EmbeddedPostgres) -> None:
    """Law 1: a committed row exists after the server was stopped and started again."""
    await query(server.start(), "CREATE TABLE kept AS SELECT 7 AS n")
    server.stop()
    assert await query(server.start(), "SELECT n FROM kept") == 7


async def test_every_acknowledged_row_outlives_kills_of_the_server_and_it_comes_back_by_itself(server: EmbeddedPostgres) -> None:
    """Law 1: no acknowledged row is lost by kill -9 of Postgres. After each kill, the supervisor starts the server again."""
    url = server.start()
    watch = asyncio.create_task(server.supervise())
    await query(url, "CREATE TABLE kept (n integer)")
    for n in range(6):
        await query_until_it_works(url, f"INSERT INTO kept VALUES ({n})")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    # A row may be stored twice: if the response to its insert is lost, the insert is sent again.
    assert await query_until_it_works(url, "SELECT array_agg(DISTINCT n ORDER BY n) FROM kept") == [*range(6)]
    watch.cancel()


async def test_the_server_is_durable_and_answers_on_no_network_address(server: EmbeddedPostgres) -> None:
    """Law 1: fsync and synchronous_commit are on, so that commits are flushed. The server listens on no network address."""
    url = server.start()
    names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
    assert [await query(url, f"SHOW {name}") for name in names] == ["on", "on", "on", ""]


async def test_a_second_process_is_refused_a_data_directory_in_use(server: EmbeddedPostgres) -> None:
    server.start()
    with pytest.raises(DataDirectoryInUse, match=f"in use by process {os.getpid()}"):
        EmbeddedPostgres(server.data_dir).start()


async def test_a_server_left_behind_by_a_killed_process_is_replaced(server: EmbeddedPostgres) -> None:
    script = (
        "import os, sys, pathlib; from service.postgres.embedded import EmbeddedPostgres as E;"
        "s = E(pathlib.Path(sys.argv[1])); s.start(); print(s.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", script, str(server.data_dir)]
    killed = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    left_behind = int(killed.stdout)
    url = server.start()
    assert server.pid != left_behind
    assert await query(url, "SELECT 1") == 1


def test_a_closed_directory_on_the_way_is_named(tmp_path: Path) -> None:
    stranger = account.Account(uid=54321, gid=54321, changes_user=True)
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.owner() == tmp_path.owner() and len(folder.parts) > 2:
            folder.chmod(folder.stat().st_mode | 0o011)
    closed.chmod(0o700)
    (closed / "data").chmod(0o755)
    assert account.first_closed(closed / "data", account=stranger) == closed
