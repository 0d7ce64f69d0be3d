"""Provides two ways to compute the feeds of a hand-written history, the oracle and the fold, and a database for histories."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from events.ids import MemberId
from service.postgres.pool import open_pool
from tests.conftest import copied_database
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
    """Returns a function that computes a member's feed and writes it as text. Each test runs with the oracle and the fold."""
    asked: Feed = request.param
    return asked


@pytest.fixture(scope="module")
def kept(postgres: str, template: str) -> Iterator[Rows]:
    """Makes one database for all examples of a test file. Each example has a family of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        pool = runner.run(open_pool(runner.run(stack.enter_async_context(copied_database(postgres, template)))))
        yield Rows(runner, pool)
        runner.run(pool.close())
        runner.run(stack.aclose())
