"""Tests that no row of the log can be changed or deleted: privileges prevent changes, and a trigger does so for the owner."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from service.log.log import Log
from tests.families import drafted, feed_of, found, note, push

CHANGES = (
    "UPDATE event SET body = ''",
    "UPDATE event SET seq = seq WHERE seq = 1",
    "DELETE FROM event",
    "DELETE FROM event WHERE seq = 1",
    "TRUNCATE event",
    "INSERT INTO event SELECT * FROM event WHERE seq = 1 ON CONFLICT (family_id, seq) DO UPDATE SET body = ''",
    "MERGE INTO event USING event AS same ON event.seq = same.seq AND event.family_id = same.family_id WHEN MATCHED THEN DELETE",
)
UNDOINGS = (
    "ALTER TABLE event DISABLE TRIGGER event_is_append_only",
    "DROP TRIGGER event_is_append_only ON event",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "GRANT ALL ON event TO stillnew_app",
    "DROP TABLE event",
)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connects as the owner of the tables. No privilege check applies to an owner."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def written(log: Log, pool: asyncpg.Pool) -> list[asyncpg.Record]:
    family = await found(log)
    await push(log, family, family.ada, note(family))
    return await rows(pool)


async def rows(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    found: list[asyncpg.Record] = await pool.fetch("SELECT * FROM event ORDER BY family_id, seq")
    return found


@pytest.mark.parametrize("change", CHANGES)
async def test_the_service_cannot_change_what_was_written(log: Log, pool: asyncpg.Pool, change: str) -> None:
    """Law 4: the service's login lacks the privilege for each change of the log."""
    before = await written(log, pool)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(change)
    assert await rows(pool) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_the_owner_cannot_change_what_was_written(
    log: Log, pool: asyncpg.Pool, owner: asyncpg.Connection, change: str
) -> None:
    """Law 4: a trigger refuses each change by the owner, whom no privilege check stops."""
    before = await written(log, pool)
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute(change)
    assert await rows(pool) == before


@pytest.mark.parametrize("undoing", UNDOINGS)
async def test_the_service_cannot_take_the_guard_away(pool: asyncpg.Pool, undoing: str) -> None:
    """Law 4: the service cannot grant itself a privilege. A GRANT without effect only warns, so the test reads the privilege."""
    refused = False
    try:
        await pool.execute(undoing)
    except asyncpg.InsufficientPrivilegeError:
        refused = True
    held = await pool.fetchval("SELECT has_table_privilege('event', 'UPDATE') OR has_table_privilege('event', 'DELETE')")
    assert (held, refused or undoing.startswith("GRANT")) == (False, True)


async def test_an_amendment_leaves_the_first_words_in_the_log(log: Log, pool: asyncpg.Pool) -> None:
    """Law 4: the first version of an amended or withdrawn event stays in the log, unchanged."""
    family = await found(log)
    draft = note(family, "the first words")
    await push(log, family, family.ada, draft)
    before = await feed_of(pool, family, family.ben)
    await push(
        log, family, family.ada,
        drafted("Amended", target=draft["id"], changes={"text": "better words"}), drafted("Withdrawn", target=draft["id"]),
    )  # fmt: skip
    assert (await feed_of(pool, family, family.ben))[: len(before)] == before
