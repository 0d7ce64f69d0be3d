"""Tests the database functions that decode the runs of a feed.

They give the same entries as a plain decoding in Python, and Postgres inlines them in queries.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.postgres.migrate import FOLDER

FAMILY, ADA = uuid4(), uuid4()
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
LATER = BEGIN + timedelta(days=30)
CHAIN = bytes(32)
EVENTS = 400

# (first place, first seq, length, delivered later, hint, listed seqs): growing runs, a history, a hint, a list and a release
RUNS: list[tuple[int, int, int, bool, bytes | None, list[int] | None]] = [
    (1, 1, 20, True, None, None),
    (21, 40, 256, False, None, None),
    (277, 296, 4, False, None, None),
    (281, 0, 1, False, b'{"type":"HintGiven"}', None),
    (282, 310, 3, False, None, [310, 317, 390]),
    (285, 312, 1, True, None, None),
    (286, 395, 1, False, None, [395]),
]


def decoded() -> Iterator[tuple[int, int | None, datetime | None]]:
    """Yields the place, seq and time of delivery of each entry. A hint has neither a seq nor a time."""
    for first_place, first_seq, length, is_late, hint, seqs in RUNS:
        for nth in range(length):
            seq = None if hint else seqs[nth] if seqs else first_seq + nth
            yield first_place + nth, seq, LATER if is_late else None if seq is None else BEGIN + timedelta(seconds=seq)


ENTRIES = list(decoded())


@pytest.fixture
async def feed(pool: asyncpg.Pool) -> asyncpg.Pool:
    await pool.execute(
        "INSERT INTO event (family_id, seq, event_id, author_id, kind, version, audience, received_at, digest, commitment, body)"
        " SELECT $1, seq, gen_random_uuid(), $2, 'FeedLogged', 1, 'family', $3::timestamptz + seq * interval '1 second', $4, $4,"
        " convert_to(seq::text, 'UTF8') FROM generate_series(1, $5::int) AS seq",
        FAMILY, ADA, BEGIN, CHAIN, EVENTS,
    )  # fmt: skip
    await pool.executemany(
        "INSERT INTO feed_run (family_id, member_id, first_place, first_seq, length, told_at, hint, seqs, chain_before, chain)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        [(FAMILY, ADA, *run[:3], LATER if run[3] else None, *run[4:], CHAIN) for run in RUNS],
    )
    return pool


def row_of(entry: Any) -> tuple[int, int | None, datetime | None]:
    return entry["place"], None if entry["kind"] is None else int(entry["body"]), entry["told_at"]


@pytest.mark.parametrize(
    ("first", "before"),
    [(1, 2**62), (1, 2), (20, 22), (21, 300), (100, 101), (276, 287), (281, 282), (283, 284), (286, 999), (287, 999)],
)
async def test_the_entries_of_a_feed_are_those_of_its_runs_between_two_places(
    feed: asyncpg.Pool, first: int, before: int
) -> None:
    rows = await feed.fetch("SELECT * FROM feed_entries($1, $2, $3, $4) ORDER BY place", FAMILY, ADA, first, before)
    assert [row_of(row) for row in rows] == [entry for entry in ENTRIES if first <= entry[0] < before]


async def test_only_the_first_entry_of_a_run_states_the_chain_before_it(feed: asyncpg.Pool) -> None:
    rows = await feed.fetch("SELECT place FROM feed_entries($1, $2, 1, 999) WHERE chain_before IS NOT NULL", FAMILY, ADA)
    assert {row["place"] for row in rows} == {run[0] for run in RUNS}


async def test_an_event_has_the_place_that_its_run_gives_it_or_none(feed: asyncpg.Pool) -> None:
    rows = await feed.fetch(
        "SELECT seq, place FROM generate_series(1, $3::bigint) AS seq CROSS JOIN LATERAL place_in_feed($1, $2, seq)",
        FAMILY, ADA, EVENTS,
    )  # fmt: skip
    assert {row["seq"]: row["place"] for row in rows} == {seq: place for place, seq, _ in ENTRIES if seq is not None}
    assert len(rows) == len(ENTRIES) - 1


async def test_a_feed_ends_at_its_last_place_and_an_empty_one_nowhere(feed: asyncpg.Pool) -> None:
    rows = await feed.fetch("SELECT * FROM feed_end($1, $2)", FAMILY, ADA)
    assert [tuple(row) for row in rows] == [(286, CHAIN)]
    assert await feed.fetch("SELECT * FROM feed_end($1, $2)", FAMILY, UUID(int=0)) == []


CALLS = {
    "feed_entries": "SELECT * FROM (SELECT 1::bigint AS place) AS start CROSS JOIN LATERAL feed_entries($1, $2, start.place, 9)",
    "feed_end": "SELECT * FROM feed_end($1, $2)",
    "place_in_feed": "SELECT FROM event WHERE family_id = $1 AND EXISTS (SELECT FROM place_in_feed($1, $2, event.seq))",
}


@pytest.mark.parametrize("name", CALLS)
async def test_postgres_plans_a_call_as_a_part_of_the_query(feed: asyncpg.Pool, name: str) -> None:
    plan = "\n".join(row[0] for row in await feed.fetch(f"EXPLAIN {CALLS[name]}", FAMILY, ADA))
    assert "Function Scan on " + name not in plan
    assert "feed_run" in plan


async def test_only_the_services_role_and_the_owner_may_call_them(database_url: str) -> None:
    """The service's role may call the functions, and other roles may not, because the migration revokes the default right."""
    owner = await asyncpg.connect(database_url)
    rows = await owner.fetch("SELECT proname, proacl::text FROM pg_proc WHERE proname = ANY ($1::text[])", list(CALLS))
    assert {row["proname"] for row in rows} == set(CALLS)
    for row in rows:
        assert "stillnew_app=X/" in row["proacl"]
        assert not re.search(r"[{,]=X/", row["proacl"])
    await owner.close()


async def test_the_migration_can_be_rolled_back_and_applied_again(database_url: str) -> None:
    apply, rollback = (FOLDER / "0014_feed_functions.sql").read_text().split("-- migrate: apply")[1].split("-- migrate: rollback")
    owner = await asyncpg.connect(database_url)
    await owner.execute(rollback)
    left = await owner.fetchval("SELECT count(*) FROM pg_proc WHERE proname = ANY ($1::text[])", list(CALLS))
    assert left == 0
    await owner.execute(apply)
    await owner.close()
