"""A family's devices against the real log: what each keeps, and what may befall a push on its way.

Owns the devices and their faults. Every fact about the log is read from Postgres.
"""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from events.event import Role
from events.ids import FamilyId, MemberId
from events.wire import AnyEvent, commitment, event_of_bytes
from projections import first_saw, timeline
from service.feed.next_entries import from_anywhere
from service.feed.pages import CHAIN_DIGITS
from service.feed.timeline import timeline as read_timeline
from service.log.family_cache import read_roster
from service.log.log import Log
from service.log.receipts import Receipt
from service.replay import replay_family
from tests.families import Draft, Family, pull, push
from tests.simulation.oracle import Oracle, chain_of

Result = TypeVar("Result")

LOG = """
SELECT seq, event_id, author_id, kind, version, target_seq, commitment, salt, body
  FROM event WHERE family_id = $1 ORDER BY seq
"""
SHAPE = """
SELECT (SELECT last_seq FROM family WHERE family_id = $1) AS head,
       (SELECT count(*) FROM event WHERE family_id = $1) AS events,
       (SELECT coalesce(max(seq), 0) FROM event WHERE family_id = $1) AS last,
       (SELECT count(*) FROM (SELECT first_place, lag(first_place + length, 1, 1::bigint)
                                       OVER (PARTITION BY member_id ORDER BY first_place) AS wanted
                                FROM feed_run WHERE family_id = $1) AS run
         WHERE first_place <> wanted) AS torn
"""


class Fate(StrEnum):
    """What may befall a push."""

    ANSWERED = "answered"
    NEVER_SENT = "never sent"
    ANSWER_LOST = "answer lost"
    SENT_TWICE = "sent twice at once"


@dataclass
class Phone:
    """A device of a member."""

    member: MemberId
    clock_off: timedelta = timedelta(0)
    outbox: list[Draft] = field(default_factory=list)
    recorded: list[Draft] = field(default_factory=list)
    """What it wrote and the log has, as the device was told."""
    mirror: list[tuple[int, bytes]] = field(default_factory=list)

    def now(self) -> datetime:
        """Its own clock, in its own zone."""
        return (datetime.now(UTC) + self.clock_off).astimezone(UTC)

    def events(self) -> list[dict[str, Any]]:
        """The events that it mirrors."""
        return [json.loads(entry)["event"] for _, entry in self.mirror]


