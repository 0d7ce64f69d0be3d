"""Tests the service's clock: it releases a held event once, when the days of the wait are over. Otherwise it writes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import structlog

from events.ids import FamilyId, MemberId
from service.log.log import Log
from service.replay import replay
from service.settings import Settings
from service.surprise.clock import Clock
from tests.families import STOOD, WALKED, Family, drafted, feed_of, found, leave, outcomes, push, saw
from tests.polling import until
from tests.service.conftest import UNLIMITED, found_family, running

SPOKE = "talking.first-word"
MONDAY = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


class Time:
    """The clock of all processes of a test."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: int) -> datetime:
        self.now += timedelta(**time)
        return self.now


class Woken:
    """A notifier that records the members whom the log notifies."""

    def __init__(self) -> None:
        self.members: list[MemberId] = []

    def entries_delivered(self, family: FamilyId, members: Collection[MemberId]) -> None:
        self.members += members


@asynccontextmanager
async def process(
    database_url: str, pool: asyncpg.Pool, time: Time, woken: Woken | None = None
) -> AsyncIterator[tuple[Log, Clock]]:
    """Starts a log and a clock, as a service process does. Two pairs on one database behave like two processes."""
    log = Log(pool=pool, database_url=database_url, notifier=woken or Woken(), now=time)
    await log.start()
    try:
        yield log, Clock(pool=pool, log=log)
    finally:
        await log.stop()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
async def here(database_url: str, pool: asyncpg.Pool, time: Time, woken: Woken) -> AsyncIterator[tuple[Log, Clock]]:
    async with process(database_url, pool, time, woken) as one:
        yield one


async def says(log: Log, time: Time, family: Family, author: MemberId, *drafts: dict[str, Any]) -> None:
    """Appends events at the test's current time."""
    assert set(outcomes(await push(log, family, author, *drafts, sent_at=time.now))) == {"recorded"}


async def kept(log: Log, time: Time, *, days: int | None = 7, scope: str = "all") -> Family:
    """Founds a family in which Ben keeps surprises and Ada sees the first steps."""
    family = await found(log)
    await says(log, time, family, family.ben,
               drafted("SurpriseChosen", at=time.now, scope=scope, mode="keep", at_most_days=days))  # fmt: skip
    await says(log, time, family, family.ada, saw(family, WALKED, at=time.now))
    return family


async def logged(pool: asyncpg.Pool) -> list[str]:
    """Returns the types of all events, by family and seq."""
    return [row["kind"] for row in await pool.fetch("SELECT kind FROM event ORDER BY family_id, seq")]


async def released(pool: asyncpg.Pool, family: Family) -> list[tuple[str, str | None]]:
    """Returns the sightings in Ben's feed, each with the reason of its release."""
    entries = await feed_of(pool, family, family.ben)
    return [(entry["event"]["event"]["milestone"], entry["released"]) for entry in entries if _is_sighting(entry)]


def _is_sighting(entry: dict[str, Any]) -> bool:
    return bool(entry["event"]["event"]["type"] == "MilestoneObserved")


