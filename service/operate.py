"""Shows families to an operator as ids and counts, and starts new logs. Never shows a name, a note or a title.

Owns the commands `stillnew family ...`. Knows no routes.
"""

from typing import Final
from uuid import UUID, uuid4

import asyncpg
from rich.table import Table

from service.postgres.pool import connect_patiently
from service.postgres.queries import load

QUERIES = load(__package__, "operate.sql")
FAMILIES_A_PAGE: Final = 100


class NoSuchFamily(RuntimeError):
    """No family has this id."""


async def list_families(database_url: str, *, after: UUID | None, limit: int = FAMILIES_A_PAGE) -> Table:
    """Returns one page of families, in the order of their ids."""
    connection = await connect_patiently(database_url)
    try:
        rows = await connection.fetch(QUERIES.list_families, after or UUID(int=0), limit)
    finally:
        await connection.close()
    table = Table("family", "founded", "events", "members", "children", box=None, header_style="bold")
    for row in rows:
        counts = (str(row[name]) for name in ("last_seq", "members", "children"))
        table.add_row(str(row["family_id"]), f"{row['founded_at']:%Y-%m-%d}", *counts)
    if len(rows) == limit:
        table.caption = f"more: stillnew family list --after {rows[-1]['family_id']}"
    return table


async def show_family(database_url: str, family: UUID) -> Table:
    """Returns a table of one family's members: id, role, how much they see, and length of the feed.

    Raises:
        NoSuchFamily: no family has this id.
    """
    connection = await connect_patiently(database_url)
    try:
        head = await connection.fetchrow(QUERIES.show_family, family)
        members = await connection.fetch(QUERIES.show_members, family)
    finally:
        await connection.close()
    if head is None:
        raise NoSuchFamily(f"No family has the id {family}.")
    table = Table("member", "role", "sees", "is here", "entries", "runs", box=None, header_style="bold")
    table.title = f"{family}: log {head['log_id']}, {head['last_seq']} events, founded {head['founded_at']:%Y-%m-%d}"
    for row in members:
        here = "left" if row["has_left"] else "yes"
        table.add_row(str(row["member_id"]), row["role"], row["sees"], here, str(row["places"]), str(row["runs"]))
    return table


async def begin_new_log(database_url: str, family: UUID | None) -> str:
    """Gives one family, or all families if `family` is None, a new log id after a restore from a backup.

    The families' devices then push again every event that they ever authored.

    Raises:
        NoSuchFamily: no family has this id.
    """
    connection: asyncpg.Connection = await connect_patiently(database_url)
    try:
        if family is None:
            done = await connection.execute(QUERIES.new_logs)
            return f"{done.removeprefix('UPDATE ')} families follow a new log."
        log = await connection.fetchval(QUERIES.new_log, family, uuid4())
    finally:
        await connection.close()
    if log is None:
        raise NoSuchFamily(f"No family has the id {family}.")
    return f"{family} follows log {log}."
