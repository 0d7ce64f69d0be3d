"""Who is asked for the feeds of a history that was written by hand."""

import pytest

from events.ids import MemberId
from tests.surprise.oracle import Oracle
from tests.surprise.story import Feed, Story


def by_the_oracle(story: Story, member: MemberId) -> str:
    return story.noted(Oracle(story.events).feeds[member])


@pytest.fixture(params=[by_the_oracle], ids=["oracle"])
def feed(request: pytest.FixtureRequest) -> Feed:
    """A member's feed in words."""
    asked: Feed = request.param
    return asked
