"""Tests that a repeated draft is the same event, and that another draft with its id is refused."""

import asyncio
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from service.log.log import Log
from tests.families import Family, drafted, found, join, leave, log_on, note, outcomes, pull, push, saw


async def rows_of(pool: asyncpg.Pool, draft_id: str) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM event WHERE event_id = $1", UUID(draft_id))
    return count


async def head_of(pool: asyncpg.Pool, family: Family) -> int:
    seq: int = await pool.fetchval("SELECT last_seq FROM family WHERE family_id = $1", family.family)
    return seq


async def test_a_draft_that_is_sent_a_hundred_times_at_once_is_one_event(
    log: Log, other_log: Log, pool: asyncpg.Pool, database_url: str
) -> None:
    """Law 2: all receipts of a repeated draft have the same place, through two processes and after a restart."""
    family = await found(log)
    draft = saw(family)
    sent = (push((log, other_log)[number % 2], family, family.ben, draft) for number in range(100))
    receipts = [receipt for (receipt,) in await asyncio.gather(*sent)]
    async with log_on(database_url, pool) as restarted:
        receipts += await push(restarted, family, family.ben, draft)
    assert sorted(outcomes(receipts)) == ["already_recorded"] * 100 + ["recorded"]
    assert {(receipt.id, receipt.place) for receipt in receipts} == {(UUID(draft["id"]), receipts[0].place)}
    assert await rows_of(pool, draft["id"]) == 1
    found_page = await pull(pool, family, family.ben)
    assert [draft["id"].encode() in entry for _, entry in found_page.entries].count(True) == 1


async def test_a_push_that_is_sent_again_gets_the_same_receipts(log: Log) -> None:
    """Law 2: a repeated push gets the same receipts, also for refused drafts and for drafts that refer to each other."""
    family = await found(log)
    observed = saw(family)
    drafts = [observed, drafted("Cheered", about=uuid7()), drafted("Cheered", about=observed["id"]), note(family, audience="me")]
    first = await push(log, family, family.ada, *drafts)
    again = await push(log, family, family.ada, *drafts)
    assert outcomes(first) == ["recorded", "event.unknown_target", "recorded", "recorded"]
    assert outcomes(again) == ["already_recorded", "event.unknown_target", "already_recorded", "already_recorded"]
    assert [(one.id, one.place, one.problem) for one in first] == [(one.id, one.place, one.problem) for one in again]


async def test_a_draft_that_stands_twice_in_a_push_is_one_event(log: Log, pool: asyncpg.Pool) -> None:
    """Law 2: a draft that occurs twice in one push is recorded once."""
    family = await found(log)
    draft = saw(family)
    receipts = await push(log, family, family.ada, draft, draft)
    assert outcomes(receipts) == ["recorded", "already_recorded"]
    assert receipts[0].place == receipts[1].place
    assert await rows_of(pool, draft["id"]) == 1


async def test_an_id_that_is_reused_for_other_content_changes_nothing(log: Log, pool: asyncpg.Pool) -> None:
    """Law 2: other content with a used id is refused. The first draft stays, and still gets its receipt when it is sent again."""
    family = await found(log)
    draft = note(family, "the first words")
    await push(log, family, family.ada, draft)
    before, head = await pull(pool, family, family.ada), await head_of(pool, family)
    for other in (
        note(family, "other words", id=draft["id"], at=draft["occurred_at"]),
        draft | {"precision": "day"},
        draft | {"audience": "me"},
        saw(family, id=draft["id"], at=draft["occurred_at"]),
    ):
        (refused,) = await push(log, family, family.ada, other)
        assert (outcomes([refused]), refused.problem and refused.problem.at) == (["event.id_reused"], "drafts[0].id")
    assert (await pull(pool, family, family.ada), await head_of(pool, family)) == (before, head)
    assert outcomes(await push(log, family, family.ada, draft)) == ["already_recorded"]


async def test_two_members_may_use_the_same_id(log: Log, pool: asyncpg.Pool) -> None:
    """Two members can use the same id, so the use of an id does not reveal whether another member has used this id."""
    family = await found(log)
    hers = note(family, "for me alone", audience="me")
    await push(log, family, family.ada, hers)
    his = note(family, "his own words", id=hers["id"])
    (receipt,) = await push(log, family, family.ben, his)
    assert receipt.outcome == "recorded"
    assert outcomes(await push(log, family, family.ben, his)) == ["already_recorded"]
    assert outcomes(await push(log, family, family.ada, hers)) == ["already_recorded"]
    assert await rows_of(pool, hers["id"]) == 2


async def test_an_author_mends_their_own_words_whoever_else_used_the_id(log: Log) -> None:
    """Two authors used one id. An amendment or a withdrawal applies to the event of its own author."""
    family = await found(log)
    hers = note(family, "hers")
    await push(log, family, family.ada, hers)
    his = note(family, "his", id=hers["id"])
    amends = drafted("Amended", target=his["id"], changes={"text": "his, said better"})
    withdraws = drafted("Withdrawn", target=his["id"])
    assert outcomes(await push(log, family, family.ben, his, amends, withdraws)) == ["recorded"] * 3


async def test_the_id_of_a_roster_fact_is_an_id_like_any_other(log: Log, pool: asyncpg.Pool) -> None:
    """Law 17: the id of a MemberLeft is refused as a target, and accepted as the id of a draft."""
    family = await found(log)
    await leave(log, family, family.sitter)
    left = await pool.fetchval("SELECT event_id FROM event WHERE family_id = $1 AND kind = 'MemberLeft'", family.family)
    receipts = await push(
        log, family, family.ada, drafted("Cheered", about=left), drafted("Withdrawn", target=left), note(family, id=left)
    )
    assert outcomes(receipts) == ["event.unknown_target", "event.not_the_author", "recorded"]


async def test_who_has_left_and_comes_back_begins_anew(log: Log) -> None:
    """Law 2: a person who joins again is a new author. So a draft that was sent before is recorded as a new event."""
    family = await found(log)
    draft = note(family)
    await push(log, family, family.granny, draft)
    await leave(log, family, family.granny)
    again = Family(**{**vars(family), "granny": Family().granny})
    await join(log, again, again.granny)
    assert outcomes(await push(log, again, again.granny, draft)) == ["recorded"]
