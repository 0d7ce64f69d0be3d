"""Who is asked for the feeds of a history that was written by hand."""

import pytest

from events.ids import MemberId
from tests.surprise.folded import Folded
from tests.surprise.invented import FAMILY
from tests.surprise.oracle import Oracle
from tests.surprise.story import Feed, Story


def by_the_oracle(story: Story, member: MemberId) -> str:
    return story.noted(Oracle(story.events).feeds[member])


def by_the_fold(story: Story, member: MemberId) -> str:
    return story.noted(Folded(FAMILY, story.events).feed(member))


@pytest.fixture(params=[by_the_oracle, by_the_fold], ids=["oracle", "fold"])
def feed(request: pytest.FixtureRequest) -> Feed:
    """A member's feed in words."""
    asked: Feed = request.param
    return asked
