"""What a machine offers lets people's pushes go first, and is not forgotten for them."""

import asyncio

import asyncpg
import pytest

from service.log import group
from service.log.group import LogBusy
from service.log.log import Log
from service.log.offer import Offer
from tests.families import Family, feed_of, found, note, push, pushed


def machines(family: Family, *, count: int) -> Offer:
    drafts = pushed([note(family) for _ in range(count)]).drafts
    return Offer(family=family.family, author=family.daycare, drafts=drafts, may_wait=True)


async def test_a_push_goes_before_what_may_wait(log: Log) -> None:
    """However much a daycare posts: its drafts come in transactions of a few, and pushes in between."""
    theirs, ours = await found(log), await found(log)
    waiting = [asyncio.create_task(log.offer(machines(theirs, count=24))) for _ in range(12)]
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
        await asyncio.gather(*(log.offer(machines(theirs, count=24)) for _ in range(4)))
    is_over.set()
    await asyncio.gather(*pushing)
    assert len(await feed_of(pool, theirs, theirs.daycare)) >= 96


async def test_what_may_wait_is_turned_away_sooner_than_a_push(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 17: the bound is for all that waits, and a machine's share of it is a quarter."""
    theirs, ours = await found(log), await found(log)
    monkeypatch.setattr(group, "PATIENT_WAITING_MAX", 40)
    waiting = asyncio.create_task(log.offer(machines(theirs, count=24)))
    await asyncio.sleep(0)
    with pytest.raises(LogBusy):
        await log.offer(machines(theirs, count=24))
    await push(log, ours, ours.ada, *(note(ours) for _ in range(24)))
    await waiting
