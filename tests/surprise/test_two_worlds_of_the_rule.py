"""Tests that in the oracle, which is the plain rule, a member's feed does not depend on events that are held to the end."""

from hypothesis import given

from events.ids import MemberId
from events.observations import MilestoneNamed
from events.wire import bytes_of_event
from tests.surprise.invented import FAMILY, histories
from tests.surprise.oracle import Hint, Oracle


def told(one: Oracle, member: MemberId) -> list[tuple[object, str | None]]:
    """Returns the ids of a feed's events, with their marks. Hints are left out, because a hint may tell of a held event."""
    feed = [entry for entry in one.feeds.get(member, []) if not isinstance(entry.what, Hint)]
    return [(one.log[entry.what - 1].event.id, entry.released) for entry in feed if isinstance(entry.what, int)]


@given(histories())
def test_what_is_held_for_good_leaves_no_trace(one: Oracle) -> None:
    """Law 8: if the held events, and all that refer to them, never happen, the feed has the same events with the same marks."""
    for member in FAMILY.members:
        gone = one.ever_held.get(member, set()) - one.told(member)
        names = [one.log[seq - 1].body.milestone for seq in gone if isinstance(one.log[seq - 1].body, MilestoneNamed)]
        for line in one.log:
            if line.about in gone or any(name.encode() in bytes_of_event(line.event) for name in names):
                gone = gone | {line.seq}
        assert not gone & one.told(member)
        other = one if not gone else Oracle(line.event for line in one.log if line.seq not in gone)
        assert told(other, member) == told(one, member)
