"""The rows of a real database say what the rule's words say, however drafts are gathered into transactions; so does a replay."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events import surprise
from events.errors import Refused
from events.event import AsTarget, Draft, Event
from events.family import MemberJoined
from events.ids import FamilyId, LogId, MemberId
from events.moments import MilestoneObserved
from events.wire import ServiceBody
from projections.roster import Member, member_of
from service.log import rows
from service.log.append import append
from service.log.ledger import Entry
from service.log.offer import Offer
from service.log.state import FamilyStates
from service.postgres.pool import open_pool
from service.replay.family import replay_family
from tests.conftest import execute, named
from tests.surprise.invented import FAMILY, histories
from tests.surprise.oracle import Hint, Oracle, Told

RUNS = """
SELECT first_place, first_seq, length, released, told_at, hint, seqs
  FROM feed_run WHERE family_id = $1 AND member_id = $2 ORDER BY first_place
"""


@dataclass
class Rows:
    """A database, and families that are written to it."""

    runner: asyncio.Runner
    pool: asyncpg.Pool

    async def write(self, family: FamilyId, events: list[Event[Any]], cuts: list[bool], *, forgets: bool) -> list[Event[Any]]:
        """Offer events as their authors would, in transactions that end where `cuts` says; gives those that were accepted."""
        states, accepted = FamilyStates(), []
        joining = {event.event.member: member_of(event.event) for event in events if isinstance(event.event, MemberJoined)}
        async with self.pool.acquire() as connection:
            await rows.open_family(connection, family, log=LogId(uuid4()), at=events[0].received_at)
            for now, together in transactions(events, cuts):
                offers, offered = offers_of(family, together, joining)
                async with connection.transaction():
                    appended = await append(connection, offers, now=now, states=FamilyStates() if forgets else states)
                states.keep(family, appended.states[family])
                for receipts, written in zip(appended.receipts, offered, strict=True):
                    if not isinstance(receipts, Refused):
                        pairs = zip(receipts, written, strict=True)
                        accepted += [event for receipt, event in pairs if receipt.outcome == "recorded"]
        return accepted

    async def feed(self, family: FamilyId, member: MemberId, log: list[Event[Any]]) -> list[Told]:
        """A feed as it is stored."""
        found: list[Told] = []
        for first_place, first_seq, length, released, told_at, hint, seqs in await self.pool.fetch(RUNS, family, member):
            assert first_place == len(found) + 1
            if hint is not None:
                said = msgspec.json.decode(hint, type=surprise.Hint)
                found.append(Told(Hint(said.child, said.domain, said.day), told_at, released))
                continue
            told = seqs if seqs is not None else range(first_seq, first_seq + length)
            found += [Told(seq, told_at or log[seq - 1].received_at, released) for seq in told]
        return found

    async def held(self, family: FamilyId, member: MemberId) -> list[int]:
        """The seqs of what is held from a member."""
        sql = "SELECT seq FROM held WHERE family_id = $1 AND member_id = $2 ORDER BY seq"
        return [row[0] for row in await self.pool.fetch(sql, family, member)]

    async def replayed(self, family: FamilyId) -> tuple[Any, ...]:
        """What a replay finds to be different."""
        async with self.pool.acquire() as connection:
            return (await replay_family(connection, family, swap=False)).differences


def transactions(events: list[Event[Any]], cuts: list[bool]) -> Iterator[tuple[datetime, list[Event[Any]]]]:
    """Neighbours that were received at one time, in one transaction or in several."""
    together: list[Event[Any]] = []
    for index, event in enumerate(events):
        if together and (cuts[index % len(cuts)] or event.received_at != together[0].received_at or len(together) == 40):
            yield together[0].received_at, together
            together = []
        together.append(event)
    yield together[0].received_at, together


def offers_of(
    family: FamilyId, events: list[Event[Any]], joining: dict[MemberId, Member]
) -> tuple[list[Offer], list[list[Event[Any]]]]:
    offers, offered = [], []
    for (author, by_service), group in groupby(events, key=lambda event: (event.author, isinstance(event.event, ServiceBody))):
        written = list(group)
        offers.append(
            Offer(
                family=family,
                author=author,
                drafts=tuple(draft_of(event) for event in written),
                by_service=by_service,
                joiner=None if by_service else joining.get(author),
                entries=entries_of(written),
            )
        )
        offered.append(written)
        for event in written:
            if isinstance(event.event, MemberJoined):
                joining.pop(event.event.member, None)
    return offers, offered


def entries_of(written: list[Event[Any]]) -> tuple[Entry, ...]:
    """What an offer of a daycare's records brings with it: without, nobody may say that something was found in words."""
    if not any(isinstance(event.event, MilestoneObserved) and event.event.found_in_prose for event in written):
        return ()
    return (Entry(source="journal", record=str(written[0].id), expects=0, drafts=len(written), said=b"{}"),)


def draft_of(event: Event[Any]) -> Draft[Any]:
    return Draft(
        id=event.id,
        occurred_at=event.occurred_at,
        precision=event.precision,
        recorded_at=event.recorded_at,
        audience=None if isinstance(event.event.audience, AsTarget) or isinstance(event.event, ServiceBody) else event.audience,
        event=event.event,
    )


@pytest.fixture(scope="module")
def kept(postgres: str, template: str) -> Iterator[Rows]:
    """A database for all examples: each has a family of its own."""
    with asyncio.Runner() as runner:
        runner.run(execute(postgres, f"CREATE DATABASE rows_by_rule TEMPLATE {template} STRATEGY file_copy"))
        pool = runner.run(open_pool(named(postgres, "rows_by_rule")))
        yield Rows(runner, pool)
        runner.run(pool.close())
        runner.run(execute(postgres, "DROP DATABASE rows_by_rule WITH (FORCE)"))


@settings(
    max_examples=max(60, settings().max_examples // 2),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(one=histories(), cuts=st.lists(st.booleans(), min_size=1, max_size=16), forgets=st.booleans())
def test_the_rows_are_the_log_by_the_rule_and_a_replay_gives_the_same(
    kept: Rows, one: Oracle, cuts: list[bool], forgets: bool
) -> None:
    """Laws 6, 7, 9, 11: whatever happens, in whatever transactions, by a process that remembers and by one that does not."""
    family = FamilyId(uuid4())
    events = [msgspec.structs.replace(line.event, claimed_at=None) for line in one.log]
    accepted = kept.runner.run(kept.write(family, events, cuts, forgets=forgets))
    expected = Oracle(accepted)
    assert kept.runner.run(kept.replayed(family)) == ()
    for member in FAMILY.members:
        assert kept.runner.run(kept.feed(family, member, accepted)) == expected.feeds.get(member, [])
        assert kept.runner.run(kept.held(family, member)) == expected.held.get(member, [])
