"""Replays a whole database, family by family, on all CPU cores. Owns the distribution of families to processes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final
from uuid import UUID

from events.ids import FamilyId
from service.postgres.pool import connect_patiently
from service.replay.family import QUERIES, ReplayResult, replay_family

FAMILIES_PER_PAGE: Final = 1_000
FAMILIES_PER_TASK_MAX: Final = 50
"""Bound on the families in one task: small enough that all processes finish at about the same time."""


async def replay(
    database_url: str, *, check: bool, processes: int | None = None, progress: Callable[[int], None] | None = None
) -> ReplayResult:
    """Folds every log again and compares the stored rows with the folded rows.

    If `check` is false and a row of a family differs, replaces all rows of that family's projections by the folded rows.

    `progress` is called with the number of folded events whenever this number grows. The service may write to a family during the
    replay: the family's log and rows are read from one snapshot, or under the family's lock.

    Raises:
        LookupError: a log has a gap, or an event of a version that this release does not know.
    """
    processes = processes or os.cpu_count() or 1
    total = ReplayResult()
    async for families in _pages(database_url):
        size = min(FAMILIES_PER_TASK_MAX, -(-len(families) // (processes * 4)))
        tasks = [families[start : start + size] for start in range(0, len(families), size)]
        async for found in _dealt(database_url, tasks, check=check, processes=processes):
            total += found
            if progress is not None:
                progress(total.events)
    return total


async def count_events(database_url: str) -> int:
    """Returns the number of events in all logs."""
    connection = await connect_patiently(database_url)
    try:
        return int(await connection.fetchval(QUERIES.count_events))
    finally:
        await connection.close()


async def _pages(database_url: str) -> AsyncIterator[list[FamilyId]]:
    connection = await connect_patiently(database_url)
    try:
        after = UUID(int=0)
        while families := [row[0] for row in await connection.fetch(QUERIES.families, after, FAMILIES_PER_PAGE)]:
            yield families
            after = families[-1]
    finally:
        await connection.close()


async def _dealt(database_url: str, tasks: list[list[FamilyId]], *, check: bool, processes: int) -> AsyncIterator[ReplayResult]:
    if processes == 1 or len(tasks) == 1:
        for task in tasks:
            yield await _replay_several(database_url, task, check=check)
        return
    # spawn: a fork would copy this process's event loop and its connections.
    with ProcessPoolExecutor(min(processes, len(tasks)), mp_context=get_context("spawn")) as pool:
        loop = asyncio.get_running_loop()
        running = [loop.run_in_executor(pool, _in_a_process, database_url, task, check) for task in tasks]
        for finished in asyncio.as_completed(running):
            yield await finished


def _in_a_process(database_url: str, families: list[FamilyId], check: bool) -> ReplayResult:
    return asyncio.run(_replay_several(database_url, families, check=check))


async def _replay_several(database_url: str, families: list[FamilyId], *, check: bool) -> ReplayResult:
    connection = await connect_patiently(database_url)
    try:
        found = ReplayResult()
        for family in families:
            found += await replay_family(connection, family, swap=not check)
        return found
    finally:
        await connection.close()
