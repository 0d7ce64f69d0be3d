"""Tests receipts: they name the members before whom to keep quiet, and depend on no event that is held from their reader."""

from collections import Counter
from itertools import pairwise
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.event import Event
from events.family import MemberJoined
from events.ids import EventId, FamilyId, MemberId
from events.observations import MilestoneNamed
from events.surprise import Sorted, TimePassed
from events.wire import bytes_of_event
from service.log.append_request import Receipt
from tests.surprise.invented import FAMILY, histories
from tests.surprise.oracle import Hint, Oracle
from tests.surprise.written import Rows, Written, transactions

NAMES = {
    fact.member: fact.name
    for member in FAMILY.members
    for fact in (FAMILY.founded() if member == FAMILY.ada else FAMILY.joined(member))
    if isinstance(fact, MemberJoined)
}

thoroughly = settings(
    max_examples=max(60, settings().max_examples // 2),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def written(kept: Rows, log: list[Event[Any]], cuts: list[bool], *, forgets: bool) -> Written:
    events = [msgspec.structs.replace(event, claimed_at=None) for event in log]
    return kept.runner.run(kept.write(FamilyId(uuid4()), events, cuts, forgets=forgets, again=True))


@pytest.mark.timeout(600)
@thoroughly
@given(one=histories(), cuts=st.lists(st.booleans(), min_size=1, max_size=16), forgets=st.booleans())
def test_a_receipt_names_everybody_from_whom_the_event_is_held_also_when_it_is_sent_again(
    kept: Rows, one: Oracle, cuts: list[bool], forgets: bool
) -> None:
    """Law 20: `keep_quiet` names each member from whom the event is held, and the receipt of a repeated draft names the same."""
    became = written(kept, [line.event for line in one.log], cuts, forgets=forgets)
    here: set[MemberId] = set()
    for event in became.accepted:
        id, quiet = event.id, set(became.receipts[event.id].keep_quiet)
        here |= {event.event.member} if isinstance(event.event, MemberJoined) else set()
        # A member who joined later in the same transaction is not in the receipt: the event is held from them as history.
        assert {NAMES[member] for member in became.held[id] & here} <= quiet, (event, quiet)
        if id in became.alone:
            assert became.again[id].keep_quiet == became.receipts[id].keep_quiet, event


PAIRS = 300


@pytest.mark.timeout(900)
def test_what_is_taken_away_changes_nothing_that_a_member_reads(kept: Rows) -> None:
    """Laws 8, 21: a member reads the same, whether the events that are held from them to the end happen or not.

    The test compares the member's feed, and the receipts of their own drafts and repeated drafts.
    """
    tried: Counter[str] = Counter()

    @settings(thoroughly, max_examples=2 * PAIRS)
    @given(one=histories(most=30), cuts=st.lists(st.booleans(), min_size=1, max_size=16), forgets=st.booleans())
    def run(one: Oracle, cuts: list[bool], forgets: bool) -> None:
        if tried["pairs"] >= PAIRS:
            return
        log = [line.event for line in one.log]
        before = written(kept, log, cuts, forgets=forgets)
        accepted = Oracle(before.accepted)  # without drafts that the service refused, and with the times that it corrected
        for member in FAMILY.members:
            gone = held_for_good(accepted, member)
            if not gone or sorts_something_else(accepted, gone):
                continue
            lost = {line.event.id for line in accepted.log if line.seq in gone}
            left = [event for event in log if event.id not in lost]
            after = written(kept, left, cuts_without(lost, log, cuts), forgets=forgets)
            if others_could_not(before, after, lost, member):
                continue
            assert read_by(kept, after, member) == read_by(kept, before, member)
            tried["pairs"] += 1
            tried.update(type(accepted.log[seq - 1].body).__name__ for seq in gone)

    run()
    print(tried)
    assert tried["pairs"] >= PAIRS


def cuts_without(lost: set[EventId], log: list[Event[Any]], cuts: list[bool]) -> list[bool]:
    """Returns the cuts for the log without the lost events: all other events stay in the same transactions.

    The receipt of a repeated draft depends on the choices at the end of its transaction, so other cuts could change the receipt.
    """
    numbers = [number for number, (_, together) in enumerate(transactions(log, cuts)) for _ in together]
    left = [number for event, number in zip(log, numbers, strict=True) if event.id not in lost]
    return [number != before for before, number in pairwise([-1, *left])]


def others_could_not(before: Written, after: Written, lost: set[EventId], member: MemberId) -> bool:
    """Checks whether another member wrote an event that the service refuses without the removed events.

    A removed event may be a first that released an event to its author. Without this first, the author could not refer to that
    event.
    """
    left = {event.id for event in after.accepted}
    return any(event.author != member and event.id not in left | lost for event in before.accepted)


def sorts_something_else(one: Oracle, gone: set[int]) -> bool:
    """Checks whether a removed event sorts an event that stays. A sorting decides why, and for how long, an event is held."""
    return any(isinstance(line.body, Sorted) and line.about not in gone for line in one.log if line.seq in gone)


def held_for_good(one: Oracle, member: MemberId) -> set[int]:
    """Returns the events that are held from a member to the end, with all events that depend on a held event.

    An event depends on a held event if it refers to that event, or contains a milestone whose name is held.
    """
    gone = one.ever_held.get(member, set()) - one.told(member)
    names = [line.body.milestone for line in one.log if line.seq in gone and isinstance(line.body, MilestoneNamed)]
    for line in one.log:
        if line.about in gone or any(name.encode() in bytes_of_event(line.event) for name in names):
            gone = gone | {line.seq}
    return gone


def read_by(kept: Rows, became: Written, member: MemberId) -> list[object]:
    """Returns the feed entries and receipts that a member's devices read. Hints are left out: they tell of held events."""
    entries = kept.runner.run(kept.feed(became.family, member, became.accepted))
    hints = [place for place, entry in enumerate(entries, 1) if isinstance(entry.what, Hint)]
    read: list[object] = [
        (became.accepted[entry.what - 1].id, entry.released) for entry in entries if isinstance(entry.what, int)
    ]
    own = [event.id for event in became.accepted if event.author == member and not isinstance(event.event, TimePassed)]
    receipts = [receipt for id in own for receipt in (became.receipts[id], became.again.get(id))]
    read += [receipt and without_hints(receipt, hints) for receipt in receipts]
    return read


def without_hints(receipt: Receipt, hints: list[int]) -> Receipt:
    """Returns the receipt with the place that it would have in a feed without hints."""
    place = receipt.place and receipt.place - sum(hint <= receipt.place for hint in hints)
    return msgspec.structs.replace(receipt, place=place)
