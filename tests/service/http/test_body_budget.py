"""Tests the budget for bodies that are arriving: slow bodies are dropped first, and no sender exceeds their own bound."""

import asyncio
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.body_budget import BodyBudget, BudgetShare
from service.http.problems import BodyNoRoom

GRACE_S = 2.0
ALL, EACH = 100, 40


class Arriving:
    """The bodies that are arriving, and a clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.budget = BodyBudget(bytes_max=ALL, bytes_max_each=EACH, grace_s=GRACE_S, clock_s=lambda: self.now_s)
        self.held = ExitStack()

    async def begin(self, sender: str, *, is_read: bool = True) -> BudgetShare:
        """Begins a body, and returns its share of the budget.

        With `is_read=False` the body has arrived completely, and waits to be checked.
        """
        share = self.held.enter_context(self.budget.hold(sender))
        if is_read:
            share.timeout = asyncio.timeout(None)
            await share.timeout.__aenter__()
        return share


@pytest.fixture
def arriving() -> Arriving:
    return Arriving()


async def test_the_oldest_body_past_its_grace_time_is_dropped_for_a_new_one(arriving: Arriving) -> None:
    """Law 22: if the budget is full, the oldest body past its grace time is dropped, and its bytes are free at once."""
    slow = await arriving.begin("a")
    slow.take(EACH)
    arriving.now_s = GRACE_S
    later = [await arriving.begin(sender) for sender in "bcd"]
    for share in later:
        share.take(20)
    later[0].take(20)
    assert (slow.is_dropped, slow.bytes, arriving.budget.bytes) == (True, 0, 80)
    with pytest.raises(BodyNoRoom):
        slow.take(1)


async def test_a_young_body_is_never_dropped_and_the_new_one_is_refused(arriving: Arriving) -> None:
    """Law 22: a body within its grace time is not dropped, even if the budget has no bytes left for a new body."""
    shares = [await arriving.begin(sender) for sender in "abcde"]
    for share in shares:
        share.take(20)
    arriving.now_s = GRACE_S - 0.1
    newest = await arriving.begin("f")
    with pytest.raises(BodyNoRoom):
        newest.take(1)
    assert not any(share.is_dropped for share in shares)


async def test_one_sender_never_holds_more_than_their_part(arriving: Arriving) -> None:
    """Law 22: a sender over their own bound loses their own oldest body, and no body of others."""
    other = await arriving.begin("other")
    other.take(EACH)
    arriving.now_s = 10.0
    own = [await arriving.begin("a") for _ in range(3)]
    own[0].take(EACH)
    with pytest.raises(BodyNoRoom):
        own[1].take(1)
    arriving.now_s = 20.0
    own[2].take(1)
    assert [share.is_dropped for share in (other, *own)] == [False, True, False, False]


async def test_a_body_that_is_whole_and_waits_to_be_checked_is_not_dropped(arriving: Arriving) -> None:
    """A complete body is not dropped: the service delays this body, and not the sender."""
    whole = await arriving.begin("a", is_read=False)
    whole.take(EACH)
    reading = await arriving.begin("b")
    reading.take(EACH)
    arriving.now_s = 10.0
    newest = await arriving.begin("c")
    newest.take(EACH)
    assert [share.is_dropped for share in (whole, reading)] == [False, True]


async def test_what_is_given_back_is_free(arriving: Arriving) -> None:
    for _ in range(50):
        with arriving.budget.hold("a") as share:
            share.take(EACH)
    assert arriving.budget.bytes == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(1, 60), st.floats(0, 3)), max_size=60))
def test_no_bound_is_exceeded_and_no_young_body_is_dropped(steps: list[tuple[int, int, int, float]]) -> None:
    """Laws 17 and 22: whatever the order of bodies, senders, lengths and pauses, no bound is exceeded."""

    async def run() -> None:
        arriving = Arriving()
        shares: dict[tuple[int, int], BudgetShare] = {}
        for who, number, count, pause_s in steps:
            arriving.now_s += pause_s
            key = (who, number)
            if key not in shares or shares[key].is_dropped:
                shares[key] = await arriving.begin(str(who))
            others = [one for its, one in shares.items() if its != key and not one.is_dropped]
            young = [one for one in others if arriving.now_s - one.began_s < GRACE_S]
            try:
                shares[key].take(count)
            except BodyNoRoom:
                shares.pop(key).drop()
            assert not any(one.is_dropped for one in young)
            assert arriving.budget.bytes == sum(one.bytes for one in shares.values()) <= ALL
            for sender in range(6):
                assert sum(one.bytes for one in shares.values() if one.sender == str(sender)) <= EACH

    asyncio.run(run())
