"""Locks, raises and lowers the heads of families: `seq` is assigned under a family's lock, so it follows the order of commit."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from events.ids import FamilyId, LogId
from service.postgres.queries import load

QUERIES: Final = load(__package__, "heads.sql")


class Head(msgspec.Struct, frozen=True):
    """The head of a family's log. Where two heads are equal, the family's rows are equal, too."""

    seq: int
    log: LogId
    mended: int
    """How often a replay has repaired rows of this family."""


async def take_heads(connection: Any, counts: Mapping[FamilyId, int]) -> dict[FamilyId, Head]:
    """Locks heads and raises them by these counts. Returns the heads from before."""
    heads = await connection.fetch(QUERIES.take_heads, list(counts), list(counts.values()))
    return {row[0]: Head(row[1], row[2], row[3]) for row in heads}


async def take_free_heads(connection: Any, counts: Mapping[FamilyId, int]) -> dict[FamilyId, Head]:
    """Does what `take_heads` does, but skips the families that another transaction has locked."""
    heads = await connection.fetch(QUERIES.take_free_heads, list(counts), list(counts.values()))
    return {row[0]: Head(row[1], row[2], row[3]) for row in heads}


async def having_heads(connection: Any, families: Collection[FamilyId]) -> set[FamilyId]:
    """Returns the families that have a log, among these."""
    return {row[0] for row in await connection.fetch(QUERIES.having_heads, list(families))}


async def give_back(connection: Any, counts: Mapping[FamilyId, int]) -> None:
    """Lowers heads that this transaction holds; a negative count raises a head."""
    await connection.execute(QUERIES.give_back, list(counts), list(counts.values()))


async def open_family(connection: Any, family: FamilyId, *, log: LogId, at: datetime) -> None:
    """Adds the head of a new log."""
    await connection.execute(QUERIES.open_family, family, log, at)
