"""Tests that a clip that is held from its reader is looked up in the same steps as one that does not exist: a step takes time."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from service.clips.serving import QUERIES
from service.log.log import Log
from tests.families import found, note, push

ARGUMENTS = {"file": ("clip",), "renditions": ()}


def steps_of(plan: dict[str, Any]) -> Iterator[tuple[str, str | None, float]]:
    """Yields the steps of an executed plan: type, index, and how often each was executed."""
    yield plan["Node Type"], plan.get("Index Name"), plan["Actual Loops"]
    for one in plan.get("Plans", ()):
        yield from steps_of(one)


@pytest.mark.parametrize("query", ARGUMENTS)
async def test_a_held_clip_is_looked_up_like_none(log: Log, pool: asyncpg.Pool, query: str) -> None:
    """Law 8: a query that looked into the feed only where an event attaches the clip took 11 µs longer for a held one."""
    family, held = await found(log), uuid4()
    await push(log, family, family.ada, note(family))
    seq = await pool.fetchval("SELECT last_seq FROM family WHERE family_id = $1", family.family)
    await pool.execute("INSERT INTO clip_attachment (family_id, clip_id, seq) VALUES ($1, $2, $3)", family.family, held, seq)

    async def steps(member: Any, clip: Any) -> list[tuple[str, str | None, float]]:
        found = await pool.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {QUERIES[query]}", family.family, member, clip, *ARGUMENTS[query]
        )
        return list(steps_of(json.loads(found)[0]["Plan"]))

    of_none = await steps(family.daycare, uuid4())
    assert await steps(family.daycare, held) == of_none
    assert any(loops for _, index, loops in of_none if index is not None and index.startswith("feed_run"))
    assert await steps(family.ada, held) != of_none, "Ada was sent the event"
