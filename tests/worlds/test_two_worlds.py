"""Runs random histories in two worlds. In the second world, additional events happen and are held from one member.

Until this member acts, their devices get the same bytes in both worlds, on every route. After the act, every held event comes,
once. Owns the number of histories, and counts the operations and kinds of steps in them. STILLNEW_NIGHTLY=1 tries more.
"""

import os
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, note, settings

from tests.worlds.histories import IMPORTED, History
from tests.worlds.owed import imported_in, owed, require_owed
from tests.worlds.pairs import Pairs
from tests.worlds.reads import READS
from tests.worlds.strategies import histories
from tests.worlds.wire import Connection, Request
from tests.worlds.writes import WRITES

IS_NIGHT = os.environ.get("STILLNEW_NIGHTLY") == "1"
WITH_WEBHOOKS_EVERY = 7
"""About one history in seven is also compared at the receiver of a webhook.

Seven has no divisor in common with the numbers by which a history's `probe` chooses requests. So each request is also chosen in
histories with webhooks.
"""
PAIRS = 7_000 if IS_NIGHT else 102
"""The number of pairs for each protected member: Ada, Ben and Gran."""


def operations(pairs: Pairs) -> set[str]:
    """Returns every operation of the OpenAPI document of the running service. A HEAD is tried with the GET of its path."""
    (world, _), _, _ = pairs.next()
    with closing(Connection(world.port)) as connection:
        document = connection.request(Request("GET", "/schema/openapi.json")).json()
    return {
        f"{method.upper()} {path}"
        for path, found in document["paths"].items()
        for method in found
        if method != "head" or "get" not in found
    }


def test_every_operation_is_tried(pairs: Pairs) -> None:
    """I-18: each operation of the OpenAPI document is in `READS` or `WRITES`, because each new route could leak."""
    assert operations(pairs) == {*READS, *WRITES}


@pytest.mark.timeout(0 if IS_NIGHT else 400)
@pytest.mark.parametrize("protected", ["ada", "ben", "gran"])
def test_every_byte_is_the_same_until_their_own_act(pairs: Pairs, protected: str) -> None:
    """Laws 8 and 9, I-18, I-19, I-21, I-22: until the protected member acts, their devices get the same bytes in both worlds.

    Afterwards each held event comes once. The protected member is a parent of either home, or the grandmother.
    """
    tried: Counter[str] = Counter()

    @settings(max_examples=PAIRS, suppress_health_check=list(HealthCheck))
    @given(history=histories(protected=(protected,)))
    def run(history: History) -> None:
        note(str(history))
        with_webhooks = history.probe % WITH_WEBHOOKS_EVERY == 3
        with pairs.of(history, with_webhooks=with_webhooks) as (alone, beside):
            left = alone.run()
            right = beside.run(like=left)
            for run in (alone, beside):
                require_owed(history, run.household, run.entries_since_the_act(), hides=run is beside)
                run.require_clips()
        assert not set(right.outcomes) - {"recorded"}, f"what should be held was refused: {right.outcomes}"
        tried.update(right.exercised)
        tried.update(["pairs", f"wish: {history.wish}", f"ending: {history.ending}"])
        tried.update(f"held: {one.step.event['type']}" for one in history.hidden)
        tried["with webhooks"] += with_webhooks
        tried["raced"] += sum(one.races for one in history.hidden)
        tried["owed"] += len(owed(history, hides=True))

    run()
    assert tried["pairs"] >= PAIRS
    assert tried["with webhooks"] >= PAIRS // 25
    assert tried["held: ClipAttached"] >= PAIRS // 20
    seldom = {operation: tried[operation] for operation in operations(pairs) if tried[operation] < PAIRS // 50}
    assert not seldom, f"tried in too few of {tried['pairs']} pairs"


@pytest.mark.timeout(0 if IS_NIGHT else 400)
@pytest.mark.parametrize("protected", ["ada", "ben"])
def test_an_import_is_answered_as_if_the_other_parent_had_imported_nothing(pairs: Pairs, protected: str) -> None:
    """Laws 20 and 21: both parents import, change and withdraw the same records, also at the same time.

    Neither parent notices the other's imports. When the protected member has opened everything, their feed contains all records
    of their own files, whatever the other parent withdrew.
    """
    tried: Counter[str] = Counter()

    @settings(max_examples=PAIRS // 3, suppress_health_check=list(HealthCheck))
    @given(history=histories(protected=(protected,), files_alone=True))
    def run(history: History) -> None:
        note(str(history))
        with pairs.of(history) as (alone, beside):
            right = beside.run(like=alone.run())
            own, both = (imported_in(run.whole_feed(), run.household) for run in (alone, beside))
        assert not set(right.outcomes) - {"recorded"}, f"what should be held was refused: {right.outcomes}"
        assert own <= both, f"lost {own - both}"
        files = [one.event["type"] == IMPORTED for one in history.visible]
        tried.update(pairs=1, own=any(files), raced=any(one.races for one in history.hidden))

    run()
    assert tried["own"] >= PAIRS // 6
    assert tried["raced"] >= PAIRS // 12
