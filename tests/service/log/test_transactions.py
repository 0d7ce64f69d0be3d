"""Tests transactions: what commits together, what a failure stops, and that writers do not deadlock."""

import asyncio
import contextlib
import random
import time
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from events.ids import FamilyId
from service.log.append import append
from service.log.append_request import AppendRequest, LogUnavailable, Receipt
from service.log.family_batch import FamilyCache
from service.log.group_commit import DRAFTS_PER_TRANSACTION
from service.log.log import Log
from tests.families import Draft, Family, drafted, found, log_on, note, outcomes, pull, push, pushed, saw
from tests.service.log.test_order import assert_the_log_has_no_hole

HEADS = "SELECT array_agg(last_seq ORDER BY family_id) FROM family WHERE family_id = ANY($1)"
TAKE = "UPDATE family SET last_seq = last_seq WHERE family_id = $1"


async def test_a_batch_for_several_families_commits_whole_or_not_at_all(log: Log, pool: asyncpg.Pool) -> None:
    """Law 5: a reader sees the events of both families or of neither, and a batch that fails leaves none."""
    families = (await found(log), await found(log))
    ids = [one.family for one in families]
    before = await pool.fetchval(HEADS, ids)
    is_over = False

    async def look() -> set[int]:
        ahead = set()
        while not is_over:
            heads = await pool.fetchval(HEADS, ids)
            ahead.add((heads[0] - before[0]) - (heads[1] - before[1]))
        return ahead

    looking = asyncio.create_task(look())
    async with pool.acquire() as connection:
        for number in range(20):
            transaction = connection.transaction()
            await transaction.start()
            offers = [AppendRequest(family=one.family, author=one.ada, drafts=pushed([note(one)] * 3).drafts) for one in families]
            await append(connection, offers, now=datetime.now(UTC), cache=FamilyCache())
            await (transaction.rollback() if number % 4 == 3 else transaction.commit())
    is_over = True
    assert await looking == {0}
    assert await pool.fetchval(HEADS, ids) == [head + 15 for head in before]
    for one in families:
        await assert_the_log_has_no_hole(pool, one)


async def test_writers_who_take_the_same_families_in_opposite_order_do_not_wait_for_each_other(
    database_url: str, pool: asyncpg.Pool
) -> None:
    """Law 5: a batch takes only families that are free, and does not wait while it has a lock. So there is no deadlock."""
    families = [Family(family=FamilyId(uuid)) for uuid in (uuid4() for _ in range(99)) if uuid.int % 2 == 0][:2]
    rival = await asyncpg.connect(database_url)
    async with log_on(database_url, pool) as log, asyncio.timeout(20):
        for family in families:
            await found(log, family=family)
        for held, wanted in (families, reversed(families)):
            async with rival.transaction():
                await rival.execute(TAKE, held.family)
                # Both come to one committer in one turn of the loop, so they are in one batch.
                behind = asyncio.create_task(push(log, held, held.ada, note(held), saw(held)))
                receipts = await push(log, wanted, wanted.ada, note(wanted), saw(wanted))
                assert outcomes(receipts) == ["recorded"] * 2
                await rival.execute("SELECT FROM family WHERE family_id = $1 FOR UPDATE NOWAIT", wanted.family)
                assert not behind.done()
            assert outcomes(await behind) == ["recorded"] * 2
    await rival.close()
    for one in families:
        assert len((await pull(pool, one, one.ada)).entries) == 10 + 4
        await assert_the_log_has_no_hole(pool, one)


async def test_a_refused_draft_stops_no_other_and_receipts_keep_the_order(log: Log, pool: asyncpg.Pool) -> None:
    """The valid drafts of a push are recorded beside refused ones. Each refusal has the index of its draft."""
    family = await found(log)
    kept = note(family, "already there")
    await push(log, family, family.daycare, kept)
    first = saw(family)
    drafts = [
        drafted("Cheered", about=first["id"]),
        first,
        saw(family, child=family.family),
        drafted("ParentFirstSaw", child=family.child, milestone="movement.first-steps", how="clip"),
        kept,
        note(family, ""),
        note(family, "last"),
        {"id": "nothing"},
    ]
    receipts = await push(log, family, family.daycare, *drafts)
    assert outcomes(receipts) == [
        "event.role_may_not", "recorded", "event.unknown_child", "event.role_may_not",
        "already_recorded", "body.invalid", "recorded", "body.invalid",
    ]  # fmt: skip
    assert [str(receipt.id) for receipt in receipts[:7]] == [draft["id"] for draft in drafts[:7]]
    at = [receipt.problem.at for receipt in receipts if receipt.problem]
    assert at == [
        "drafts[0].event.type", "drafts[2].event.child", "drafts[3].event.type", "drafts[5].event.text", "drafts[7].id",
    ]  # fmt: skip
    assert receipts[6].place == (receipts[1].place or 0) + 1
    await assert_the_log_has_no_hole(pool, family)


