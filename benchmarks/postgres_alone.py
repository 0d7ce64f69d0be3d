"""Measures the service's Postgres without the service: inserts rows of the log again by unnest, and commits single rows.

Owns two plain tables, which it creates and drops. Knows only the columns of the log's own table.
"""

import time
from collections.abc import Sequence
from uuid import uuid4

import asyncpg

from benchmarks.figures import percentile

BATCH = 1_000
ONE_ROW = "one connection, fsync on, p50"

# Name and type of each column of the log's own table, in its order.
COLUMNS = (
    ("family_id", "uuid"), ("seq", "bigint"), ("event_id", "uuid"), ("author_id", "uuid"), ("kind", "text"),
    ("version", "smallint"), ("audience", "text"), ("target_seq", "bigint"), ("received_at", "timestamptz"),
    ("digest", "bytea"), ("commitment", "bytea"), ("salt", "bytea"), ("body", "bytea"),
)
NAMES = ", ".join(name for name, _ in COLUMNS)

MAKE = f"""
CREATE TABLE bench_plain_event ({", ".join(f"{name} {kind}" for name, kind in COLUMNS)}, PRIMARY KEY (family_id, seq))
"""
INSERT = f"""
INSERT INTO bench_plain_event ({NAMES})
SELECT * FROM unnest({", ".join(f"${index}::{kind}[]" for index, (_, kind) in enumerate(COLUMNS, start=1))})
"""

Batches = Sequence[Sequence[Sequence[object]]]


async def read_rows(conn: "asyncpg.Connection[asyncpg.Record]", *, most: int) -> Batches:
    """Returns the latest events of the log, at most `most`, in batches of 1,000 rows. Each batch is a list of columns."""
    rows = await conn.fetch(f"SELECT {NAMES} FROM event ORDER BY received_at DESC, family_id, seq LIMIT $1", most)
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    return [[[row[name] for row in batch] for name, _ in COLUMNS] for batch in batches]


async def insert_again(conn: "asyncpg.Connection[asyncpg.Record]", batches: Batches) -> float:
    """Inserts the rows into an empty plain table, one transaction per batch. Returns rows per second."""
    await conn.execute("DROP TABLE IF EXISTS bench_plain_event")
    await conn.execute(MAKE)
    statement = await conn.prepare(INSERT)
    started = time.perf_counter()
    for columns in batches:
        await statement.fetch(*columns)
    seconds = time.perf_counter() - started
    await conn.execute("DROP TABLE bench_plain_event")
    return sum(len(columns[0]) for columns in batches) / seconds


async def fsynced_insert_ms(database_url: str, *, inserts: int) -> float:
    """Returns the median milliseconds to insert and commit one row on one connection. No durable write can be faster."""
    conn = await asyncpg.connect(database_url)
    try:
        await conn.execute("CREATE TABLE bench_one_row (id uuid PRIMARY KEY, body text NOT NULL)")
        statement = await conn.prepare("INSERT INTO bench_one_row VALUES ($1, $2)")
        took_s: list[float] = []
        for _ in range(inserts):
            started = time.perf_counter()
            await statement.fetch(uuid4(), "x" * 300)
            took_s.append(time.perf_counter() - started)
        await conn.execute("DROP TABLE bench_one_row")
    finally:
        await conn.close()
    return percentile(took_s, 0.5) * 1_000
