"""Tests that today's rule can fold a log that was written when choices had no effect yet."""

from typing import Any

from events.event import Audience, Event
from events.ids import Seq
from events.observations import Cheered, How, MilestoneObserved, ParentFirstSaw
from events.surprise import Mode, SurpriseChosen
from projections.logged_event import LoggedEvent
from tests.families import WALKED, Family
from tests.histories import Told, enumerate_seqs, happened


class Before(Told):
    """A log that was written when choices had no effect yet: members refer to events that today's rule holds from them."""

    def _target(self, event: Event[Any]) -> LoggedEvent | None:
        known = super()._target(event)
        named = getattr(event.event, event.event.refers) if event.event.refers else None
        if known is not None or named is None:
            return known
        [seq] = [seq for seq, one in enumerate_seqs(self.events) if one.id == named]
        return self.folded.events[seq]


def test_ones_own_words_stay_in_ones_feed_whatever_they_were_about() -> None:
    """Laws 1, 11: Ben's own cheer for a held event is in his feed. His own first releases the event to which it refers."""
    family = Family()
    log = Before.of_everybody(family)
    log.add(happened(family.ben, SurpriseChosen(scope="all", mode=Mode.KEEP), audience=Audience.ME))
    seen = happened(family.granny, MilestoneObserved(child=family.child, milestone=WALKED))
    cheered = happened(family.ben, Cheered(about=seen.id))
    first = happened(
        family.ben,
        ParentFirstSaw(child=family.child, milestone=WALKED, how=How.CLIP, observation=seen.id),
        audience=Audience.ME,
    )
    begun = Seq(len(log.feeds[family.ben]))
    for event in (seen, cheered, first):
        log.add(event)
    assert [event.id for event in log.feed(family.ben)][begun:] == [cheered.id, first.id, seen.id]
    assert [entry.state for entry in log.timeline(family.ben)] == ["seen"]
