"""Tests that a long fold does not block the event loop."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from events.event import Draft, Precision, Role
from events.family import MemberJoined, Sees
from events.ids import EventId, MemberId
from events.surprise import Mode, SurpriseChosen
from projections.roster import member_of
from service.background import WORTH_IT, in_turns, off_loop
from service.feed.timeline import timeline
from service.log.log import Log
from service.replay import replay
from tests.families import Family, found, note, push, saw
from tests.families import drafted as draft

EVENTS = 4_000
ENTRIES = "SELECT sum(length) FROM feed_run WHERE family_id = $1 AND member_id = $2"
SHARE_MAX = 0.15
"""The longest allowed block of the event loop, as a share of the act's time. In the loop itself, one fold took 0.25."""


class Gap:
    """The longest time for which the event loop was blocked, and the time of the whole `with` block, both in seconds."""

    longest_s = 0.0
    total_s = 0.0


@asynccontextmanager
async def watching() -> AsyncIterator[Gap]:
    """Measures how long the event loop is blocked.

    Garbage collection is off, because its pauses grow with the objects of all tests in the process.
    """
    gap, is_over = Gap(), False
    gc.collect()
    gc.disable()

    async def look() -> None:
        last_s = time.perf_counter()
        while not is_over:
            await asyncio.sleep(0)
            now_s = time.perf_counter()
            gap.longest_s, last_s = max(gap.longest_s, now_s - last_s), now_s

    looking = asyncio.create_task(look())
    await asyncio.sleep(0)
    began_s = time.perf_counter()
    yield gap
    gap.total_s = time.perf_counter() - began_s
    is_over = True
    await looking
    gc.enable()


def busy(seconds: float) -> int:
    """Computes for some seconds without ever awaiting."""
    count, ends_s = 0, time.perf_counter() + seconds
    while time.perf_counter() < ends_s:
        count += 1
    return count


async def test_long_work_lets_the_loop_go_on_and_short_work_is_done_at_once() -> None:
    """Law 22: work on many events runs in another thread, and work on few runs at once in the loop."""
    async with watching() as gap:
        assert await off_loop(WORTH_IT, busy, 0.5) > 0
    assert gap.longest_s < 0.25
    loop_thread = asyncio.current_task()

    def who() -> Any:
        return asyncio.current_task()

    assert await off_loop(WORTH_IT - 1, who) is loop_thread
    with pytest.raises(ZeroDivisionError):
        await off_loop(WORTH_IT, lambda: 1 // 0)


async def test_rows_are_given_in_turns_whole_and_in_their_order() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    assert [row async for row in in_turns(list(range(5_000)))] == list(range(5_000))
    counting.cancel()
    assert turns > 10


async def with_history(log: Log) -> Family:
    """Founds a family with 4,000 events. Half of these events tell of a milestone."""
    family = await found(log)
    for _ in range(EVENTS // 200):
        await push(log, family, family.granny, *(note(family) if number % 2 else saw(family) for number in range(200)))
    return family


async def join_with_a_choice(log: Log, family: Family) -> MemberId:
    joined = MemberJoined(member=MemberId(uuid4()), name="Eve", role=Role.PARENT, household=family.other_home, sees=Sees.ALL)
    chosen, now = SurpriseChosen(scope="all", mode=Mode.KEEP), log.now()
    keeps = Draft(id=EventId(uuid4()), occurred_at=now, precision=Precision.MINUTE, recorded_at=now, event=chosen)
    async with log.transaction() as writing:
        await writing.choose(family=family.family, joiner=member_of(joined), drafts=(keeps,))
        await writing.write(family=family.family, author=family.ada, facts=(joined,))
    return joined.member


async def test_acts_that_look_at_a_long_history_leave_the_loop(log: Log, pool: asyncpg.Pool) -> None:
    """Law 22: joining with a choice, opening thousands of events, and folding a timeline do not block the event loop."""
    family = await with_history(log)
    async with watching() as joining:
        eve = await join_with_a_choice(log, family)
    opened = draft("EnvelopeOpened", scope="all")
    async with watching() as opening:
        (receipt,) = await push(log, family, eve, opened)
    assert receipt.outcome == "recorded"
    reads: list[Callable[[], Any]] = [
        lambda: timeline(pool, family=family.family, member=eve, role=Role.PARENT, child=None, as_of=log.now()),
        lambda: timeline(pool, family=family.family, member=family.granny, role=Role.CAREGIVER, child=None, as_of=None),
    ]
    gaps = [joining, opening]
    for read in reads:
        async with watching() as reading:
            assert await read()
        gaps.append(reading)
    for gap in gaps:
        assert gap.longest_s < max(0.05, gap.total_s * SHARE_MAX), (gap.longest_s, gap.total_s)


async def test_who_opens_thousands_at_once_keeps_no_other_family_waiting(
    log: Log, pool: asyncpg.Pool, database_url: str
) -> None:
    """Laws 9 and 22: while thousands of events are released, pushes of another family are written."""
    theirs, ours = await with_history(log), await found(log)
    eve = await join_with_a_choice(log, theirs)
    before = await pool.fetchval(ENTRIES, theirs.family, eve)
    opening = asyncio.create_task(push(log, theirs, eve, draft("EnvelopeOpened", scope="all")))
    await asyncio.sleep(0)
    written = 0
    while not opening.done():
        await push(log, ours, ours.ada, note(ours))
        written += 1
    assert [receipt.outcome for receipt in await opening] == ["recorded"]
    assert written > 5, "ours waited for theirs"
    entries = await pool.fetchval(ENTRIES, theirs.family, eve)
    assert entries == before + EVENTS // 2 + 1
    assert (await replay(database_url, check=True, processes=1)).differences == ()
