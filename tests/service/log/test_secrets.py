"""Tests that own milestones' names, timelines, other members' receipts and the rows of a feed reveal no held event."""

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from projections.feed import LISTED_MAX
from service.log.log import Log
from tests.families import WALKED, drafted, feed_of, found, note, outcomes, saw
from tests.waiting import NOON, at_noon, pushed, told_in, waits

SMILES = "feelings.social-smile"
LENGTHS = """
SELECT length, cardinality(seqs) FROM feed_run WHERE member_id = $1 AND first_place > $2 ORDER BY first_place
"""

pytestmark = pytest.mark.usefixtures("replayed")


@pytest.fixture
def log(log_by_clock: Log) -> Log:
    return log_by_clock


async def test_a_name_of_the_familys_own_is_held_with_what_it_names(log: Log, pool: asyncpg.Pool) -> None:
    """Law 8: for a member from whom a name is held, the milestone does not exist."""
    family = await found(log)
    await waits(log, family, family.ben, scope="domain:life")
    own = f"own.{uuid7()}"
    named = drafted("MilestoneNamed", milestone=own, title="First tractor", domain="life", at=NOON)
    seen = saw(family, own)
    await pushed(log, family, family.ada, named, *at_noon(seen))
    absent, guessed = saw(family, f"own.{uuid7()}"), saw(family, own)
    refused = await pushed(log, family, family.ben, *at_noon(absent, guessed))
    problems = [receipt.problem for receipt in refused if receipt.problem is not None]
    assert [(one.code, (one.at or "")[len("drafts[0].") :]) for one in problems] == [
        ("event.unknown_milestone", "event.milestone")
    ] * 2
    assert told_in(await feed_of(pool, family, family.ben), named, seen) == []
    await pushed(log, family, family.ben, drafted("EnvelopeOpened", scope="domain:life", at=NOON))
    assert told_in(await feed_of(pool, family, family.ben), named, seen) == [(0, "opened"), (1, "opened")]
    assert outcomes(await pushed(log, family, family.ben, *at_noon(saw(family, own)))) == ["recorded"]


async def test_the_parents_timeline_follows_what_they_were_told(log: Log, pool: asyncpg.Pool) -> None:
    """Laws 8 and 9: the rows of Ben's timeline are written at the release, and not before the release."""
    family = await found(log)
    await waits(log, family, family.ben)
    first = saw(family, WALKED)
    amended = drafted("Amended", target=first["id"], changes={"precision": "day"})
    await pushed(log, family, family.sitter, *at_noon(first, amended))
    rows = "SELECT count(*) FROM sighting WHERE member_id = $1"
    assert (await pool.fetchval(rows, family.ben), await pool.fetchval(rows, family.ada)) == (0, 1)
    await pushed(log, family, family.ben, *at_noon(saw(family, WALKED, audience="me")))
    assert await pool.fetchval(rows, family.ben) == 2


async def test_a_private_first_shows_in_no_receipt_and_a_shared_one_does(log: Log) -> None:
    """Law 14: receipts show that Ben has seen a milestone only after Ben has shared his own sighting."""
    family = await found(log)
    await waits(log, family, family.ben)

    async def quiet(milestone: str) -> tuple[str, ...]:
        return (await pushed(log, family, family.sitter, *at_noon(saw(family, milestone))))[0].keep_quiet

    assert await quiet(WALKED) == ("Ben",)
    await pushed(log, family, family.ben, *at_noon(saw(family, WALKED, audience="me")))
    await pushed(log, family, family.ben, drafted("EnvelopeOpened", scope="all", at=NOON))
    assert await quiet(WALKED) == ("Ben",)
    await pushed(log, family, family.ben, *at_noon(saw(family, WALKED)))
    assert (await quiet(WALKED), await quiet(SMILES)) == ((), ("Ben",))


@pytest.mark.parametrize("held", [0, 1])
async def test_the_rows_of_one_who_waits_are_alike_whatever_is_held(log: Log, pool: asyncpg.Pool, held: int) -> None:
    """Law 8: the runs of a feed do not depend on how many events are held, so reading them takes the same time."""
    family = await found(log)
    await pushed(log, family, family.ada, *at_noon(*(note(family) for _ in range(5))))
    await waits(log, family, family.ben)
    last = await pool.fetchval("SELECT max(first_place) FROM feed_run WHERE member_id = $1", family.ben)
    for _ in range(8):
        await pushed(log, family, family.ada, *at_noon(*(note(family) for _ in range(5)), *(saw(family, WALKED),) * held))
    assert await pool.fetchval("SELECT count(*) FROM held WHERE member_id = $1", family.ben) == 8 * held
    runs = await pool.fetch(LENGTHS, family.ben, last)
    assert [tuple(row) for row in runs] == [(LISTED_MAX, LISTED_MAX), (40 - LISTED_MAX, 40 - LISTED_MAX)]
