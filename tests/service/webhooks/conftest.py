"""Provides a family with a log, a clock that a test sets, and senders of webhooks. Postgres and the receivers are real."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from events.ids import MemberId
from service.feed.next_entries import from_anywhere
from service.feed.notifier import LocalNotifier
from service.http.standard_webhooks import new_secret, shown
from service.log.log import Log
from service.webhooks.attempt import ATTEMPT_S_MAX
from service.webhooks.delivery import SLOW_S
from service.webhooks.egress_policy import EgressPolicy
from service.webhooks.sender import Sender
from service.webhooks.store import QUERIES
from tests.families import Draft, Family, feed_of, found, outcomes, push
from tests.service.webhooks.receiving import Frame, receiving

AT_HOME = EgressPolicy(allow_private=True)


class Time:
    """The clock of all processes of a test."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, wait: timedelta | None = None, **time: float) -> None:
        self.now += timedelta(**time) if wait is None else wait


@dataclass
class Hook:
    """A webhook that is stored in the database, with its secret."""

    id: UUID
    secret: str


@dataclass
class Home:
    """One family, its log, and the senders of its webhooks."""

    pool: asyncpg.Pool
    log: Log
    notifier: LocalNotifier
    time: Time
    family: Family
    senders: list[Sender] = field(default_factory=list)

    def sender(
        self, *, egress: EgressPolicy = AT_HOME, jitter: Callable[[], float] = lambda: 0.0,
        attempt_s_max: float = ATTEMPT_S_MAX, slow_s: float = SLOW_S,
    ) -> Sender:  # fmt: skip
        """Returns a new sender, which behaves like the sender of another process."""
        self.senders.append(
            Sender(
                pool=self.pool, notifier=self.notifier, egress=egress, now=self.time, jitter=jitter,
                attempt_s_max=attempt_s_max, slow_s=slow_s,
            )
        )  # fmt: skip
        return self.senders[-1]

    async def hook(self, url: str, *, member: MemberId | None = None, after: int = 0) -> Hook:
        """Adds a webhook that begins after a place of the feed, by default of Ben's feed."""
        secret, webhook = new_secret(), uuid4()
        await self.pool.execute(
            QUERIES.add, self.family.family, member or self.family.ben, webhook, url, None, secret, self.time.now, after
        )
        return Hook(webhook, shown(secret))

    async def append(self, author: MemberId, *drafts: Draft) -> None:
        assert set(outcomes(await push(self.log, self.family, author, *drafts, sent_at=self.time.now))) == {"recorded"}

    async def feed(self, member: MemberId | None = None) -> list[dict[str, Any]]:
        return await feed_of(self.pool, self.family, member or self.family.ben)

    async def entries(self, member: MemberId | None = None) -> list[tuple[int, bytes]]:
        """Returns a member's entries, in the bytes that a stream sends."""
        return (
            await from_anywhere(self.pool, family=self.family.family, member=member or self.family.ben, after=0, limit=2_000)
        ).entries

    async def row(self, hook: Hook) -> dict[str, Any]:
        found = await self.pool.fetchrow("SELECT *, xmin FROM webhook WHERE webhook_id = $1", hook.id)
        return {} if found is None else dict(found)


async def poll_and_finish(sender: Sender) -> None:
    """Polls once, and waits until all deliveries have ended."""
    await sender.poll()
    await sender.until_idle()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Sets the clock of the service and of the standardwebhooks package, which refuses messages older than five minutes."""
    time = Time()

    class OnTime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return time.now

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", OnTime)
    return time


@pytest.fixture
async def home(database_url: str, pool: asyncpg.Pool, time: Time) -> AsyncIterator[Home]:
    notifier = LocalNotifier()
    log = Log(pool=pool, database_url=database_url, notifier=notifier, now=time)
    await log.start()
    one = Home(pool, log, notifier, time, await found(log))
    try:
        yield one
    finally:
        for sender in one.senders:
            await sender.stop()
        await log.stop()


@pytest.fixture
async def frame() -> AsyncIterator[Frame]:
    async with receiving() as one:
        yield one
