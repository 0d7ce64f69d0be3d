"""Tests the audience of a draft: some types have only one audience, and a draft of such a type cannot ask for another."""

import asyncpg
import pytest

from events.event import Role
from service.feed.timeline import timeline
from service.log.log import Log
from tests.families import Family, drafted, found, outcomes, push, saw

OWN = "own.0193a2b4-0000-7000-8000-000000000000"


async def title_of_own(log: Log, pool: asyncpg.Pool, family: Family) -> str:
    """Returns the title of the family's own milestone in Ada's timeline."""
    found = await timeline(pool, family=family.family, member=family.ada, role=Role.PARENT, child=None, as_of=None)
    return next(entry.title for entry in found if entry.milestone == OWN)


@pytest.mark.parametrize("audience", ["me", "household"])
async def test_nobody_renames_the_familys_milestone_behind_its_back(log: Log, pool: asyncpg.Pool, audience: str) -> None:
    """Law 6: a new title for a smaller audience is refused, because a title is shown in all members' timelines."""
    family = await found(log)
    named = drafted("MilestoneNamed", milestone=OWN, title="First puddle", domain="life")
    await push(log, family, family.ada, named, saw(family, milestone=OWN))
    renamed = drafted("MilestoneNamed", milestone=OWN, title="His secret", domain="life", audience=audience)
    (receipt,) = await push(log, family, family.ben, renamed)
    assert receipt.problem is not None
    assert (receipt.problem.code, receipt.problem.at) == ("event.audience_not_allowed", "drafts[0].audience")
    assert await title_of_own(log, pool, family) == "First puddle"


@pytest.mark.parametrize("audience", ["household", "family"])
async def test_nobody_tells_the_others_what_they_wish_not_to_be_told(log: Log, audience: str) -> None:
    """Law 14: a choice or an opened envelope for another audience than `me` is refused, so no device reveals it by mistake."""
    family = await found(log)
    chosen = drafted("SurpriseChosen", scope="all", mode="keep", audience=audience)
    opened = drafted("EnvelopeOpened", scope="all", audience=audience)
    receipts = await push(log, family, family.ada, chosen, opened)
    assert [receipt.problem.code for receipt in receipts if receipt.problem] == ["event.audience_not_allowed"] * 2


async def test_the_one_audience_that_a_type_has_may_be_named(log: Log) -> None:
    """Law 10: a draft may name the default audience of its type."""
    family = await found(log)
    named = drafted("MilestoneNamed", milestone=OWN, title="First puddle", domain="life", audience="family")
    chosen = drafted("SurpriseChosen", scope="all", mode="keep", audience="me")
    assert outcomes(await push(log, family, family.ada, named, chosen)) == ["recorded", "recorded"]
