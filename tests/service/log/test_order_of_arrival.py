"""Tests that devices which were offline can push the same facts in any order, and the timelines are the same."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from events.event import Role
from events.ids import FamilyId, MemberId
from service.feed.timeline import timeline
from service.log.log import Log
from tests.families import CRAWLED, STOOD, WALKED, Draft, Family, drafted, found, outcomes, push, saw

# The author, the number of one of their devices, and the draft
Written = tuple[MemberId, int, Draft]


def a_month(family: Family, draw: random.Random) -> list[Written]:
    """Returns what eight devices of a family write in a month. A device amends or withdraws only its earlier events."""
    written: list[Written] = []
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for device in range(8):
        author = (family.ada, family.ben, family.ada, family.sitter)[device % 4]
        for _ in range(draw.randint(2, 5)):
            milestone, at = draw.choice((WALKED, CRAWLED, STOOD)), start + timedelta(days=draw.randrange(5))
            seen = saw(
                family, milestone, at=at, precision=draw.choice(("minute", "day")), audience=draw.choice((None, "household"))
            )
            if author != family.sitter and draw.random() < 0.4:
                seen = drafted("ParentFirstSaw", child=family.child, milestone=milestone, how="clip", at=at, feelings="tears")
            written.append((author, device, seen))
            for _ in range(draw.choice((0, 0, 1, 3))):
                changes = draw.choice(
                    ({"occurred_at": "2026-02-01T09:00:00+09:00"}, {"milestone": CRAWLED}, {"precision": "month"})
                )
                recorded_at = start + timedelta(days=draw.randrange(3))
                amended = drafted("Amended", target=seen["id"], changes=changes, at=recorded_at, precision="day")
                # Another device of this author may have written the amendment, and may push before or after this one.
                written.append((author, draw.choice((device, device + 4)), amended))
            if draw.random() < 0.2:
                written.append((author, device, drafted("Withdrawn", target=seen["id"], at=start)))
    return written


def arriving(written: list[Written], draw: random.Random) -> list[Written]:
    """Returns the drafts in another order. A draft comes after its target, because a device amends only what it knows."""
    waiting = draw.sample(written, len(written))
    arrived: list[Written] = []
    while waiting:
        there = {draft["id"] for _, _, draft in arrived}
        ready = next(one for one in waiting if one[2]["event"].get("target") in (None, *there))
        waiting.remove(ready)
        arrived.append(ready)
    return arrived


@pytest.mark.parametrize("seed", range(4))
async def test_two_logs_with_the_same_facts_give_the_same_timelines(
    log: Log, other_log: Log, pool: asyncpg.Pool, seed: int
) -> None:
    """Law 12: two families get the same facts, which devices push in different orders. Their timelines are equal."""
    draw = random.Random(seed)
    once = await found(log)
    again = await found(other_log, family=replace(once, family=FamilyId(uuid4())))
    written = a_month(once, draw)
    for family, order in ((once, written), (again, arriving(written, draw))):
        for author, device, draft in order:
            assert outcomes(await push((log, other_log)[device % 2], family, author, draft)) == ["recorded"]
    for parent in (once.ada, once.ben):
        said = [
            msgspec.json.encode(
                await timeline(pool, family=family.family, member=parent, role=Role.PARENT, child=None, as_of=None)
            )
            for family in (once, again)
        ]
        assert said[0] == said[1]
        assert WALKED.encode() in said[0]