async def test_after_the_wait_the_event_is_released_once_and_the_log_still_replays(
    here: tuple[Log, Clock], time: Time, pool: asyncpg.Pool, database_url: str
) -> None:
    """Laws 9 and 11: a held event is released once and not too early, with the reason `time`. A replay gives the same rows."""
    log, ticking = here
    family = await kept(log, time)
    time.passes(days=7, milliseconds=-1)
    assert (await ticking.tick(), await released(pool, family)) == (0, [])
    told_at = time.passes(milliseconds=1)
    assert (await ticking.tick(), await released(pool, family)) == (1, [(WALKED, "time")])
    assert datetime.fromisoformat((await feed_of(pool, family, family.ben))[-1]["told_at"]) == told_at
    for _ in range(3):
        time.passes(days=1)
        assert (await ticking.tick(), await released(pool, family)) == (0, [(WALKED, "time")])
    assert (await logged(pool)).count("TimePassed") == 1
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_of_two_processes_that_find_the_same_family_one_writes(
    here: tuple[Log, Clock], time: Time, pool: asyncpg.Pool, database_url: str
) -> None:
    """Law 9: both processes find the family, and the event is released once."""
    log, ticking = here
    families = [await kept(log, time) for _ in range(5)]
    time.passes(days=8)
    async with process(database_url, pool, time) as (other_log, other):
        assert sum(await asyncio.gather(ticking.tick(), other.tick(), ticking.tick())) == 5
        for family in families:
            # Both processes have found the family before either of them wrote.
            assert not await log.note_time(family=family.family, author=family.ben)
            assert not await other_log.note_time(family=family.family, author=family.ben)
            assert await released(pool, family) == [(WALKED, "time")]
    assert (await logged(pool)).count("TimePassed") == 5
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_a_tick_writes_nothing_where_nothing_is_due(here: tuple[Log, Clock], time: Time, pool: asyncpg.Pool) -> None:
    """Nothing is written if no choice has a limit of days, if only a choice for another domain has one, or after Ben has left."""
    log, ticking = here
    await kept(log, time, days=None)
    partly = await kept(log, time, days=None)
    await says(log, time, partly, partly.ben,
               drafted("SurpriseChosen", at=time.now, scope="domain:talking", mode="keep", at_most_days=1))  # fmt: skip
    gone = await kept(log, time)
    await leave(log, gone, gone.ben)
    before = [tuple(row) for row in await pool.fetch("SELECT *, xmin FROM family ORDER BY family_id")]
    count = len(await logged(pool))
    for _ in range(3):
        time.passes(days=30)
        assert await ticking.tick() == 0
    assert len(await logged(pool)) == count
    assert before == [tuple(row) for row in await pool.fetch("SELECT *, xmin FROM family ORDER BY family_id")]


async def test_a_tick_is_in_no_feed_and_wakes_only_the_member_of_the_release(
    here: tuple[Log, Clock], time: Time, pool: asyncpg.Pool, woken: Woken
) -> None:
    """Laws 8 and 14: only Ben's devices are notified of the release."""
    log, ticking = here
    family = await kept(log, time)
    others = [member for member in family.members if member != family.ben]
    before = [await feed_of(pool, family, member) for member in others]
    woken.members.clear()
    time.passes(days=7)
    assert await ticking.tick() == 1
    assert woken.members == [family.ben]
    assert before == [await feed_of(pool, family, member) for member in others]
    assert "TimePassed" not in json.dumps(await feed_of(pool, family, family.ben))


async def test_each_event_is_released_after_its_own_wait(here: tuple[Log, Clock], time: Time, pool: asyncpg.Pool) -> None:
    """Each event is released when the days of its own choice are over, counted from the receipt of the event."""
    log, ticking = here
    family = await kept(log, time, days=7)
    await says(log, time, family, family.ben,
               drafted("SurpriseChosen", at=time.now, scope=f"milestone:{SPOKE}", mode="keep", at_most_days=2))  # fmt: skip
    time.passes(days=1)
    await says(log, time, family, family.ada, saw(family, SPOKE, at=time.now))
    time.passes(days=2)
    await ticking.tick()
    assert await released(pool, family) == [(SPOKE, "time")]
    time.passes(days=4)
    await ticking.tick()
    assert await released(pool, family) == [(SPOKE, "time"), (WALKED, "time")]