async def test_the_accepted_drafts_of_a_push_are_seen_together(log: Log, pool: asyncpg.Pool) -> None:
    """A reader who reads all the time never sees a part of a push."""
    family = await found(log)
    base = (await pull(pool, family, family.ben)).place
    is_over = False

    async def look() -> set[int]:
        places = set()
        while not is_over:
            places.add((await pull(pool, family, family.ben)).place - base)
        return places

    looking = asyncio.create_task(look())
    for _ in range(12):
        await push(log, family, family.ada, *(note(family) for _ in range(24)), saw(family, child=family.family), note(family))
    is_over = True
    assert {place % 25 for place in await looking} == {0}
    assert (await pull(pool, family, family.ben)).place == base + 12 * 25


async def test_a_push_whose_connection_dies_is_there_whole_or_not_at_all(log: Log, pool: asyncpg.Pool, database_url: str) -> None:
    """Law 1: all drafts of the push are recorded, or none. If they are sent again, each has one place in the feed."""
    family = await found(log)
    owner = await asyncpg.connect(database_url)
    draw = random.Random(1)
    fates = set()
    began_s = time.monotonic()
    await push(log, family, family.ada, *(note(family) for _ in range(60)))
    takes_s = time.monotonic() - began_s
    for number in range(24):
        drafts = [note(family) for _ in range(60)]
        before = (await pull(pool, family, family.ben)).place
        sending = asyncio.create_task(push(log, family, family.ada, *drafts))
        await asyncio.sleep(draw.random() * 1.5 * takes_s if number else 0)
        if (connection := log._committer._connection) is not None and not connection.is_closed():
            await owner.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        with contextlib.suppress(LogUnavailable):
            await sending
        there = (await pull(pool, family, family.ben)).place - before
        assert there in (0, 60)
        fates.add((there, sending.exception() is None))
        again = await answered(log, family, drafts)
        assert set(outcomes(again)) == {"already_recorded" if there else "recorded"}
        assert [receipt.place for receipt in again] == list(range(before + 1, before + 61))
    await owner.close()
    assert len(fates) > 1, f"every kill came too early, or every one too late: {fates}"


async def answered(log: Log, family: Family, drafts: list[Draft]) -> tuple[Receipt, ...]:
    """Pushes drafts until the log answers, and returns the receipts. A push fails if its pooled connection is dead."""
    for _ in range(5):
        with contextlib.suppress(LogUnavailable):
            return await push(log, family, family.ada, *drafts)
    raise AssertionError("the log came not back")


async def test_pushes_at_one_time_share_commits_and_no_transaction_is_too_large(log: Log, pool: asyncpg.Pool) -> None:
    """Law 17: a transaction has at most 500 drafts. Pushes that arrive meanwhile share the next commit."""
    family = await found(log)
    pushes = [[saw(family) for _ in range(90)] for _ in range(20)]
    members = family.members
    receipts = await asyncio.gather(*(push(log, family, members[number % 5], *drafts) for number, drafts in enumerate(pushes)))
    assert {outcome for one in receipts for outcome in outcomes(one)} == {"recorded"}
    sizes = [
        row["count"]
        for row in await pool.fetch(
            "SELECT count(*) FROM event WHERE family_id = $1 AND kind = 'MilestoneObserved' GROUP BY xmin", family.family
        )
    ]
    assert sum(sizes) == 1_800
    assert max(sizes) <= DRAFTS_PER_TRANSACTION
    assert len(sizes) < len(pushes)
    await assert_the_log_has_no_hole(pool, family)
