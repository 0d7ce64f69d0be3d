"""Tests that the tables of the migrated schema can be distributed by family, and that no row is ordered by a sequence.

On a database that distributes families over many machines, a look-up by a key that does not start with the family would have to
ask all machines.
"""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest

# Tables whose rows belong to no family, with the reason for each.
OF_NO_FAMILY = {
    "person": "one person can be a member of several families",
    "device": "belongs to a person, and is found by its token before any family is known",
    "membership": "answers which families a person has, so it is kept by person",
    "invite": "a person who redeems a code does not know the family yet",
    "pair_code": "belongs to a person",
    "daycare": "a key may serve several families, and is found before any is known",
    "daycare_call": "a call belongs to a key",
    "daycare_code": "a parent who redeems a code does not know the family yet",
    "daycare_child": "maps a daycare's reference to a family's child",
    "daycare_waiting": "its record waits until a parent links it to a child",
    "_pogo_migration": "the migration tool's own",
    "_pogo_version": "the migration tool's own",
}

# The privileges of the service's role refuse the same changes, also on an engine without triggers.
TRIGGERS = {"event_is_append_only", "event_is_never_emptied"}
# The function of the triggers, and the functions that Postgres inlines in a query.
FUNCTIONS = {"refuse_change", "feed_entries", "feed_end", "place_in_feed", "clip_attachments"}

KEYS = """
SELECT t.relname AS table_name, i.relname AS key_name,
       pg_get_indexdef(x.indexrelid, 1, true) AS first_column
  FROM pg_index x
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_class i ON i.oid = x.indexrelid
 WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p')
"""


async def names(connection: asyncpg.Connection, sql: str) -> set[str]:
    return {row[0] for row in await connection.fetch(sql)}


async def tables(connection: asyncpg.Connection) -> set[str]:
    return await names(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")


async def keys_off_the_family(connection: asyncpg.Connection) -> set[str]:
    rows = await connection.fetch(KEYS)
    return {row["key_name"] for row in rows if row["table_name"] not in OF_NO_FAMILY and row["first_column"] != "family_id"}


async def numbered_columns(connection: asyncpg.Connection) -> set[str]:
    sequences = await names(connection, "SELECT relname FROM pg_class WHERE relkind = 'S'")
    identities = await names(connection, "SELECT attrelid::regclass || '.' || attname FROM pg_attribute WHERE attidentity <> ''")
    return sequences | identities


async def other_functions(connection: asyncpg.Connection) -> set[str]:
    return await names(connection, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace") - FUNCTIONS


async def other_triggers(connection: asyncpg.Connection) -> set[str]:
    return await names(connection, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") - TRIGGERS


async def foreign_keys_off_the_family(connection: asyncpg.Connection) -> set[str]:
    return await names(
        connection,
        """
        SELECT c.conname FROM pg_constraint c
         WHERE c.contype = 'f'
           AND NOT EXISTS (
             SELECT FROM pg_attribute here, pg_attribute there
              WHERE here.attrelid = c.conrelid AND here.attnum = c.conkey[1] AND here.attname = 'family_id'
                AND there.attrelid = c.confrelid AND there.attnum = c.confkey[1] AND there.attname = 'family_id')
        """,
    )


Rule = Callable[[asyncpg.Connection], Awaitable[set[str]]]
RULES: list[Rule] = [keys_off_the_family, numbered_columns, other_functions, other_triggers, foreign_keys_off_the_family]


@pytest.fixture
async def owner(database_url: str) -> asyncpg.Connection:
    return await asyncpg.connect(database_url)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_the_schema_keeps_the_rule(owner: asyncpg.Connection, rule: Rule) -> None:
    """Laws 3 and 5: the schema breaks no rule of `RULES`: for example, keys start with family_id, and there is no sequence."""
    assert await rule(owner) == set()
    await owner.close()


async def test_every_table_of_a_family_has_a_primary_key_and_every_exception_exists(owner: asyncpg.Connection) -> None:
    """Law 5: each table has a primary key, because rows are locked by it. Each table in the list of exceptions exists."""
    with_key = await names(owner, "SELECT t.relname FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid WHERE x.indisprimary")
    there = await tables(owner)
    assert there - with_key == set()
    assert set(OF_NO_FAMILY) - there == set()
    await owner.close()


@pytest.mark.parametrize(
    ("breach", "rule", "caught"),
    [
        ("CREATE TABLE sad (id uuid PRIMARY KEY, family_id uuid)", keys_off_the_family, "sad_pkey"),
        ("CREATE INDEX sad ON event (received_at)", keys_off_the_family, "sad"),
        ("CREATE TABLE sad (family_id uuid, n bigserial)", numbered_columns, "sad_n_seq"),
        ("CREATE TABLE sad (family_id uuid, n bigint GENERATED ALWAYS AS IDENTITY)", numbered_columns, "sad.n"),
        ("CREATE FUNCTION sad() RETURNS integer LANGUAGE sql AS 'SELECT 1'", other_functions, "sad"),
        ("CREATE TRIGGER sad BEFORE INSERT ON event EXECUTE FUNCTION refuse_change()", other_triggers, "sad"),
        ("ALTER TABLE device ADD CONSTRAINT sad FOREIGN KEY (person_id) REFERENCES person", foreign_keys_off_the_family, "sad"),
    ],
)
async def test_a_planted_breach_is_caught(owner: asyncpg.Connection, breach: str, rule: Rule, caught: str) -> None:
    """Law 5: when the schema breaks a rule, the check of this rule reports the breach."""
    await owner.execute(breach)
    assert caught in await rule(owner)
    await owner.close()


async def test_the_service_may_add_to_the_log_and_change_nothing_in_it(owner: asyncpg.Connection) -> None:
    """Law 4: the service's role may only read the log's rows and add rows. So the log is append-only even without triggers."""
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
    held = [right for right in rights if await owner.fetchval("SELECT has_table_privilege('stillnew_app', 'event', $1)", right)]
    assert held == ["SELECT", "INSERT"]
    await owner.close()


async def test_a_connection_of_the_pool_works_as_the_services_role(pool: asyncpg.Pool) -> None:
    """Law 4: each connection from the pool has the service's role, even if it was returned to the pool before."""
    assert [await pool.fetchval("SELECT current_user") for _ in range(3)] == ["stillnew_app"] * 3
