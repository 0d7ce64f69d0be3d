"""Tests the replay: it folds the log again, finds each row that differs from the result, and corrects the row."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from pogo_core.util.migrate import rollback
from uuid_utils.compat import uuid7

from service.log.append_request import Receipt
from service.log.log import Log
from service.postgres.migrate import FOLDER, SCHEMA, migrate
from service.replay import ReplayResult, replay
from tests.families import Family, drafted, found, join, leave, log_on, note, outcomes, push, saw

TABLES = ("household", "child", "member", "own_milestone", "feed_run", "sighting", "waiting", "held")
OWN = "own.0193a2b4-0000-7000-8000-000000000000"


@pytest.fixture
async def log(database_url: str, pool: asyncpg.Pool) -> AsyncIterator[Log]:
    """Starts a log, as a service process does."""
    async with log_on(database_url, pool) as one:
        yield one


async def rows(pool: asyncpg.Pool) -> dict[str, list[str]]:
    """Returns all rows of the projections, by table."""
    return {table: sorted(str(tuple(row.values())) for row in await pool.fetch(f"SELECT * FROM {table}")) for table in TABLES}


async def with_a_history(log: Log) -> Family:
    """Writes a history that fills all tables: gaps in feeds, a late joiner, a member who leaves, and a milestone named twice."""
    family = await found(log, with_everybody=False)
    first = saw(family)
    await push(log, family, family.ada, first, note(family, audience="me"), note(family, audience="household"))
    for member in family.members[1:]:
        await join(log, family, member)
    second = saw(family, audience="household")
    named = drafted("MilestoneNamed", milestone=OWN, title="First puddle", domain="life")
    receipts = await push(
        log, family, family.ada,
        second, named, saw(family, OWN), drafted("Cheered", about=first["id"]),
        drafted("ParentFirstSaw", child=family.child, milestone="movement.first-steps", how="clip", feelings="tears"),
        drafted("Amended", target=first["id"], changes={"precision": "day"}),
    )  # fmt: skip
    receipts += await push(log, family, family.ada, drafted("Withdrawn", target=second["id"]))
    await push(log, family, family.daycare, saw(family), *(note(family) for _ in range(250)))
    receipts += await push(log, family, family.ben, *(saw(family, "movement.crawls") for _ in range(40)))
    await push(log, family, family.sitter, *(note(family) for _ in range(250)))
    receipts += await with_surprises(log, family)
    await leave(log, family, family.granny)
    receipts += await push(
        log, family, family.ben, drafted("MilestoneNamed", milestone=OWN, title="A puddle!", domain="life"), note(family)
    )
    assert set(outcomes(receipts)) == {"recorded"}
    return family


async def with_surprises(log: Log, family: Family) -> tuple[Receipt, ...]:
    """Writes choices and held events: Ben keeps talking and has hints for hands, and Gran, who leaves later, keeps everything."""
    laughed, said, drew, stacked = "talking.coos", "talking.first-word", "hands.scribbles", "hands.stacks-two"
    seen = [saw(family, milestone) for milestone in (laughed, said, drew, stacked)]
    receipts = await push(
        log, family, family.ben,
        drafted("SurpriseChosen", scope="domain:talking", mode="keep", at_most_days=30),
        drafted("SurpriseChosen", scope="domain:hands", mode="hint", hold_unsorted=True),
    )  # fmt: skip
    receipts += await push(log, family, family.granny, drafted("SurpriseChosen", scope="all", mode="keep"))
    receipts += await push(log, family, family.sitter, *seen, drafted("Cheered", about=seen[1]["id"]), note(family, "a good day"))
    receipts += await push(log, family, family.ben, saw(family, laughed, audience="me"))
    receipts += await push(log, family, family.sitter, drafted("Withdrawn", target=seen[3]["id"]))
    return receipts


DAMAGES = {
    "household": "UPDATE household SET name = 'Elsewhere'",
    "household gone": "DELETE FROM household",
    "household more": "INSERT INTO household SELECT family_id, gen_random_uuid(), 'Elsewhere' FROM family",
    "child": "UPDATE child SET born = '2020-01-01'",
    "child gone": "DELETE FROM child WHERE name = 'Mia'",
    "member": "UPDATE member SET sees = 'all' WHERE role = 'daycare'",
    "member back": "UPDATE member SET has_left = false",
    "member elsewhere": "UPDATE member SET household_id = gen_random_uuid() WHERE name = 'Sam'",
    "member gone": "DELETE FROM member WHERE name = 'Ben'",
    "own_milestone": "UPDATE own_milestone SET title = 'First mud'",
    "own_milestone named": "UPDATE own_milestone SET named_at = named_at - interval '1 second'",
    "own_milestone nowhere": "UPDATE own_milestone SET domain = 'nowhere'",
    "own_milestone gone": "DELETE FROM own_milestone",
    "feed_run longer": "UPDATE feed_run SET length = length + 1 WHERE length < 256 AND hint IS NULL AND seqs IS NULL",
    "feed_run moved": "UPDATE feed_run SET first_seq = first_seq + 1 WHERE first_place = 1",
    "feed_run chain": "UPDATE feed_run SET chain = sha256(chain) WHERE first_place = 1",
    "feed_run chain before": "UPDATE feed_run SET chain_before = sha256(chain) WHERE first_place > 1",
    "feed_run released": "UPDATE feed_run SET released = 'opened' WHERE first_place = 1",
    "feed_run told": "UPDATE feed_run SET told_at = now() WHERE seqs IS NULL",
    "feed_run list": "UPDATE feed_run SET seqs[length] = seqs[length] + 1000 WHERE length > 1 AND seqs IS NOT NULL",
    "feed_run gone": "DELETE FROM feed_run WHERE first_place > 1",
    "feed_run more": "INSERT INTO feed_run SELECT family_id, gen_random_uuid(), first_place, first_seq, length, released,"
                     " told_at, chain_before, chain FROM feed_run WHERE first_place = 1 LIMIT 1",
    "sighting": "UPDATE sighting SET body = (SELECT body FROM sighting ORDER BY seq DESC LIMIT 1) WHERE seq < 20",
    "sighting unreadable": "UPDATE sighting SET body = 'x'",
    "sighting gone": "DELETE FROM sighting WHERE seq < 20",
    "sighting more": "INSERT INTO sighting SELECT family_id, member_id, seq + 10000, body, child_id, milestone FROM sighting",
    "sighting of another": "UPDATE sighting SET child_id = NULL, milestone = NULL",
    "sighting of something else": "UPDATE sighting SET milestone = 'claps' WHERE milestone <> 'claps'",
    "feed_run hint": "UPDATE feed_run SET hint = 'x' WHERE hint IS NOT NULL",
    "waiting": "UPDATE waiting SET body = convert_to(replace(convert_from(body, 'UTF8'), 'keep', 'tell'), 'UTF8')",
    "waiting longer": "UPDATE waiting SET at_most_days = 31 WHERE at_most_days = 30",
    "waiting unreadable": "UPDATE waiting SET body = 'x'",
    "waiting more": "INSERT INTO waiting SELECT family_id, gen_random_uuid(), at_most_days, body FROM waiting",
    "held gone": "DELETE FROM held",
    "held longer": "UPDATE held SET since = since - interval '1 day'",
    "held unreadable": "UPDATE held SET body = 'x'",
    "held as a name": "UPDATE held SET is_name = NOT is_name",
    "held more": "INSERT INTO held SELECT family_id, member_id, seq + 10000, since, is_name, body FROM held",
}  # fmt: skip


async def test_the_live_rows_are_what_the_log_says(log: Log, pool: asyncpg.Pool, database_url: str) -> None:
    """Law 11: the replay of three families finds no difference."""
    for _ in range(3):
        await with_a_history(log)
    replayed = await replay(database_url, check=True, processes=1)
    assert (replayed.families, replayed.differences) == (3, ())
    assert replayed.events == await pool.fetchval("SELECT count(*) FROM event")


async def test_replay_finds_what_was_damaged_and_mends_it(log: Log, pool: asyncpg.Pool, database_url: str) -> None:
    """Law 11: a check finds each damage to a table of the projections and changes nothing. A replay mends each damage."""
    await with_a_history(log)
    before = await rows(pool)
    for damage, statement in DAMAGES.items():
        await pool.execute(statement)
        damaged = await rows(pool)
        assert damaged != before, f"{damage}: nothing was damaged"
        checked = await replay(database_url, check=True, processes=1)
        assert {difference.table for difference in checked.differences} == {damage.split()[0]}, damage
        assert await rows(pool) == damaged, f"{damage}: a check changed something"
        mended = await replay(database_url, check=False, processes=1)
        assert mended.differences == checked.differences, damage
        assert await rows(pool) == before, damage
        assert await replay(database_url, check=True, processes=1) == ReplayResult(families=1, events=mended.events), damage


async def test_every_table_of_the_projections_is_damaged_once(pool: asyncpg.Pool) -> None:
    """Law 11: the damages of this file cover each table of the projections. A new table without a damage fails the test."""
    tables = await pool.fetch("SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'"
                              " AND column_name = 'family_id'")  # fmt: skip
    of_access = {
        "membership", "invite", "daycare", "daycare_code", "daycare_child", "importer", "ledger", "shared_record",
        "family_secret", "webhook",
    }  # fmt: skip
    of_clips = {"clip", "clip_attachment", "clip_file", "clip_piece", "clip_upload"}
    assert {row["table_name"] for row in tables} - of_access - of_clips - {"family", "event"} == set(TABLES)
    assert {damage.split()[0] for damage in DAMAGES} == set(TABLES)


async def test_a_difference_says_no_name_and_no_word(log: Log, pool: asyncpg.Pool, database_url: str) -> None:
    """Law 14: the report for an operator contains ids and places, and no names."""
    await with_a_history(log)
    for statement in DAMAGES.values():
        await pool.execute(statement)
    said = str(await replay(database_url, check=True, processes=1))
    assert [
        word for word in ("Ada", "Ben", "Mia", "Sunflowers", "puddle", "mud", "Home", "good day", "tears") if word in said
    ] == []


async def test_a_log_with_a_hole_is_no_ground_to_fold_on(log: Log, pool: asyncpg.Pool, database_url: str) -> None:
    """Law 3: if an event is missing in the log, the replay raises an error that names its seq."""
    await with_a_history(log)
    await pool.execute("UPDATE family SET last_seq = last_seq + 1")
    with pytest.raises(LookupError, match="has no event"):
        await replay(database_url, check=True, processes=1)


async def test_a_replay_while_others_write_loses_nothing(log: Log, pool: asyncpg.Pool, database_url: str) -> None:
    """Law 11: after damages, replays and pushes in turn, a check finds no difference."""
    family = await with_a_history(log)
    for number in range(6):
        await pool.execute(list(DAMAGES.values())[13 + number])
        await replay(database_url, check=False, processes=1)
        await push(log, family, family.ben, saw(family, id=uuid7()))
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_a_service_that_met_damaged_rows_writes_rightly_once_they_are_mended(
    log: Log, pool: asyncpg.Pool, database_url: str
) -> None:
    """Law 11: after the repair, a committer does not use what it has cached from the damaged rows."""
    family = await with_a_history(log)
    await pool.execute("UPDATE feed_run SET chain = sha256(chain) WHERE told_at IS NULL")
    async with log_on(database_url, pool) as restarted:
        draft = note(family)
        await push(restarted, family, family.ada, draft)
        await replay(database_url, check=False, processes=1)
        await push(restarted, family, family.ada, note(family), drafted("Cheered", about=draft["id"]))
    assert (await replay(database_url, check=True, processes=1)).differences == ()


async def test_rows_from_before_own_sightings_had_subjects_become_what_this_release_would_have_written(
    log: Log, pool: asyncpg.Pool, database_url: str
) -> None:
    """Law 11: the migrations since 0008 fill the tables of a family with the rows that a replay finds right."""
    await with_a_history(log)
    connection = await asyncpg.connect(database_url)
    since = sorted(path.stem for path in FOLDER.glob("*.sql") if path.stem >= "0008_own_sightings_by_subject")
    await rollback(connection, FOLDER, schema_name=SCHEMA, count=len(since))
    await connection.close()
    assert await migrate(database_url) == since
    assert (await replay(database_url, check=True, processes=1)).differences == ()
