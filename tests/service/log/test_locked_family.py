"""Tests a family whose rows are locked for long: its requests are refused, and no other family waits."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from events.errors import Refused
from events.family import ChildAdded
from service.log.append_queue import DRAFTS_PER_FAMILY_MAX
from service.log.append_request import AppendRequest, FamilyLocked, LogBusy, LogUnavailable
from service.log.group_commit import DRAFTS_WAITING_MAX
from service.log.log import Log
from service.replay.family import replay_family
from tests.families import Family, found, note, outcomes, pull, push, pushed
from tests.service.log.test_order import assert_the_log_has_no_hole

REFUSED_WITHIN_S = 2.0
ROOM_S = 3.0
"""The additional seconds that a test allows on a machine with other work."""
LOCKS = {
    "for update, by hand": "SELECT FROM family WHERE family_id = $1 FOR UPDATE",
    "for share, by hand": "SELECT FROM family WHERE family_id = $1 FOR SHARE",
    "another process that writes": "UPDATE family SET last_seq = last_seq + 1 WHERE family_id = $1",
}


@asynccontextmanager
async def locking(database_url: str, lock: str, *families: Family) -> AsyncIterator[None]:
    """Locks families in a transaction until the `with` block ends, and then rolls back."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    for family in families:
        await connection.execute(lock, family.family)
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def refused(log: Log, family: Family, *drafts: dict[str, object]) -> tuple[float, Refused]:
    """Pushes to a locked family, and returns the seconds until the refusal, and the refusal."""
    began_s = time.monotonic()
    with pytest.raises((FamilyLocked, LogBusy)) as caught:
        await push(log, family, family.ada, *drafts)
    return time.monotonic() - began_s, caught.value


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
async def test_a_locked_family_is_refused_in_time_and_no_other_waits(
    log: Log, pool: asyncpg.Pool, database_url: str, lock: str
) -> None:
    """Law 22: the locked family gets 503 within two seconds. Meanwhile other families are written in the same groups."""
    theirs, ours = await found(log), [await found(log) for _ in range(4)]
    mine = note(theirs)
    async with locking(database_url, lock, theirs):
        refusing = asyncio.create_task(refused(log, theirs, mine))
        await asyncio.sleep(0)
        written = 0
        while not refusing.done():
            await asyncio.gather(*(push(log, one, one.ada, note(one)) for one in ours))
            written += 1
        seconds, refusal = await refusing
        assert (refusal.status, refusal.code) == (503, "log.unavailable")
        assert seconds < REFUSED_WITHIN_S + ROOM_S
        assert written > 3, "the others waited"
        again_s, _ = await refused(log, theirs, mine)
        assert again_s < REFUSED_WITHIN_S + ROOM_S
    assert outcomes(await push(log, theirs, theirs.ada, mine)) == ["recorded"]
    assert outcomes(await push(log, theirs, theirs.ada, mine)) == ["already_recorded"]
    for one in (theirs, *ours):
        await assert_the_log_has_no_hole(pool, one)


async def test_a_replay_that_puts_a_family_right_stops_no_other(log: Log, database_url: str) -> None:
    """Law 22: a replay locks a family while it replaces the family's rows. Other families are written meanwhile."""
    theirs, ours = await found(log), await found(log)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await replay_family(connection, theirs.family, swap=True)
        refusing = asyncio.create_task(refused(log, theirs, note(theirs)))
        await push(log, ours, ours.ada, note(ours))
        assert not refusing.done()
        await refusing
    await connection.close()


async def test_what_was_set_aside_is_written_in_its_order_as_soon_as_the_family_is_free(
    log: Log, pool: asyncpg.Pool, database_url: str
) -> None:
    theirs = await found(log)
    before = (await pull(pool, theirs, theirs.ben)).place
    async with locking(database_url, LOCKS["for update, by hand"], theirs):
        waiting = [asyncio.create_task(push(log, theirs, theirs.ada, note(theirs))) for _ in range(12)]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in waiting)
    places = [(await task)[0].place or 0 for task in waiting]
    assert places == sorted(places)
    assert (await pull(pool, theirs, theirs.ben)).place == before + 12
    await assert_the_log_has_no_hole(pool, theirs)


async def test_many_locked_families_are_refused_in_time_and_no_other_waits(log: Log, database_url: str) -> None:
    """Law 22: thirty locked families get 503 in time, and no other family waits."""
    theirs, ours = [await found(log, with_everybody=False) for _ in range(30)], await found(log)
    async with locking(database_url, LOCKS["for update, by hand"], *theirs):
        refusing = [asyncio.create_task(refused(log, one, *(note(one) for _ in range(40)))) for one in theirs]
        for _ in range(10):
            await push(log, ours, ours.ada, note(ours))
        assert not any(task.done() for task in refusing), "ours waited for theirs"
        assert max(seconds for seconds, _ in await asyncio.gather(*refusing)) < REFUSED_WITHIN_S + ROOM_S