class TwoProcesses:
    """Two processes on one database, and the loop that everything runs in."""

    def __init__(self, runner: asyncio.Runner, pool: asyncpg.Pool, logs: tuple[Log, Log]) -> None:
        self._runner = runner
        self.pool = pool
        self.logs = logs

    def run(self, what: Coroutine[Any, Any, Result]) -> Result:
        """Run to the end."""
        return self._runner.run(what)

    async def push(self, family: Family, phone: Phone, drafts: list[Draft], fate: Fate, *, process: int) -> list[list[Receipt]]:
        """Push drafts, and give all receipts that the service made, also those that the device never saw."""
        sent_at = phone.now()
        tries = {Fate.NEVER_SENT: 0, Fate.SENT_TWICE: 2}.get(fate, 1)
        sent = (
            push(self.logs[(process + number) % 2], family, phone.member, *drafts, sent_at=sent_at) for number in range(tries)
        )
        return [list(receipts) for receipts in await asyncio.gather(*sent)]

    async def pull(self, family: Family, phone: Phone, *, limit: int) -> None:
        """Pull until there is no more."""
        while True:
            found = await pull(self.pool, family, phone.member, after=len(phone.mirror), limit=limit)
            assert len(found.entries) <= limit
            phone.mirror += found.entries
            if not found.more:
                return

    async def assert_shape(self, family: FamilyId) -> None:
        """Law 3: seq has no hole; law 7: nor do the places of any feed."""
        (row,) = await self.pool.fetch(SHAPE, family)
        assert row["head"] == row["events"] == row["last"]
        assert row["torn"] == 0

    async def assert_all_is_told(self, family: Family, roles: dict[MemberId, Role]) -> None:
        """Hold every feed, every timeline and every row against the log."""
        rows = await self.pool.fetch(LOG, family.family)
        events = [(row["seq"], event_of_bytes(row["body"], kind=row["kind"], version=row["version"])) for row in rows]
        oracle = Oracle(events)
        assert [known.target and known.target.seq for known in oracle.known] == [row["target_seq"] for row in rows]
        assert [commitment(row["salt"], row["body"]) for row in rows] == [row["commitment"] for row in rows]
        for member, role in roles.items():
            await self._assert_feed(family, member, rows, oracle.feeds[member])
            await self._assert_timeline(family, member, role)
        async with self.pool.acquire() as connection:
            replayed = await replay_family(connection, family.family, swap=False)
        assert replayed.differences == ()

    async def _assert_feed(self, family: Family, member: MemberId, rows: list[Any], seqs: list[int]) -> None:
        """Laws 6, 7, I-21: exactly what the member is to be told, with its bytes and its chain."""
        page = await pull(self.pool, family, member)
        entries = [json.loads(entry) for _, entry in page.entries]
        told = [rows[seq - 1] for seq in seqs]
        assert [(entry["event"]["id"], entry["event"]["author"]) for entry in entries] == [
            (str(row["event_id"]), str(row["author_id"])) for row in told
        ]
        assert [entry["event"] for entry in entries] == [json.loads(row["body"]) for row in told]
        assert [entry["place"] for entry in entries] == list(range(1, len(entries) + 1))
        chains = chain_of(family.family, member, [row["commitment"] for row in told])
        await self._assert_chain(family, member, chains)
        known: set[str] = set()
        for event in (entry["event"] for entry in entries):
            named = event["event"].get("target") or event["event"].get("about") or event["event"].get("observation")
            assert named is None or named in known, "an entry refers to what its reader was not told"
            assert event["audience"] != "me" or UUID(event["author"]) == member, "a private word was told to somebody else"
            known.add(event["id"])

    async def _assert_chain(self, family: Family, member: MemberId, chains: list[str]) -> None:
        """I-21: each page states the chain at both of its ends, wherever it begins, and the stream the chain after each entry."""
        streamed = await from_anywhere(self.pool, family=family.family, member=member, after=0, limit=2_000)
        digits = [json.loads(entry)["chain"] for _, entry in streamed.entries]
        assert digits == [chain[:CHAIN_DIGITS] for chain in chains[1:]]
        for after in {0, 1, len(chains) // 2, len(chains) - 2, len(chains) - 1}:
            page = await pull(self.pool, family, member, after=after)
            assert (page.chain_before.hex(), page.chain.hex()) == (chains[after], chains[-1])

    async def _assert_timeline(self, family: Family, member: MemberId, role: Role) -> None:
        """Law 11: the rows that are kept, what is folded when asked, and a fold of the feed's bytes say the same."""
        now = datetime.now(UTC) + timedelta(hours=1)
        asked = {"family": family.family, "member": member, "role": role, "child": None}
        kept = await read_timeline(self.pool, as_of=None, **asked)  # type: ignore[arg-type]
        folded = await read_timeline(self.pool, as_of=now, **asked)  # type: ignore[arg-type]
        entries = (await pull(self.pool, family, member)).entries
        told = [msgspec.json.decode(json.dumps(json.loads(entry)["event"]), type=AnyEvent) for _, entry in entries]
        own = await self._own_milestones(family.family)
        fresh = timeline.entries(first_saw.of_feed(told), viewer=member, own_milestones=own)
        assert msgspec.json.encode(kept) == msgspec.json.encode(folded) == msgspec.json.encode(fresh)

    async def _own_milestones(self, family: FamilyId) -> dict[str, Any]:
        return (await read_roster(self.pool, family)).own_milestones
