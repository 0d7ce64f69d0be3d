"""Tests that comparing two worlds finds leaks: each planted leak is caught, and without a planted leak nothing is caught.

Owns the list of the modules that plant leaks.
"""

import inspect
import re

import pytest

from tests.worlds import leaks, leaks_of_acting, leaks_of_clips, leaks_of_reading, leaks_of_systems, leaks_of_the_rule
from tests.worlds.leaks import LEAKS, Leak
from tests.worlds.owed import require_owed
from tests.worlds.pairs import Pairs

PLANTED_IN = (leaks_of_reading, leaks_of_acting, leaks_of_the_rule, leaks_of_systems, leaks_of_clips)


def tell_apart(pairs: Pairs, planted: Leak) -> None:
    """Runs the leak's history in both worlds.

    Raises:
        AssertionError: a byte differs between the worlds, or the released events are not the owed ones.
    """
    with pairs.of(planted.history, whole=True, with_webhooks=planted.with_webhooks) as (alone, beside):
        beside.run(like=alone.run())
        for run in (alone, beside):
            require_owed(planted.history, run.household, run.entries_since_the_act(), hides=run is beside)
            run.require_clips()


def test_there_are_enough() -> None:
    """I-33: at least 75 leaks are planted, each with a name that no other leak has."""
    assert len(LEAKS) >= 95
    assert len({planted.name for planted in LEAKS}) == len(LEAKS)


def test_leaks_are_planted_through_public_names() -> None:
    """No leak patches a private name: when such a name changes, the leak would break, or would plant nothing."""
    private = re.compile(r"""(?:patch\.set\w+|around)\(.*(?:["']_[a-z]|\._[a-z]).*""")
    found = {module.__name__: private.findall(inspect.getsource(module)) for module in (leaks, *PLANTED_IN)}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.timeout(400)  # some dozens of histories
def test_nothing_is_caught_where_nothing_is_planted(pairs: Pairs) -> None:
    """Law 8: without a leak, both worlds are the same in the leaks' own histories.

    Of the histories with the same visible steps, only the one with the most held steps is run.
    """
    by_schedule: dict[str, list[Leak]] = {}
    for planted in sorted(LEAKS, key=lambda planted: len(planted.history.hidden)):
        one = planted.history
        by_schedule.setdefault(str((one.wish, one.visible, one.ending, one.probe)), []).append(planted)
    for alike in by_schedule.values():
        for with_webhooks in {planted.with_webhooks for planted in alike}:
            tell_apart(pairs, Leak("none", (), alike[-1].history, with_webhooks))


@pytest.mark.parametrize("planted", LEAKS, ids=lambda planted: planted.name.replace(" ", "-"))
def test_a_leak_is_caught(pairs: Pairs, planted: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-33: with this leak planted, comparing the two worlds fails."""
    planted.plant(monkeypatch)
    with pytest.raises(AssertionError) as caught:
        tell_apart(pairs, planted)
    print(str(caught.value)[:600])
