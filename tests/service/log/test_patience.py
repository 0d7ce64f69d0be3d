"""Tests that daycares' posts are written beside people's pushes: neither waits for the other, and both queues are bounded."""

import asyncio

import asyncpg
import pytest

from service.log.append_request import AppendRequest, LogBusy
from service.log.log import PATIENT_WAITING_MAX, Log
from tests.families import Family, feed_of, found, note, push, pushed


def machines(family: Family, *, count: int) -> AppendRequest:
    drafts = pushed([note(family) for _ in range(count)]).drafts
    return AppendRequest(family=family.family, author=family.daycare, drafts=drafts, may_wait=True)


async def test_a_push_goes_before_what_may_wait(log: Log) -> None:
    """A push is written before most drafts of a daycare that wait, because these are written in small transactions."""
    theirs, ours = await found(log), await found(log)
    waiting = [asyncio.create_task(log.append(machines(theirs, count=24))) for _ in range(12)]
    await asyncio.sleep(0)
    await push(log, ours, ours.ada, note(ours))
    assert sum(task.done() for task in waiting) < len(waiting) // 2
    await asyncio.gather(*waiting)


async def test_what_may_wait_has_its_turn_however_many_pushes_there_are(log: Log, pool: asyncpg.Pool) -> None:
    theirs, ours = await found(log), await found(log)
    is_over = asyncio.Event()

    async def keep_pushing() -> None:
        while not is_over.is_set():
            await push(log, ours, ours.ada, note(ours))

    pushing = [asyncio.create_task(keep_pushing()) for _ in range(4)]
    async with asyncio.timeout(20):
        await asyncio.gather(*(log.append(machines(theirs, count=24)) for _ in range(4)))
    is_over.set()
    await asyncio.gather(*pushing)
    assert len(await feed_of(pool, theirs, theirs.daycare)) >= 96


async def test_a_push_waits_for_no_other_familys_machine(log: Log, pool: asyncpg.Pool) -> None:
    """The transaction of a daycare's post waits for a lock. Meanwhile a push of another family is written."""
    theirs, ours = await found(log), await found(log)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM family WHERE family_id = $1 FOR UPDATE", theirs.family)
        waiting = asyncio.create_task(log.append(machines(theirs, count=8)))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(10):
            await push(log, ours, ours.ada, note(ours))
        assert not waiting.done()
    await waiting


async def test_pushes_and_machines_of_one_family_come_one_after_the_other(log: Log, pool: asyncpg.Pool) -> None:
    """Two committers write one family, and both cache its state. Neither uses its cache after a write of the other."""
    family = await found(log)
    offers = [log.append(machines(family, count=3)) for _ in range(20)]
    pushes = [push(log, family, family.ada, note(family)) for _ in range(20)]
    await asyncio.gather(*offers, *pushes)
    entries = await feed_of(pool, family, family.ben)
    assert sum(one["event"]["event"]["type"] == "NoteWritten" for one in entries) == 80
    seqs = await pool.fetch("SELECT seq FROM event WHERE family_id = $1 ORDER BY seq", family.family)
    assert [row["seq"] for row in seqs] == list(range(1, len(seqs) + 1))


async def test_machines_are_turned_away_by_a_bound_of_their_own(log: Log) -> None:
    """Law 17: daycares' drafts have a bound of their own, so that they cause no refusal of a push."""
    theirs, ours = await found(log), await found(log)
    waiting = [asyncio.create_task(log.append(machines(theirs, count=250))) for _ in range(PATIENT_WAITING_MAX // 250)]
    await asyncio.sleep(0)
    with pytest.raises(LogBusy):
        await log.append(machines(theirs, count=24))
    await push(log, ours, ours.ada, *(note(ours) for _ in range(24)))
    await asyncio.gather(*waiting)


async def test_machines_wait_for_no_push_that_hangs(log: Log, pool: asyncpg.Pool) -> None:
    """While a push hangs at a lock, drafts of a daycare are written after a bounded time."""
    theirs, ours = await found(log), await found(log)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM family WHERE family_id = $1 FOR UPDATE", ours.family)
        hanging = asyncio.create_task(push(log, ours, ours.ada, note(ours)))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(10):
            await asyncio.gather(*(log.append(machines(theirs, count=24)) for _ in range(3)))
        assert not hanging.done()
    await hanging
