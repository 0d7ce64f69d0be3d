"""Tests that a reader who follows a log or a feed misses nothing while many writers push."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import asyncpg

from service.log.log import Log
from tests.families import Family, found, note, pull, push, saw

WRITERS = 16
DRAFTS_EACH = 12

Entries = list[tuple[int, bytes]]
Read = Callable[[int], Awaitable[Entries]]


async def followed(read: Read, writing: Awaitable[object]) -> Entries:
    """Reads the entries after the last known one, again and again until the writing is over. Returns all entries."""
    done = asyncio.ensure_future(writing)
    seen: Entries = []
    is_last_look = False
    while not is_last_look:
        is_last_look = done.done()
        while entries := await read(seen[-1][0] if seen else 0):
            seen += entries
    await done
    return seen


async def sixteen(write: Callable[[int, int], Awaitable[object]]) -> None:
    """Runs sixteen writers. Each writer waits for its response before it writes again."""

    async def one(writer: int) -> None:
        for number in range(DRAFTS_EACH):
            await write(writer, number)

    await asyncio.gather(*(one(writer) for writer in range(WRITERS)))


async def test_sixteen_writers_and_a_reader_who_polls_flat_out(log: Log, other_log: Log, pool: asyncpg.Pool) -> None:
    """Law 3: while sixteen writers push through two processes, a reader gets the places 1..n. No place changes later."""
    family = await found(log)
    draw = random.Random(3)

    async def write(writer: int, number: int) -> None:
        author = family.members[writer % 5]
        drafts = [
            note(family, audience=("me", "household", "family", None)[number % 4]),
            *(saw(family) for _ in range(draw.choice((0, 0, 1, 5)))),
            saw(family, child=family.family),  # refused: its seq is used for another draft
        ]
        await push((log, other_log)[draw.randrange(2)], family, author, *drafts)

    async def read(after: int) -> Entries:
        return (await pull(pool, family, family.ben, after=after, limit=7)).entries

    seen = await followed(read, sixteen(write))
    assert [place for place, _ in seen] == list(range(1, len(seen) + 1))
    assert seen == (await pull(pool, family, family.ben)).entries
    await assert_the_log_has_no_hole(pool, family)


async def test_a_reader_of_the_log_itself_misses_nothing(log: Log, other_log: Log, pool: asyncpg.Pool) -> None:
    """Law 3: a reader gets each seq in order while sixteen writers write, because seq follows the order of commit."""
    family = await found(log)

    async def write(writer: int, number: int) -> None:
        await push((log, other_log)[writer % 2], family, family.members[writer % 5], note(family), note(family, "two"))

    async def read(after: int) -> Entries:
        found = await pool.fetch(
            "SELECT seq, digest FROM event WHERE family_id = $1 AND seq > $2 ORDER BY seq LIMIT 5", family.family, after
        )
        return [(row["seq"], row["digest"]) for row in found]

    seen = await followed(read, sixteen(write))
    assert [seq for seq, _ in seen] == list(range(1, len(seen) + 1))


async def test_a_log_that_numbered_by_a_sequence_would_be_caught(postgres: str, database_url: str) -> None:
    """Law 3, as a control: the same reader misses rows of a table whose numbers are drawn from a sequence before the commit."""
    pool = await asyncpg.create_pool(database_url, min_size=WRITERS + 1, max_size=WRITERS + 1)
    await pool.execute("CREATE TABLE numbered_by_a_sequence (seq bigserial PRIMARY KEY, digest bytea NOT NULL)")
    slow: list[int] = []
    was_passed = asyncio.Event()

    async def write(writer: int, number: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            seq = await connection.fetchval("INSERT INTO numbered_by_a_sequence (digest) VALUES ('x') RETURNING seq")
            if (writer, number) == (0, 0):
                slow.append(seq)
                await was_passed.wait()
            if number % 4 == 3:  # a draft that is refused after its number was drawn
                await connection.execute("DELETE FROM numbered_by_a_sequence WHERE seq = lastval()")

    async def read(after: int) -> Entries:
        found = await pool.fetch("SELECT seq, digest FROM numbered_by_a_sequence WHERE seq > $1 ORDER BY seq LIMIT 5", after)
        if found and slow and found[-1]["seq"] > slow[0]:
            was_passed.set()
        return [(row["seq"], row["digest"]) for row in found]

    async with asyncio.timeout(60):
        seen = await followed(read, sixteen(write))
    there = [row["seq"] for row in await pool.fetch("SELECT seq FROM numbered_by_a_sequence ORDER BY seq")]
    await pool.close()
    assert [seq for seq, _ in seen] != there, "nothing was missed: this reader has no teeth"
    assert there != list(range(1, len(there) + 1)), "no hole: these refusals have no teeth"


async def test_what_was_taken_for_refused_drafts_is_given_back(log: Log, pool: asyncpg.Pool) -> None:
    """Law 3: a push of only refused, repeated and unreadable drafts uses no seq."""
    family = await found(log)
    kept = note(family)
    await push(log, family, family.ada, kept)
    await push(log, family, family.ada, kept, saw(family, "movement.flies-to-the-moon"), note(family, ""))
    await assert_the_log_has_no_hole(pool, family)


async def assert_the_log_has_no_hole(pool: asyncpg.Pool, family: Family) -> None:
    seqs = [row["seq"] for row in await pool.fetch("SELECT seq FROM event WHERE family_id = $1 ORDER BY seq", family.family)]
    last = await pool.fetchval("SELECT last_seq FROM family WHERE family_id = $1", family.family)
    assert seqs == list(range(1, last + 1))
