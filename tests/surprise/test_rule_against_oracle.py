"""Tests that, for every random history, the fold delivers, holds and releases the same events as the oracle."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from events.surprise import EnvelopeOpened, SurpriseChosen, TimePassed
from tests.surprise.folded import Folded
from tests.surprise.invented import FAMILY, histories
from tests.surprise.oracle import Hint, Oracle

WISHES = (SurpriseChosen, EnvelopeOpened, TimePassed)

# At least this many examples in each profile. The nightly profile has more.
thoroughly = settings(
    max_examples=max(300, settings().max_examples),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@pytest.mark.timeout(600)
@thoroughly
@given(histories())
def test_every_feed_is_the_log_by_the_rule(one: Oracle) -> None:
    """Laws 6, 7, 9: the fold's feeds (events, hints, marks and times) and held events equal the oracle's.

    No event is in a feed twice.
    """
    folded = Folded(FAMILY, [line.event for line in one.log])
    for member in FAMILY.members:
        feed = folded.feed(member)
        assert feed == one.feeds.get(member, [])
        assert folded.held(member) == one.held.get(member, [])
        assert set(Counter(entry.what for entry in feed).values()) <= {1}


@given(histories())
def test_who_has_chosen_nothing_is_told_what_they_would_be_told_without_surprises(one: Oracle) -> None:
    """A member without a choice gets the same feed if the choices, openings and ticks of others never happen.

    No entry of this feed is marked as released.
    """
    events = [line.event for line in one.log]
    folded, plain = Folded(FAMILY, events), Folded(FAMILY, [event for event in events if not isinstance(event.event, WISHES)])
    for member in FAMILY.members:
        if any(event.author == member and isinstance(event.event, WISHES) for event in events):
            continue
        told = [(folded.log.events[entry.what - 1].id, entry.at, entry.released) for entry in folded.feed(member)
                if not isinstance(entry.what, Hint)]  # fmt: skip
        assert len(told) == len(folded.feed(member))
        assert told == [
            (plain.log.events[entry.what - 1].id, entry.at, None) for entry in plain.feed(member) if isinstance(entry.what, int)
        ]
        assert folded.held(member) == []
