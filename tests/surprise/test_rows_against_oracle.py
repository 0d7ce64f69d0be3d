"""Tests that the rows of a real database agree with the oracle and with a replay, however drafts are grouped in transactions."""

from uuid import uuid4

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.ids import FamilyId
from tests.surprise.invented import FAMILY, histories
from tests.surprise.oracle import Oracle
from tests.surprise.written import Rows


@settings(
    max_examples=max(60, settings().max_examples // 2),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(one=histories(), cuts=st.lists(st.booleans(), min_size=1, max_size=16), forgets=st.booleans())
def test_the_rows_are_the_log_by_the_rule_and_a_replay_gives_the_same(
    kept: Rows, one: Oracle, cuts: list[bool], forgets: bool
) -> None:
    """Laws 6, 7, 9, 11: stored feeds and held events are those of the oracle, whether the process caches the family or not."""
    family = FamilyId(uuid4())
    events = [msgspec.structs.replace(line.event, claimed_at=None) for line in one.log]
    accepted = kept.runner.run(kept.write(family, events, cuts, forgets=forgets)).accepted
    expected = Oracle(accepted)
    assert kept.runner.run(kept.replayed(family)) == ()
    for member in FAMILY.members:
        assert kept.runner.run(kept.feed(family, member, accepted)) == expected.feeds.get(member, [])
        assert kept.runner.run(kept.held(family, member)) == expected.held.get(member, [])
