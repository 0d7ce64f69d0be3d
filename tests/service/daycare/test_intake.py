"""Tests that the log does not depend on the order, the grouping and the concurrency of a daycare's calls, in a real database."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.ids import PersonId
from service.daycare.intake import Intake, SourcedRecord
from service.daycare.prose_queue import ProseQueue
from service.log.log import Log
from service.postgres.pool import open_pool
from service.replay import replay
from tests.conftest import copied_database
from tests.families import Family, feed_of, found, log_on
from tests.service.daycare.test_translate import Version, histories

EXAMPLES = 12


@dataclass
class Rows:
    """A database with a log, and daycares that post to the log."""

    runner: asyncio.Runner
    database_url: str
    pool: asyncpg.Pool
    log: Log
    reading: ProseQueue

    async def take_all(self, calls: list[list[Version]], *, at_once: bool) -> list[Any]:
        """Passes the calls to the intake, one after the other or all at once. Returns what a parent can read in the end."""
        family = await found(self.log)
        person = PersonId(uuid4())
        sql = "INSERT INTO daycare_child VALUES ($1, 'kid-17', $2, $3, $4)"
        await self.pool.execute(sql, person, family.family, family.daycare, family.child)
        intake = Intake(pool=self.pool, log=self.log, reading=self.reading, person=person)
        pending = [intake.take([SourcedRecord(source="here", record=one.as_record()) for one in call]) for call in calls]
        if at_once:
            await asyncio.gather(*pending)
        else:
            for call in pending:
                await call
        again = [one.outcome for call in calls for one in await intake.take(_given(call))]
        assert set(again) <= {"already_recorded", "outdated"}
        return await self.visible(family)

    async def visible(self, family: Family) -> list[Any]:
        """Returns the daycare's events in a parent's feed, after all amendments and withdrawals."""
        feed = await feed_of(self.pool, family, family.ada)
        events = [one["event"] for one in feed if one["event"].get("author") == str(family.daycare)]
        live: dict[str, dict[str, Any]] = {}
        for event in events:
            body = event["event"]
            if body["type"] in ("MilestoneObserved", "NoteWritten"):
                shown = {name: value for name, value in body.items() if name not in ("about", "child")}
                live[event["id"]] = {"occurred_at": event["occurred_at"], "refers": "about" in body, **shown}
        for event in sorted(events, key=lambda event: datetime.fromisoformat(event["recorded_at"])):
            body = event["event"]
            if body["type"] == "Amended":
                live[body["target"]] |= {name: value for name, value in body["changes"].items() if name != "precision"}
        for event in events:
            if event["event"]["type"] == "Withdrawn":
                live.pop(event["event"]["target"], None)
        texts = ({name: str(value) for name, value in one.items() if value is not None} for one in live.values())
        return sorted(tuple(sorted(one.items())) for one in texts)


def _given(call: list[Version]) -> list[SourcedRecord]:
    return [SourcedRecord(source="here", record=one.as_record()) for one in call]


@pytest.fixture(scope="module")
def rows(postgres: str, template: str) -> Iterator[Rows]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        url = runner.run(stack.enter_async_context(copied_database(postgres, template)))
        pool = runner.run(open_pool(url))
        stack.push_async_callback(pool.close)
        log = runner.run(stack.enter_async_context(log_on(url, pool)))
        reading = ProseQueue()
        stack.push_async_callback(reading.stop)
        yield Rows(runner, url, pool, log, reading)
        runner.run(stack.aclose())


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories(), size=st.integers(1, 4), at_once=st.booleans())
def test_however_calls_are_cut_and_crossed_the_log_comes_to_one_clean_pass(
    rows: Rows, history: tuple[list[Version], list[Version]], size: int, at_once: bool
) -> None:
    """Laws 2, 11 and 12: calls of any size and order, also at once, give the events that the versions in order give."""
    clean, messy = history
    calls = [messy[first : first + size] for first in range(0, len(messy), size)]
    crossed = rows.runner.run(rows.take_all(calls, at_once=at_once))
    assert crossed == rows.runner.run(rows.take_all([[one] for one in clean], at_once=False))


def test_a_replay_of_what_daycares_wrote_gives_the_live_rows(rows: Rows) -> None:
    assert rows.runner.run(replay(rows.database_url, check=True, processes=1)).differences == ()
