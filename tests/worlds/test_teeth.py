"""The two worlds have teeth: each leak that is planted here is caught, and where none is planted nothing is.

Owns the list of what is planted, one for each channel through which a held event could be noticed.
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
    """Run the leak's history in both worlds.

    Raises:
        AssertionError: a byte differs, or what comes in the end is not what is owed.
    """
    with pairs.of(planted.history, whole=True, with_webhooks=planted.with_webhooks) as (alone, beside):
        beside.run(like=alone.run())
        for run in (alone, beside):
            require_owed(planted.history, run.household, run.entries_since_the_act(), hides=run is beside)
            run.require_clips()


def test_there_are_enough() -> None:
    """I-33."""
    assert len(LEAKS) >= 95
    assert len({planted.name for planted in LEAKS}) == len(LEAKS)


def test_leaks_are_planted_through_public_names() -> None:
    """A leak that hangs on a private name breaks, or plants nothing, at every change of shape."""
    private = re.compile(r"""(?:patch\.set\w+|around)\(.*(?:["']_[a-z]|\._[a-z]).*""")
    found = {module.__name__: private.findall(inspect.getsource(module)) for module in (leaks, *PLANTED_IN)}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.timeout(400)  # some dozens of histories
def test_nothing_is_caught_where_nothing_is_planted(pairs: Pairs) -> None:
    """Law 8, on the histories by which the leaks are caught: of those that share a schedule, the one that holds most."""
    by_schedule: dict[str, list[Leak]] = {}
    for planted in sorted(LEAKS, key=lambda planted: len(planted.history.hidden)):
        one = planted.history
        by_schedule.setdefault(str((one.wish, one.visible, one.ending, one.probe)), []).append(planted)
    for alike in by_schedule.values():
        for with_webhooks in {planted.with_webhooks for planted in alike}:
            tell_apart(pairs, Leak("none", (), alike[-1].history, with_webhooks))


@pytest.mark.parametrize("planted", LEAKS, ids=lambda planted: planted.name.replace(" ", "-"))
def test_a_leak_is_caught(pairs: Pairs, planted: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-33: a test that could not see it would prove nothing."""
    planted.plant(monkeypatch)
    with pytest.raises(AssertionError) as caught:
        tell_apart(pairs, planted)
    print(str(caught.value)[:600])
