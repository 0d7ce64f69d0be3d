"""Tests statements that are combined into one: each statement has its own arguments, and all take effect or none of them."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from service.postgres.pool import connect, together

PUT = "INSERT INTO kept SELECT * FROM unnest($1::int[], $2::text[]) ON CONFLICT (id) DO UPDATE SET word = excluded.word;"
DROP = "DELETE FROM kept USING unnest($1::int[]) AS gone (id) WHERE kept.id = gone.id"


@pytest.fixture
async def connection(postgres: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(postgres)
    await opened.execute("CREATE TEMPORARY TABLE kept (id int PRIMARY KEY, word text)")
    yield opened
    await opened.close()


async def kept(connection: asyncpg.Connection) -> dict[int, str]:
    return {row["id"]: row["word"] for row in await connection.fetch("SELECT id, word FROM kept")}


async def test_each_write_has_its_own_arguments(connection: asyncpg.Connection) -> None:
    await together(connection, [(PUT, [[1, 2], ["one", "two"]])])
    await together(connection, [(PUT, [[2, 3], ["TWO", "three"]]), (DROP, [[1]]), (PUT, [[4], ["four"]])])
    assert await kept(connection) == {2: "TWO", 3: "three", 4: "four"}


async def test_of_several_writes_all_or_none_is_done(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.NotNullViolationError):
        await together(connection, [(PUT, [[1], ["one"]]), (PUT, [[None], ["none"]])])
    assert await kept(connection) == {}


async def test_several_writes_are_one_statement_and_none_is_none(connection: asyncpg.Connection) -> None:
    await together(connection, [(PUT, [[1], ["one"]])])  # the first call on a connection also queries the types
    executed: list[str] = []
    with connection.query_logger(lambda record: executed.append(record.query)):
        await together(connection, [])
        await together(connection, [(PUT, [[1], ["one"]]), (DROP, [[2]])])
        await asyncio.sleep(0)  # queries are logged in the next turn of the loop
    assert len(executed) == 1
    assert "$3::int[]" in executed[0]
