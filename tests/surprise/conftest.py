"""Provides the two ways in which a written history gives feeds, and a database for histories that are written to rows."""

import asyncio
from collections.abc import Iterator

import pytest

from events.ids import MemberId
from service.postgres.pool import open_pool
from tests.conftest import execute, named
from tests.surprise.folded import Folded
from tests.surprise.invented import FAMILY
from tests.surprise.oracle import Oracle
from tests.surprise.story import Feed, Story
from tests.surprise.written import Rows


def by_the_oracle(story: Story, member: MemberId) -> str:
    return story.noted(Oracle(story.events).feeds[member])


def by_the_fold(story: Story, member: MemberId) -> str:
    return story.noted(Folded(FAMILY, story.events).feed(member))


@pytest.fixture(params=[by_the_oracle, by_the_fold], ids=["oracle", "fold"])
def feed(request: pytest.FixtureRequest) -> Feed:
    """Returns a function that writes a member's feed as text: by the oracle, or by the real fold."""
    asked: Feed = request.param
    return asked


@pytest.fixture(scope="module")
def kept(postgres: str, template: str) -> Iterator[Rows]:
    """Makes one database for all examples. Each example has a family of its own."""
    with asyncio.Runner() as runner:
        runner.run(execute(postgres, f"CREATE DATABASE rows_by_rule TEMPLATE {template} STRATEGY file_copy"))
        pool = runner.run(open_pool(named(postgres, "rows_by_rule")))
        yield Rows(runner, pool)
        runner.run(pool.close())
        runner.run(execute(postgres, "DROP DATABASE rows_by_rule WITH (FORCE)"))
