"""Tests with worked histories which events are held, what meets a milestone, and what openings and withdrawals do.

Each expected feed is written by hand.
"""

from datetime import timedelta

from events.event import Audience
from tests.surprise.story import (
    ADA,
    BEN,
    CLAPPED,
    GRANNY,
    MIA,
    NOAH,
    PONY,
    RAN,
    SITTER,
    SPOKE,
    STEPPED,
    STOOD,
    TEN_STEPS,
    WALKED,
    Feed,
    Story,
    table,
)


def test_who_saw_running_has_seen_walking(feed: Feed) -> None:
    """A first of running meets walking too, because running implies walking. So held events of walking are released (law 9)."""
    story = Story()
    story.chooses(BEN, "keep")
    seen = story.saw(GRANNY, WALKED)
    story.saw(GRANNY, SPOKE)
    story.cheers(ADA, seen)
    story.first(BEN, RAN)
    story.saw(SITTER, STEPPED)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben first saw Mia runs
        Gran saw Mia walks (own_first)
        Ada cheered (own_first)
        Sam saw Mia first-steps
    """)


def test_ten_steps_would_tell_of_the_first_one(feed: Feed) -> None:
    """A milestone that implies a kept milestone is held. A milestone that comes before the kept milestone is delivered."""
    story = Story()
    story.chooses(BEN, "keep", f"milestone:{STEPPED}")
    story.saw(GRANNY, TEN_STEPS)
    story.saw(GRANNY, STOOD)
    story.saw(GRANNY, TEN_STEPS, NOAH)
    story.first(BEN, STEPPED)
    story.saw(GRANNY, RAN)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Gran saw Mia stands-for-a-moment
        Ben first saw Mia first-steps
        Gran saw Mia ten-steps (own_first)
        Gran saw Mia runs
    """)
    assert feed(story, ADA) == table("""
        Gran saw Mia ten-steps
        Gran saw Mia stands-for-a-moment
        Gran saw Noah ten-steps
        Gran saw Mia runs
    """)


def test_what_was_withdrawn_while_it_was_held_is_never_delivered(feed: Feed) -> None:
    """Laws 8, 9: the withdrawn event, its clip, a cheer for the clip and the withdrawal never come, even after an opening."""
    story = Story()
    story.chooses(BEN, "keep")
    seen = story.saw(GRANNY, WALKED)
    clip = story.clips(GRANNY, seen)
    story.cheers(ADA, clip)
    story.saw(SITTER, WALKED)
    story.withdraws(GRANNY, seen)
    story.writes(ADA, "no matter", about=seen)
    story.opens(BEN)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben opened all
        Sam saw Mia walks (opened)
    """)


def test_an_envelope_opens_for_what_is_in_it_and_not_for_what_comes(feed: Feed) -> None:
    """After an opening, replies to the opened event are delivered. A new record of the milestone is held until Ben meets it."""
    story = Story()
    story.chooses(BEN, "keep")
    seen = story.saw(GRANNY, WALKED)
    spoke = story.saw(GRANNY, SPOKE)
    story.opens(BEN, "domain:movement")
    story.cheers(ADA, seen)
    story.cheers(ADA, spoke)
    story.first(ADA, WALKED, of=seen, shared=True)
    story.saw(SITTER, WALKED)
    story.opens(BEN, f"milestone:{WALKED}", child=NOAH)
    story.first(BEN, WALKED)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben opened domain:movement
        Gran saw Mia walks (opened)
        Ada cheered
        Ben opened milestone:movement.walks
        Ben first saw Mia walks
        Ada first saw Mia walks (own_first)
        Sam saw Mia walks (own_first)
    """)