async def test_a_stopped_or_backward_clock_releases_nothing_early_or_twice(
    here: tuple[Log, Clock], time: Time, pool: asyncpg.Pool, database_url: str
) -> None:
    """If the clock stands still or goes back, no event is released too early or twice, and no release is undone."""
    log, ticking = here
    family = await kept(log, time)
    time.passes(days=7)
    assert (await ticking.tick(), await ticking.tick()) == (1, 0)
    time.passes(days=-400)
    await says(log, time, family, family.ada, saw(family, STOOD, at=time.now))
    assert (await ticking.tick(), await released(pool, family)) == (0, [(WALKED, "time")])
    time.passes(days=7)
    assert (await ticking.tick(), await released(pool, family)) == (1, [(WALKED, "time"), (STOOD, "time")])
    time.passes(days=400)
    assert await ticking.tick() == 0
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_one_broken_family_stops_no_other_and_is_tried_again(
    here: tuple[Log, Clock], time: Time, pool: asyncpg.Pool
) -> None:
    """Law 17: a family with a damaged row stops no other family. After a repair, the family's events are released too."""
    log, ticking = here
    ticking = Clock(pool=pool, log=log, families_a_page=2)
    families = sorted([await kept(log, time) for _ in range(6)], key=lambda family: family.family)
    broken = [families[0], families[3], families[4]]
    await pool.execute("UPDATE held SET body = 'x' || body WHERE family_id = ANY($1)", [family.family for family in broken])
    time.passes(days=7)
    with structlog.testing.capture_logs() as lines:
        assert await ticking.tick() == 3
    assert [(line["code"], line["log_level"]) for line in lines] == [("clock.crashed", "error")] * 3
    assert [len(await released(pool, family)) for family in families] == [0, 1, 1, 0, 0, 1]
    await pool.execute("UPDATE held SET body = substr(body, 2) WHERE family_id = ANY($1)", [family.family for family in broken])
    assert await ticking.tick() == 3
    assert [len(await released(pool, family)) for family in families] == [1] * 6


async def test_the_clock_outlives_a_look_that_fails(database_url: str, time: Time) -> None:
    """Law 17: a search that fails is logged with its code. The next search finds what was due."""
    opened = await asyncpg.create_pool(database_url, min_size=1, max_size=2)
    async with process(database_url, opened, time) as (log, _):
        family = await kept(log, time)
        time.passes(days=7)
        ticking = Clock(pool=opened, log=log, every_s=0.05, first_after_s=0.0)

        async def is_released() -> bool:
            return bool(await released(opened, family))

        await opened.execute("ALTER TABLE waiting RENAME TO away")
        with structlog.testing.capture_logs() as lines:
            await ticking.start()
            await until(lambda: len(lines) >= 2, within_s=20)
        await opened.execute("ALTER TABLE away RENAME TO waiting")
        await opened.expire_connections()
        await until(is_released, within_s=20)
        await ticking.stop()
    assert {line["code"] for line in lines} == {"clock.crashed"}
    await opened.close()


async def test_a_started_service_releases_what_became_due_while_it_was_stopped(
    database_url: str, time: Time
) -> None:
    """Law 9: soon after its start, a service releases the events that became due while it was stopped."""
    settings = Settings(database_url=database_url, **UNLIMITED)
    with running(settings, log_clock=time) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as http:
            ada = await found_family(http)
            ben = await ada.invite("parent", name="Ben", household={"name": "Ben's"})
            child = (await ada.ask("GET", "/v1/families/{family}")).json()["children"][0]["child"]
            for author, draft in (
                (ben, drafted("SurpriseChosen", at=time.now, scope="all", mode="keep", at_most_days=7)),
                (ada, drafted("MilestoneObserved", at=time.now, child=child, milestone=WALKED)),
            ):
                pushed = {"sent_at": time.now.isoformat(), "drafts": [draft]}
                assert (await author.ask("POST", "/v1/families/{family}/events", json=pushed)).status_code == 200
    time.passes(days=8)

    async def last() -> Any:
        return (await ben.ask("GET", "/v1/families/{family}/feed")).json()["entries"][-1]["released"]

    async def is_released() -> bool:
        return await last() is not None

    with running(settings, log_clock=time) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as ben.http:
            assert await last() is None
            await until(is_released, within_s=20)
            assert await last() == "time"