async def test_the_devices_of_a_locked_family_fill_no_queue_that_others_need(log: Log, database_url: str) -> None:
    """Laws 17 and 22: only a bounded number of a locked family's drafts wait, so the queue has room for other families."""
    theirs, ours = await found(log), await found(log)
    async with locking(database_url, LOCKS["for update, by hand"], theirs):
        first = asyncio.create_task(refused(log, theirs, note(theirs)))
        await asyncio.sleep(0.1)
        drafts = pushed([note(theirs) for _ in range(250)]).drafts
        offers = [
            AppendRequest(family=theirs.family, author=theirs.ada, drafts=drafts) for _ in range(DRAFTS_WAITING_MAX // 250 + 1)
        ]
        waiting = [asyncio.create_task(log.append(offer)) for offer in offers]
        await asyncio.sleep(0)
        turned_away = [task for task in waiting if task.done()]
        assert 0 < len(waiting) - len(turned_away) <= DRAFTS_PER_FAMILY_MAX // 250
        assert {type(task.exception()) for task in turned_away} == {LogBusy}
        await push(log, ours, ours.ada, *(note(ours) for _ in range(250)))
        await first
        assert {type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)} == {LogBusy, FamilyLocked}


async def test_what_machines_offer_waits_for_no_other_familys_lock(log: Log, database_url: str) -> None:
    """Law 22: a daycare's post to a locked family delays no post to another family."""
    theirs, ours = await found(log), await found(log)

    def of(family: Family) -> AppendRequest:
        drafts = pushed([note(family) for _ in range(8)]).drafts
        return AppendRequest(family=family.family, author=family.daycare, drafts=drafts, may_wait=True)

    async with locking(database_url, LOCKS["for update, by hand"], theirs):
        hanging = asyncio.create_task(log.append(of(theirs)))
        await asyncio.gather(*(log.append(of(ours)) for _ in range(8)))
        assert not hanging.done()
        with pytest.raises(FamilyLocked):
            await hanging


async def test_requests_of_access_to_a_locked_family_leave_connections_to_others(
    log: Log, pool: asyncpg.Pool, database_url: str
) -> None:
    """Law 22: forty requests to a locked family all get a response. Meanwhile other families find free connections."""
    theirs, ours = await found(log), await found(log)

    async def add_child(family: Family) -> None:
        async with log.transaction() as writing:
            await writing.write(family=family.family, author=family.ada, facts=(ChildAdded(child=family.child, name="Kim"),))

    async with locking(database_url, LOCKS["for update, by hand"], theirs):
        began_s = time.monotonic()
        adding = [asyncio.create_task(add_child(theirs)) for _ in range(40)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            assert (await pull(pool, ours, ours.ben)).place > 0
            await add_child(ours)
        refusals = await asyncio.gather(*adding, return_exceptions=True)
        assert {type(one) for one in refusals} <= {FamilyLocked, LogUnavailable, LogBusy}
        assert time.monotonic() - began_s < REFUSED_WITHIN_S + ROOM_S
        began_s = time.monotonic()
        with pytest.raises(FamilyLocked):
            await add_child(theirs)
        assert time.monotonic() - began_s < 1, "whoever comes next does not wait in vain again"
    await add_child(theirs)


async def test_rows_that_are_locked_behind_a_familys_back_stop_others_once_and_never_again(
    log: Log, pool: asyncpg.Pool, database_url: str
) -> None:
    """Law 22: another client locks rows of a family's feeds, but not the family's head. Other families wait only once."""
    theirs, ours = await found(log), await found(log)
    mine = note(theirs)
    async with locking(database_url, "SELECT FROM feed_run WHERE family_id = $1 FOR UPDATE", theirs):
        first, _ = await asyncio.gather(refused(log, theirs, mine), push(log, ours, ours.ada, note(ours)))
        assert first[0] < REFUSED_WITHIN_S + ROOM_S
        refusing = asyncio.create_task(refused(log, theirs, mine))
        await asyncio.sleep(0)
        written = 0
        while not refusing.done():
            await push(log, ours, ours.ada, note(ours))
            written += 1
        assert written > 3, "ours waited for theirs"
        assert (await refusing)[0] < REFUSED_WITHIN_S + ROOM_S
    assert outcomes(await push(log, theirs, theirs.ada, mine)) == ["recorded"]
    for one in (theirs, ours):
        await assert_the_log_has_no_hole(pool, one)