def test_an_amendment_is_held_that_would_bring_an_event_to_a_kept_milestone(feed: Feed) -> None:
    """Laws 19, 20: only the amendment is held, and the cheers of others are delivered.

    A withdrawal of the delivered target does not drop the held amendment.
    """
    story = Story()
    story.chooses(BEN, "keep", "domain:movement")
    first, second = story.saw(GRANNY, CLAPPED), story.saw(SITTER, CLAPPED)
    story.amends(GRANNY, first, milestone=WALKED)
    story.amends(SITTER, second, milestone=STEPPED)
    story.cheers(ADA, first)
    story.amends(GRANNY, first, milestone=SPOKE)
    story.withdraws(SITTER, second)
    story.first(BEN, RAN)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Gran saw Mia claps
        Sam saw Mia claps
        Ada cheered
        Gran amended milestone
        Sam withdrawn
        Ben first saw Mia runs
        Gran amended milestone (own_first)
        Sam amended milestone (own_first)
    """)


def test_a_milestone_of_the_familys_own_is_kept_with_its_name(feed: Feed) -> None:
    """The name of a family milestone is held from Ben, who keeps it for every child. Gran, who keeps it for one, gets the name.

    After the release of the name, a new name of the same milestone is delivered to Ben.
    """
    story = Story()
    story.chooses(BEN, "keep")
    story.chooses(GRANNY, "keep", child=MIA)
    story.names(ADA, "Rides a pony")
    story.saw(SITTER, PONY)
    story.names(SITTER, "Rides the pony")
    story.opens(BEN, "domain:life")
    story.names(SITTER, "Rides our pony")
    story.saw(SITTER, PONY, NOAH)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben opened domain:life
        Ada named Rides a pony (opened)
        Sam saw Mia pony (opened)
        Sam named Rides the pony (opened)
        Sam named Rides our pony
    """)
    assert feed(story, GRANNY) == table("""
        Gran chose keep
        Ada named Rides a pony
        Sam named Rides the pony
        Sam named Rides our pony
        Sam saw Noah pony
    """)


def test_a_first_that_was_withdrawn_is_unmet_and_what_was_released_stays_told(feed: Feed) -> None:
    """After Ben withdraws his first, new records are held again, but released records stay in his feed.

    After an amendment of his own record, Ben has met the new milestone, and no longer the old one.
    """
    story = Story()
    story.chooses(BEN, "keep")
    story.saw(GRANNY, WALKED)
    mine = story.first(BEN, WALKED)
    story.withdraws(BEN, mine)
    story.saw(GRANNY, WALKED)
    story.saw(GRANNY, SPOKE)
    mine = story.saw(BEN, CLAPPED)
    story.amends(BEN, mine, milestone=SPOKE)
    story.saw(GRANNY, CLAPPED)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben first saw Mia walks
        Gran saw Mia walks (own_first)
        Ben withdrawn
        Ben saw Mia claps
        Ben amended milestone
        Gran saw Mia first-word (own_first)
    """)


def test_what_was_recorded_offline_days_before_frees_when_it_arrives(feed: Feed) -> None:
    """Law 9: an own record that arrives days late releases the held events when it arrives: each event once, in log order.

    Events of Noah stay held. Events whose audience does not include Ben are not released.
    """
    story = Story()
    story.chooses(BEN, "keep")
    story.saw(GRANNY, WALKED)
    story.saw(GRANNY, WALKED, NOAH)
    story.first(ADA, WALKED)
    story.saw(ADA, WALKED, audience=Audience.HOUSEHOLD)
    story.passes(days=9)
    story.saw(SITTER, STEPPED)
    story.saw(BEN, TEN_STEPS, audience=Audience.ME, late=timedelta(days=8))
    story.saw(BEN, TEN_STEPS)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben saw Mia ten-steps
        Gran saw Mia walks (own_first)
        Sam saw Mia first-steps (own_first)
        Ben saw Mia ten-steps
    """)
    assert feed(story, SITTER) == table("""
        Gran saw Mia walks
        Gran saw Noah walks
        Ada saw Mia walks
        Sam saw Mia first-steps
        Ben saw Mia ten-steps
    """)
