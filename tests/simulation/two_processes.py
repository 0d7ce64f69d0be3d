"""Runs two `Log` objects, like those of two processes, on one database. Simulated devices push to both, with faults.

Owns the devices and the faults. Reads the recorded events, rows and feeds from Postgres.
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
from events.upcast import event_of_bytes
from events.wire import AnyEvent, commitment
from projections import first_saw, timeline
from service.feed.next_entries import from_anywhere
from service.feed.pages import CHAIN_DIGITS
from service.feed.timeline import timeline as read_timeline
from service.log.append_request import Receipt
from service.log.log import Log
from service.log.store.families import read_roster
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
    """The fault of a push. `ANSWERED` is a push without a fault."""

    ANSWERED = "answered"
    NEVER_SENT = "never sent"
    ANSWER_LOST = "answer lost"
    SENT_TWICE = "sent twice at once"


@dataclass
class Phone:
    """A simulated device of a member, with its outbox and a mirror of the feed."""

    member: MemberId
    clock_off: timedelta = timedelta(0)
    outbox: list[Draft] = field(default_factory=list)
    recorded: list[Draft] = field(default_factory=list)
    """The drafts that the log has recorded, according to the receipts that the device got."""
    mirror: list[tuple[int, bytes]] = field(default_factory=list)

    def now(self) -> datetime:
        """Returns the time of the device's clock, which may be wrong."""
        return (datetime.now(UTC) + self.clock_off).astimezone(UTC)

    def events(self) -> list[dict[str, Any]]:
        """Returns the events in the device's mirror."""
        return [json.loads(entry)["event"] for _, entry in self.mirror]


class TwoProcesses:
    """The `Log` objects of two processes on one database, and the event loop that runs both."""

    def __init__(self, runner: asyncio.Runner, pool: asyncpg.Pool, logs: tuple[Log, Log]) -> None:
        self._runner = runner
        self.pool = pool
        self.logs = logs

    def run(self, what: Coroutine[Any, Any, Result]) -> Result:
        """Runs a coroutine to its end, and returns its result."""
        return self._runner.run(what)

    async def push(self, family: Family, phone: Phone, drafts: list[Draft], fate: Fate, *, process: int) -> list[list[Receipt]]:
        """Pushes drafts never, once or twice, as `fate` states. Returns all receipts, even those that the device did not get."""
        sent_at = phone.now()
        tries = {Fate.NEVER_SENT: 0, Fate.SENT_TWICE: 2}.get(fate, 1)
        sent = (
            push(self.logs[(process + number) % 2], family, phone.member, *drafts, sent_at=sent_at) for number in range(tries)
        )
        return [list(receipts) for receipts in await asyncio.gather(*sent)]

    async def pull(self, family: Family, phone: Phone, *, limit: int) -> None:
        """Pulls pages into the device's mirror until there are no more entries."""
        while True:
            found = await pull(self.pool, family, phone.member, after=len(phone.mirror), limit=limit)
            assert len(found.entries) <= limit
            phone.mirror += found.entries
            if not found.more:
                return

    async def assert_shape(self, family: FamilyId) -> None:
        """Checks that neither seq (law 3) nor the places of a feed (law 7) have a gap."""
        (row,) = await self.pool.fetch(SHAPE, family)
        assert row["head"] == row["events"] == row["last"]
        assert row["torn"] == 0

    async def assert_feeds_are_right(self, family: Family, roles: dict[MemberId, Role]) -> None:
        """Compares all feeds, timelines and rows with the feeds, timelines and rows that follow from the events in the log."""
        rows = await self.pool.fetch(LOG, family.family)
        events = [(row["seq"], event_of_bytes(row["body"], kind=row["kind"], version=row["version"])) for row in rows]
        oracle = Oracle(events)
        assert [item.target and item.target.seq for item in oracle.events] == [row["target_seq"] for row in rows]
        assert [commitment(row["salt"], row["body"]) for row in rows] == [row["commitment"] for row in rows]
        for member, role in roles.items():
            await self._assert_feed(family, member, rows, oracle.feeds[member])
            await self._assert_timeline(family, member, role)
        async with self.pool.acquire() as connection:
            replayed = await replay_family(connection, family.family, swap=False)
        assert replayed.differences == ()

    async def _assert_feed(self, family: Family, member: MemberId, rows: list[Any], seqs: list[int]) -> None:
        """Checks laws 6 and 7: the feed has exactly the events that are visible to the member, with their bytes and chain."""
        page = await pull(self.pool, family, member)
        entries = [json.loads(entry) for _, entry in page.entries]
        visible = [rows[seq - 1] for seq in seqs]
        assert [(entry["event"]["id"], entry["event"]["author"]) for entry in entries] == [
            (str(row["event_id"]), str(row["author_id"])) for row in visible
        ]
        assert [entry["event"] for entry in entries] == [json.loads(row["body"]) for row in visible]
        assert [entry["place"] for entry in entries] == list(range(1, len(entries) + 1))
        chains = chain_of(family.family, member, [row["commitment"] for row in visible])
        await self._assert_chain(family, member, chains)
        known: set[str] = set()
        for event in (entry["event"] for entry in entries):
            named = event["event"].get("target") or event["event"].get("about") or event["event"].get("observation")
            assert named is None or named in known, "an entry refers to an event that is not visible to its reader"
            assert event["audience"] != "me" or UUID(event["author"]) == member, "a private event is visible to another member"
            known.add(event["id"])

    async def _assert_chain(self, family: Family, member: MemberId, chains: list[str]) -> None:
        """Checks the chain that a page states at both of its ends, and the chain that a stream states after each entry."""
        streamed = await from_anywhere(self.pool, family=family.family, member=member, after=0, limit=2_000)
        digits = [json.loads(entry)["chain"] for _, entry in streamed.entries]
        assert digits == [chain[:CHAIN_DIGITS] for chain in chains[1:]]
        for after in {0, 1, len(chains) // 2, len(chains) - 2, len(chains) - 1}:
            page = await pull(self.pool, family, member, after=after)
            assert (page.chain_before.hex(), page.chain.hex()) == (chains[after], chains[-1])

    async def _assert_timeline(self, family: Family, member: MemberId, role: Role) -> None:
        """Checks law 11: the stored rows, a fold on request, and a fold of the feed give the same timeline."""
        now = datetime.now(UTC) + timedelta(hours=1)
        asked: dict[str, Any] = {"family": family.family, "member": member, "role": role, "child": None}
        kept = await read_timeline(self.pool, as_of=None, **asked)
        folded = await read_timeline(self.pool, as_of=now, **asked)
        entries = (await pull(self.pool, family, member)).entries
        events = [msgspec.json.decode(json.dumps(json.loads(entry)["event"]), type=AnyEvent) for _, entry in entries]
        own = await self._own_milestones(family.family)
        fresh = timeline.entries(first_saw.of_feed(events), viewer=member, own_milestones=own)
        assert msgspec.json.encode(kept) == msgspec.json.encode(folded) == msgspec.json.encode(fresh)

    async def _own_milestones(self, family: FamilyId) -> dict[str, Any]:
        return (await read_roster(self.pool, family)).own_milestones
