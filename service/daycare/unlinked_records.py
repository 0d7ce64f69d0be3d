"""Counts waiting records (records whose child no parent has linked yet), and lists their references if there are too many.

Owns the count. A record that is sent again with the same key counts once. `intake` stores the waiting records.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from events.ids import PersonId
from service.postgres.queries import load

QUERIES: Final = load(__package__, "unlinked_records.sql")
LISTED_MAX: Final = 10
"""Bound on the references that the detail of `TooManyWaiting` lists."""

Key = tuple[str, str, str]
"""The reference, the source and the id of a waiting record."""


async def would_wait(
    pool: asyncpg.Pool, person: PersonId, new: dict[Key, str | None], *, since: datetime
) -> list[tuple[str, str | None, int]]:
    """Returns the references of waiting and new records, each with the child's name and a count of records, largest count first.

    `new` has the child's name in the source for each new record, by the record's key. Waiting records that were received before
    `since` are ignored.
    """
    rows = await pool.fetch(QUERIES.waiting_keys, person, since)
    waiting: dict[Key, str | None] = {(row[0], row[1], row[2]): row[3] for row in rows}
    name_by_key = waiting | new
    name_by_reference = {key[0]: name for key, name in name_by_key.items()}
    count_by_reference = Counter(key[0] for key in name_by_key)
    most_first = sorted(count_by_reference.items(), key=lambda counted: (-counted[1], counted[0]))
    return [(reference, name_by_reference[reference], count) for reference, count in most_first]


async def count_again(pool: asyncpg.Pool, person: PersonId, keys: Iterable[Key]) -> int:
    """Returns how many of these keys belong to records that are waiting already."""
    columns = tuple(zip(*keys, strict=True)) or ((), (), ())
    found: int = await pool.fetchval(QUERIES.count_again, person, *columns)
    return found


def sentence(references: Sequence[tuple[str, str | None, int]], *, waiting_max: int) -> str:
    """Returns the detail of `TooManyWaiting`: the number of records, their references, and what a parent can do."""
    total = sum(records for _, _, records in references)
    listed = ", ".join(_named(*one) for one in references[:LISTED_MAX])
    more = f", and {len(references) - LISTED_MAX} more" if len(references) > LISTED_MAX else ""
    return (
        f"{total} records would wait until a parent says whose they are, and at most {waiting_max} are kept. "
        f"They are of: {listed}{more}. A parent links each child first: a file about one child is linked at once by `child` "
        f"(--child ID); of a file about several, import a part, link the children that it lists, and then import the whole."
    )


def _named(reference: str, shown_name: str | None, records: int) -> str:
    return f"{reference} ({shown_name}; {records})" if shown_name else f"{reference} ({records})"


async def take_back(pool: asyncpg.Pool, person: PersonId, rows: Sequence[tuple[Any, ...]]) -> None:
    """Replaces waiting records by withdrawals. Each of `rows` is a withdrawal (reference, source, record, revised_at, body).

    Adds no record: a withdrawal without a waiting record is ignored.
    """
    if rows:
        await pool.execute(QUERIES.take_back, person, *zip(*rows, strict=True))
