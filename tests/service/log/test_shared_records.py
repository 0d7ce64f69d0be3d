"""Tests one event that two importers share: in any order of their requests, no word is lost, and no word is there twice."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from events.amend import Amended, Changes, Withdrawn
from events.event import Draft, Precision, Role
from events.family import MemberJoined, Sees
from events.ids import EventId, MemberId
from events.observations import NoteWritten
from service.log.append import append
from service.log.append_request import AppendRequest, LedgerEntry, Like, Overtaken, Receipt
from service.log.family_batch import FamilyCache
from service.log.log import Log
from service.replay import replay
from tests.families import Family, feed_of, found

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SOURCE, RECORD = "plain", "r-1"


def id_of(number: int) -> EventId:
    return EventId(UUID(int=0x8 << 76 | 0x2 << 62 | number))


def told(number: int, text: str, family: Family) -> Draft[Any]:
    body = NoteWritten(child=family.child, text=text)
    return Draft(id=id_of(number), occurred_at=NOW, precision=Precision.MINUTE, recorded_at=NOW, event=body)


class Importers:
    """Two importers of one source, and the requests of each for one record."""

    def __init__(self, pool: asyncpg.Pool, family: Family, ben: MemberId) -> None:
        self.pool, self.family = pool, family
        self.ada, self.ben = family.daycare, ben
        self.like = Like(author=self.ada, events=(id_of(1),))

    def offer(self, author: MemberId, *drafts: Draft[Any], **entry: Any) -> AppendRequest:
        one = LedgerEntry(source=SOURCE, record=RECORD, drafts=len(drafts), said=b"{}", **entry)
        return AppendRequest(family=self.family.family, author=author, drafts=drafts, entries=(one,))

    def adas(self) -> AppendRequest:
        return self.offer(self.ada, told(1, "a bruise", self.family), expects=0, beside=())

    def bens(self) -> AppendRequest:
        own = told(2, "a bruise", self.family)
        return self.offer(self.ben, own, expects=0, beside=((self.ada, 1),), like=(self.like,))

    def adas_change(self) -> AppendRequest:
        changed = Amended(target=id_of(1), changes=Changes(text="Ada's words"))
        draft = Draft(id=id_of(3), occurred_at=NOW, precision=Precision.MINUTE, recorded_at=NOW, event=changed)
        return self.offer(self.ada, draft, expects=1)

    def bens_change(self, *, expects: int) -> AppendRequest:
        return self.offer(self.ben, told(4, "Ben's words", self.family), expects=expects, ends_share=True)

    def takes_back(self) -> AppendRequest:
        gone = Draft(
            id=id_of(5), occurred_at=NOW, precision=Precision.MINUTE, recorded_at=NOW, event=Withdrawn(target=id_of(1))
        )
        return self.offer(self.ada, gone, expects=1)

    async def written(self, *offers: AppendRequest) -> list[str]:
        """Appends requests in one transaction, and returns the outcome of each."""
        async with self.pool.acquire() as connection, connection.transaction():
            appended = await append(connection, offers, now=datetime.now(UTC), cache=FamilyCache())
        return [_outcome(one) for one in appended.receipts]

    async def read(self) -> list[str]:
        """Returns what Ben reads of the record, in order: the text of each event, or its type if it has no text."""
        said = [one["event"]["event"] for one in await feed_of(self.pool, self.family, self.family.ben)]
        return [
            one.get("text") or one.get("changes", {}).get("text") or one["type"]
            for one in said
            if one["type"] in ("NoteWritten", "Amended", "Withdrawn")
        ]

    async def revision(self) -> int:
        sql = "SELECT revision FROM ledger WHERE family_id = $1 AND member_id = $2"
        return int(await self.pool.fetchval(sql, self.family.family, self.ben))

    async def shares(self) -> int:
        return int(await self.pool.fetchval("SELECT count(*) FROM shared_record"))


def _outcome(receipts: tuple[Receipt, ...] | BaseException) -> str:
    if isinstance(receipts, BaseException):
        return "overtaken" if isinstance(receipts, Overtaken) else "gone"
    return ", ".join(one.outcome for one in receipts)


@pytest.fixture
async def both(log: Log, pool: asyncpg.Pool) -> Importers:
    family = await found(log)
    ben = MemberId(uuid4())
    joins = MemberJoined(member=ben, name="Plain", role=Role.DAYCARE, household=family.other_home, sees=Sees.OWN)
    async with log.transaction() as writing:
        await writing.write(family=family.family, author=family.ben, facts=(joins,))
    for importer, parent in ((family.daycare, family.ada), (ben, family.ben)):
        await pool.execute(
            "INSERT INTO importer (family_id, source, person_id, member_id, imported_by) VALUES ($1, $2, $3, $4, $5)",
            family.family, SOURCE, uuid4(), importer, parent,
        )  # fmt: skip
    return Importers(pool, family, ben)


@pytest.fixture
async def shared(both: Importers) -> Importers:
    """Writes the record by Ada's importer, and then by Ben's importer, which shares the event."""
    assert await both.written(both.adas()) == ["recorded"]
    assert await both.written(both.bens()) == ["recorded"]
    assert (await both.read(), await both.shares()) == (["a bruise"], 1)
    return both


async def test_of_two_new_records_in_one_transaction_the_second_is_made_again(both: Importers, database_url: str) -> None:
    alone = both.offer(both.ben, told(2, "a bruise", both.family), expects=0, beside=())
    assert await both.written(both.adas(), alone) == ["recorded", "overtaken"]
    assert await both.written(both.bens()) == ["recorded"]
    assert await both.read() == ["a bruise"]


async def test_a_record_that_the_other_importer_has_changed_since_is_made_again(both: Importers) -> None:
    await both.written(both.adas())
    assert await both.written(both.adas_change(), both.bens()) == ["recorded", "overtaken"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_was_made_of_a_shared_record_is_made_again_once_it_has_its_own_event(
    shared: Importers, database_url: str, at_once: bool
) -> None:
    """Law 20: Ada's change gives Ben's record its own event. Ben's change, made for the shared event, is overtaken by Ada's."""
    if at_once:
        assert await shared.written(shared.adas_change(), shared.bens_change(expects=1)) == ["recorded", "overtaken"]
    else:
        assert await shared.written(shared.adas_change()) == ["recorded"]
        assert await shared.written(shared.bens_change(expects=1)) == ["overtaken"]
    assert await shared.read() == ["a bruise", "Ada's words", "a bruise"]
    assert (await shared.revision(), await shared.shares()) == (2, 0)
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_a_record_that_says_its_own_is_left_alone_when_the_other_is_changed(shared: Importers) -> None:
    assert await shared.written(shared.bens_change(expects=1), shared.adas_change()) == ["recorded", "recorded"]
    assert await shared.read() == ["a bruise", "Ben's words", "Ada's words"]
    assert (await shared.revision(), await shared.shares()) == (2, 0)


@pytest.mark.parametrize("what", ["adas_change", "takes_back"])
async def test_what_is_shared_and_parted_in_one_transaction_has_its_own_event(
    both: Importers, database_url: str, what: str
) -> None:
    """Law 20: if one transaction shares an event and changes the event, the second importer gets an event of its own."""
    await both.written(both.adas())
    assert await both.written(both.bens(), getattr(both, what)()) == ["recorded", "recorded"]
    assert await both.read() == ["a bruise", "Ada's words" if what == "adas_change" else "Withdrawn", "a bruise"]
    assert (await both.revision(), await both.shares()) == (2, 0)
    assert await both.written(both.offer(both.ben, told(6, "more", both.family), expects=2)) == ["recorded"]
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_a_change_that_is_refused_leaves_the_record_shared(shared: Importers) -> None:
    """Law 17: a refused draft changes nothing, so it does not end the sharing."""
    late = Draft(
        id=id_of(7), occurred_at=datetime(2999, 1, 1, tzinfo=UTC), precision=Precision.MINUTE, recorded_at=NOW,
        event=NoteWritten(child=shared.family.child, text="from the future"),
    )  # fmt: skip
    assert await shared.written(shared.offer(shared.ben, late, expects=1, ends_share=True)) == ["refused"]
    assert (await shared.revision(), await shared.shares()) == (1, 1)
    await shared.written(shared.takes_back())
    assert await shared.read() == ["a bruise", "Withdrawn", "a bruise"]
