"""Checks whether this release can run on an external PostgreSQL.

Owns the requirements on the server, the database and the login. Changes nothing. One query reads the facts, and pure functions
judge whether the facts meet the requirements.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import asyncpg
from pogo_core.error import BadMigrationError

from service.checks.finding import CannotStart, Finding, place_of
from service.checks.sessions import QUERIES, STATEMENT_LOST, has_own_sessions
from service.checks.unreachable import unreachable
from service.http.problems import PASSING
from service.postgres.migrate import Compared, compared, migrate
from service.postgres.neutral import NEUTRAL
from service.settings import Settings

OLDEST_POSTGRES: Final = 16
WITHIN_S: Final = 5.0
LOG_CONNECTIONS: Final = 2
"""Number of connections that the log of one worker opens in addition to the connections of the pool."""


SESSIONS_OWN: Final = Finding(part="sessions", is_fine=True, found="each connection has one of its own")
SESSIONS_SHARED: Final = Finding(
    part="sessions", is_fine=False, stops=True, found="a pool of transactions (PgBouncer?) is in front of the database",
    advice="name the server itself in DATABASE_URL, or set pool_mode = session: roles and time limits are lost otherwise",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts that a login can read about the server and the database."""

    version: tuple[int, str]
    """The major version, and the full version as the server reports it."""
    encoding: str
    is_in_recovery: bool
    is_read_only: bool
    schema: str | None
    """The schema in which a new table is created. None: no schema in the search path exists."""
    may_create: bool | None
    """Whether the login may create tables in the schema `public`. None: that schema does not exist."""
    owns_tables: bool | None
    """Whether the login owns the tables. None: there are no tables yet."""
    may_add: bool | None
    """Whether the login may insert events. None: there are no tables yet."""
    unsafe: list[str] | None
    """The durability settings that are off, each in the form `name = value`."""
    connections: int
    """Number of connections that the login may open."""
    migrations: Compared


async def check_database(database_url: str, settings: Settings) -> list[Finding]:
    """Checks the server, the database and the login that a URL names."""
    try:
        async with asyncio.timeout(WITHIN_S):
            facts = await _facts(database_url)
        wanted = settings.workers * (settings.pool + LOG_CONNECTIONS)
        findings = judge(facts, place=place_of(database_url), wanted_connections=wanted)
        return [*findings, SESSIONS_OWN if await has_own_sessions(database_url, within_s=WITHIN_S) else SESSIONS_SHARED]
    except STATEMENT_LOST:
        return [SESSIONS_SHARED]
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        return [unreachable(database_url, error)]


async def migrate_or_refuse(database_url: str) -> list[str]:
    """Applies the missing migrations and returns their names.

    Raises:
        CannotStart: the database refused a migration, or cannot be reached.
    """
    try:
        return await migrate(database_url)
    except BadMigrationError as error:
        raise not_started(database_url, error.__cause__ or error) from error
    except (*PASSING, asyncpg.PostgresError) as error:
        raise not_started(database_url, error) from error


def not_started(database_url: str, error: BaseException) -> CannotStart:
    """Returns the error for a failed start.

    Its message explains a database error. For any other error, the message refers to the log lines.
    """
    if isinstance(error, (*PASSING, asyncpg.PostgresError)):
        return CannotStart(unreachable(database_url, error).sentence)
    return CannotStart(f"The service did not start ({type(error).__name__}); the log above says where.")


async def _facts(database_url: str) -> Facts:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(NEUTRAL)
        (row,) = await connection.fetch(QUERIES.facts)
        full_version: str = connection.get_settings().server_version
        major = connection.get_server_version().major
        return Facts(version=(major, full_version), **dict(row), migrations=await compared(connection))
    finally:
        await connection.close(timeout=WITHIN_S)


def judge(facts: Facts, *, place: str, wanted_connections: int) -> list[Finding]:
    """Returns the findings for these facts. Pure."""
    return [
        _version(facts, place),
        *_encoding(facts, place),
        *_read_only(facts, place),
        *_rights(facts, place),
        _migrations(facts.migrations),
        _durability(facts),
        _connections(facts, wanted_connections),
    ]


def _version(facts: Facts, place: str) -> Finding:
    major, full_version = facts.version
    if major < OLDEST_POSTGRES:
        advice = f"name a PostgreSQL {OLDEST_POSTGRES} or newer in DATABASE_URL"
        return _bad(f"database {place}", f"PostgreSQL {full_version} is too old", advice)
    return Finding(part=f"database {place}", is_fine=True, found=f"PostgreSQL {full_version}")


def _encoding(facts: Facts, place: str) -> list[Finding]:
    if facts.encoding == "UTF8":
        return []
    advice = "create one with ENCODING 'UTF8' TEMPLATE template0, and name it in DATABASE_URL"
    return [_bad(f"database {place}", f"its encoding is {facts.encoding}, which cannot hold what people write", advice)]


def _read_only(facts: Facts, place: str) -> list[Finding]:
    if facts.is_in_recovery:
        return [_bad(f"database {place}", "is a replica, which nobody can write to", "name the primary server in DATABASE_URL")]
    if facts.is_read_only:
        advice = "take default_transaction_read_only away (ALTER DATABASE … RESET, or ALTER ROLE … RESET)"
        return [_bad(f"database {place}", "is read-only", advice)]
    return []


def _rights(facts: Facts, place: str) -> list[Finding]:
    """Checks whether the login owns the tables, so that it may apply missing migrations, and whether it may insert events."""
    part, owner = f"database {place}", "name the owner of the database in DATABASE_URL"
    if facts.migrations.missing:
        if facts.may_create is None:
            return [_bad(part, "has no schema public", "CREATE SCHEMA public")]
        if not facts.may_create:
            advice = f"{owner}, or GRANT CREATE ON SCHEMA public to it"
            return [_bad(part, "the login may not create tables in the schema public", advice)]
        if facts.schema != "public":
            advice = "put public first in the search_path of the database and its login"
            return [_bad(part, f"new tables would go to the schema {facts.schema}", advice)]
        if facts.owns_tables is False:
            return [_bad(part, "the login does not own the tables, and so cannot bring them up to this release", owner)]
    if facts.may_add is False:
        return [_bad(part, "the login may not add events", f"{owner}, or GRANT stillnew_app to it")]
    return []


def _migrations(migrations: Compared) -> Finding:
    if migrations.unknown:
        found = f"a newer release was here, and applied {', '.join(migrations.unknown)}"
        return _bad("migrations", found, "start that release, or a newer one")
    if migrations.missing:
        found, advice = f"missing: {', '.join(migrations.missing)}", "`stillnew serve` applies them, or `stillnew migrate`"
        return Finding(part="migrations", is_fine=False, found=found, advice=advice)
    return Finding(part="migrations", is_fine=True, found="all applied")


def _durability(facts: Facts) -> Finding:
    if not facts.unsafe:
        return Finding(part="durability", is_fine=True, found="fsync, full_page_writes and synchronous_commit are on")
    advice = "turn it on: what was acknowledged can be lost"
    return Finding(part="durability", is_fine=False, found=", ".join(facts.unsafe), advice=advice)


def _connections(facts: Facts, wanted: int) -> Finding:
    is_fine = wanted <= facts.connections
    found = f"{wanted} at most, of {facts.connections} that the server has"
    advice = "" if is_fine else "raise its max_connections, or lower STILLNEW_POOL or STILLNEW_WORKERS"
    return Finding(part="connections", is_fine=is_fine, found=found, advice=advice)


def _bad(part: str, found: str, advice: str) -> Finding:
    return Finding(part=part, is_fine=False, found=found, advice=advice, stops=True)
