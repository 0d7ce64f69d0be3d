"""Writes histories to the rows of a real database, and reads feeds, held events and receipts back.

Owns how events become requests for an append. Decides nothing.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec

from events import surprise
from events.errors import Refused
from events.event import AsTarget, Body, Draft, Event
from events.family import MemberJoined
from events.ids import EventId, FamilyId, LogId, MemberId
from events.observations import MilestoneObserved, NoteWritten
from events.wire import ServiceBody
from projections.roster import Member, member_of
from service.log.append import Appended, append
from service.log.append_request import AppendRequest, LedgerEntry, Receipt
from service.log.family_batch import FamilyCache, open_family
from service.replay.family import replay_family
from tests.surprise.oracle import Hint, Told

RUNS = """
SELECT first_place, first_seq, length, released, told_at, hint, seqs
  FROM feed_run WHERE family_id = $1 AND member_id = $2 ORDER BY first_place
"""


@dataclass
class Written:
    """The results of writing a history to rows: accepted events, receipts, and the members from whom each event is held."""

    family: FamilyId
    accepted: list[Event[Any]] = field(default_factory=list)
    receipts: dict[EventId, Receipt] = field(default_factory=dict)
    again: dict[EventId, Receipt] = field(default_factory=dict)
    """The receipts of drafts that were sent a second time, directly after the first."""
    alone: set[EventId] = field(default_factory=set)
    """The events that were alone in their transaction, so that nothing happened between their two receipts."""
    held: dict[EventId, set[MemberId]] = field(default_factory=dict)
    """The members from whom an event was held at the end of its transaction, by the event's id."""

    def note(self, appended: Appended, offered: list[list[Event[Any]]], held: set[tuple[MemberId, int]]) -> None:
        """Stores the receipts and held events of one transaction."""
        for receipts, events in zip(appended.receipts, offered, strict=True):
            if isinstance(receipts, Refused):
                continue
            for receipt, event in zip(receipts, events, strict=True):
                self._note(receipt, event, held)

    def _note(self, receipt: Receipt, event: Event[Any], held: set[tuple[MemberId, int]]) -> None:
        self.receipts[event.id] = receipt
        if receipt.outcome == "recorded":
            self.accepted.append(event)
            self.held[event.id] = {member for member, seq in held if seq == len(self.accepted)}

    def note_again(
        self, appended: Appended, offered: list[list[Event[Any]]], held: set[tuple[MemberId, int]], *, is_alone: bool
    ) -> None:
        """Stores the receipts of drafts that were sent a second time.

        A draft may be recorded the second time only: if it refers to an event that was released in the first transaction.
        """
        for receipts, events in zip(appended.receipts, offered, strict=True):
            if isinstance(receipts, Refused):
                continue
            for receipt, event in zip(receipts, events, strict=True):
                if receipt.outcome == "recorded":
                    self._note(receipt, event, held)
                self.again[event.id] = receipt
                self.alone |= {event.id} if is_alone else set()


@dataclass
class Rows:
    """A database to which histories are written. Each history has a family of its own."""

    runner: asyncio.Runner
    pool: asyncpg.Pool

    async def write(
        self, family: FamilyId, events: list[Event[Any]], cuts: list[bool], *, forgets: bool, again: bool = False
    ) -> Written:
        """Appends events as drafts of their authors, and returns the accepted events and the receipts.

        `cuts` decides where a transaction ends. With `again`, the drafts of each transaction are sent a second time after it.
        With `forgets`, no transaction knows the family from an earlier one.
        """
        states, written = FamilyCache(), Written(family)
        joining = {event.event.member: member_of(event.event) for event in events if isinstance(event.event, MemberJoined)}
        async with self.pool.acquire() as connection:
            await open_family(connection, family, log=LogId(uuid4()), at=events[0].received_at)
            for now, together in transactions(events, cuts):
                offers, offered = offers_of(family, together, joining)
                async with connection.transaction():
                    appended = await append(connection, offers, now=now, cache=FamilyCache() if forgets else states)
                states.keep(family, appended.states[family])
                written.note(appended, offered, await self._held_of_all(connection, family))
                mine = [
                    (offer, drafted)
                    for offer, drafted in zip(offers, offered, strict=True)
                    if not offer.by_service and offer.joiner is None
                ]
                if again and mine:
                    repeated = [offer for offer, _ in mine]
                    async with connection.transaction():
                        appended = await append(connection, repeated, now=now, cache=FamilyCache() if forgets else states)
                    states.keep(family, appended.states[family])
                    held = await self._held_of_all(connection, family)
                    written.note_again(appended, [drafted for _, drafted in mine], held, is_alone=len(together) == 1)
        return written

    async def _held_of_all(self, connection: Any, family: FamilyId) -> set[tuple[MemberId, int]]:
        rows_of_held = await connection.fetch("SELECT member_id, seq FROM held WHERE family_id = $1", family)
        return {(row[0], row[1]) for row in rows_of_held}

    async def feed(self, family: FamilyId, member: MemberId, log: list[Event[Any]]) -> list[Told]:
        """Returns a member's stored feed, as entries like the oracle's."""
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
        """Returns the seqs of the events that are held from a member."""
        sql = "SELECT seq FROM held WHERE family_id = $1 AND member_id = $2 ORDER BY seq"
        return [row[0] for row in await self.pool.fetch(sql, family, member)]

    async def replayed(self, family: FamilyId) -> tuple[Any, ...]:
        """Returns the differences between the stored rows and the rows of a replay."""
        async with self.pool.acquire() as connection:
            return (await replay_family(connection, family, swap=False)).differences


def transactions(events: list[Event[Any]], cuts: list[bool]) -> Iterator[tuple[datetime, list[Event[Any]]]]:
    """Groups events into transactions. The events of one transaction have the same time of receipt; `cuts` can end it earlier."""
    together: list[Event[Any]] = []
    for index, event in enumerate(events):
        if together and (cuts[index % len(cuts)] or event.received_at != together[0].received_at or len(together) == 40):
            yield together[0].received_at, together
            together = []
        together.append(event)
    yield together[0].received_at, together


def offers_of(
    family: FamilyId, events: list[Event[Any]], joining: dict[MemberId, Member]
) -> tuple[list[AppendRequest], list[list[Event[Any]]]]:
    offers, offered = [], []
    for (author, by_service), group in groupby(events, key=lambda event: (event.author, isinstance(event.event, ServiceBody))):
        written = list(group)
        offers.append(
            AppendRequest(
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


def entries_of(written: list[Event[Any]]) -> tuple[LedgerEntry, ...]:
    """Returns a ledger entry for a daycare's record; without one, the append refuses what was found in the record's words."""
    if not any(is_read(event.event) for event in written):
        return ()
    return (LedgerEntry(source="journal", record=str(written[0].id), expects=0, drafts=len(written), said=b"{}"),)


def is_read(body: Body) -> bool:
    """Checks whether an event has content that the service found in a daycare's words."""
    match body:
        case MilestoneObserved(found_in_prose=found):
            return found
        case NoteWritten(may_tell_of=keys):
            return bool(keys)
    return False


def draft_of(event: Event[Any]) -> Draft[Any]:
    return Draft(
        id=event.id,
        occurred_at=event.occurred_at,
        precision=event.precision,
        recorded_at=event.recorded_at,
        audience=None if isinstance(event.event.audience, AsTarget) or isinstance(event.event, ServiceBody) else event.audience,
        event=event.event,
    )


