"""Tests choices, at joining and later, with worked histories. Each expected feed is written by hand."""

from datetime import timedelta

from events.event import Audience
from tests.surprise.story import (
    ADA,
    BEN,
    CLAPPED,
    CRAWLED,
    GRANNY,
    MIA,
    NOAH,
    ON_ALL_FOURS,
    PONY,
    ROLLED,
    SITTER,
    SPOKE,
    STEPPED,
    STOOD,
    WALKED,
    Feed,
    Story,
    table,
)


def test_what_makes_a_home_change_is_told_unless_it_was_chosen_by_name(feed: Feed) -> None:
    """A milestone with a safety note is delivered to a member who keeps everything, and held if the member keeps it by name."""
    story = Story()
    story.chooses(BEN, "keep")
    story.chooses(BEN, "keep", f"milestone:{ON_ALL_FOURS}")
    story.chooses(ADA, "keep", f"milestone:{CRAWLED}", child=MIA)
    for milestone in (ROLLED, CRAWLED, ON_ALL_FOURS):
        story.saw(GRANNY, milestone)
    story.saw(GRANNY, CRAWLED, NOAH)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben chose keep
        Gran saw Mia rolls-over
        Gran saw Mia crawls
        Gran saw Noah crawls
    """)
    assert feed(story, ADA) == table("""
        Ada chose keep
        Gran saw Mia rolls-over
        Gran saw Mia gets-on-hands-and-knees
        Gran saw Noah crawls
    """)


def test_a_choice_at_joining_precedes_the_history(feed: Feed) -> None:
    """The history that Ben gets on joining lacks a withdrawn record and gives no hint. Held events are released later (law 9)."""
    story = Story(BEN)
    seen = story.saw(GRANNY, WALKED)
    story.cheers(ADA, seen)
    mistaken = story.saw(SITTER, WALKED)
    story.withdraws(SITTER, mistaken)
    changed = story.saw(SITTER, CLAPPED)
    story.amends(SITTER, changed, milestone=STEPPED)
    story.saw(GRANNY, SPOKE)
    story.saw(ADA, SPOKE, audience=Audience.HOUSEHOLD)
    story.chooses(BEN, "hint", "domain:movement", child=MIA)
    story.joins(BEN)
    story.passes(days=1)
    story.first(BEN, WALKED)
    assert feed(story, BEN) == table("""
        Sam saw Mia claps
        Gran saw Mia first-word
        Ben chose hint
        Ben first saw Mia walks
        Gran saw Mia walks (own_first)
        Ada cheered (own_first)
        Sam amended milestone (own_first)
    """)


def test_a_hint_is_given_once_a_day_for_a_child_and_a_domain(feed: Feed) -> None:
    """Ben gets at most one hint a day for each child and domain.

    He gets no hint for an event if he chose `keep` for its milestone, or if an event of the same subject is held already. A clock
    that goes back gives no second hint.
    """
    story = Story()
    story.chooses(BEN, "hint")
    story.chooses(BEN, "keep", f"milestone:{STEPPED}")
    story.saw(GRANNY, STOOD)
    story.saw(SITTER, STOOD)
    story.saw(GRANNY, "movement.cruises")
    story.saw(GRANNY, SPOKE)
    story.passes(days=1)
    story.saw(SITTER, STOOD)
    story.saw(GRANNY, WALKED)
    story.saw(GRANNY, STOOD, NOAH)
    mistaken = story.saw(GRANNY, "movement.jumps")
    story.withdraws(GRANNY, mistaken)
    story.passes(days=-1)
    story.saw(GRANNY, "movement.hops")
    story.passes(days=2)
    story.saw(GRANNY, "movement.hops")
    story.saw(GRANNY, "movement.jumps")
    assert feed(story, BEN) == table("""
        Ben chose hint
        Ben chose keep
        something new for Mia in movement, Monday
        something new for Mia in talking, Monday
        something new for Noah in movement, Tuesday
        something new for Mia in movement, Tuesday
        something new for Mia in movement, Wednesday
    """)


def test_the_most_specific_choice_counts_then_the_one_that_was_recorded_last(feed: Feed) -> None:
    """The most specific choice counts. Of two choices with one scope, the choice that was recorded later counts.

    A choice of `tell` releases the events that it concerns.
    """
    story = Story()
    story.chooses(BEN, "keep")
    story.chooses(BEN, "tell", "domain:talking")
    story.chooses(BEN, "keep", "domain:talking", child=MIA)
    story.passes(days=2)
    story.saw(GRANNY, SPOKE)
    story.saw(GRANNY, SPOKE, NOAH)
    story.saw(GRANNY, WALKED)
    story.chooses(BEN, "tell", late=timedelta(days=3))
    story.saw(GRANNY, CLAPPED)
    story.chooses(BEN, "tell")
    story.saw(GRANNY, STOOD)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben chose tell
        Ben chose keep
        Gran saw Noah first-word
        Ben chose tell
        Ben chose tell
        Gran saw Mia walks (told)
        Gran saw Mia claps (told)
        Gran saw Mia stands-for-a-moment
    """)


def test_the_days_are_counted_for_each_event(feed: Feed) -> None:
    """`at_most_days` counts from the time at which each event was received.

    When its days are over, an event is released with its replies. An event that is held by a choice without `at_most_days` stays
    held.
    """
    story = Story()
    story.chooses(BEN, "keep", at_most_days=2)
    story.chooses(BEN, "keep", "domain:talking")
    seen = story.saw(GRANNY, WALKED)
    story.saw(GRANNY, SPOKE)
    story.passes(days=1)
    story.cheers(SITTER, seen)
    story.first(ADA, WALKED, of=seen, shared=True)
    story.saw(GRANNY, "feelings.names-a-feeling")
    story.passes(days=1)
    story.ticks(BEN)
    story.saw(GRANNY, WALKED)
    story.passes(days=1)
    story.ticks(BEN)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben chose keep
        Gran saw Mia walks (time)
        Sam cheered (time)
        Ada first saw Mia walks (time)
    """)


def test_an_amendment_of_what_was_withdrawn_before_somebody_joined_comes_when_it_is_opened(feed: Feed) -> None:
    """Law 19: the target is not held from Ben, so its withdrawal before he joined does not drop the held amendment."""
    story = Story(BEN)
    changed = story.saw(SITTER, CLAPPED)
    story.amends(SITTER, changed, milestone=STEPPED)
    story.cheers(ADA, changed)
    story.withdraws(SITTER, changed)
    story.chooses(BEN, "keep", "domain:movement")
    story.joins(BEN)
    story.opens(BEN)
    assert feed(story, BEN) == table("""
        Sam saw Mia claps
        Ada cheered
        Sam withdrawn
        Ben chose keep
        Ben opened all
        Sam amended milestone (opened)
    """)


def test_a_name_is_kept_no_longer_than_what_it_names(feed: Feed) -> None:
    """A name is released as soon as its milestone is not held for one child, because that child's record needs the name."""
    story = Story()
    story.chooses(BEN, "keep", at_most_days=3)
    story.chooses(BEN, "keep", child=MIA)
    story.names(ADA, "Rides a pony")
    story.saw(GRANNY, PONY, NOAH)
    story.saw(GRANNY, PONY)
    story.passes(days=3)
    story.ticks(BEN)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben chose keep
        Ada named Rides a pony (time)
        Gran saw Noah pony (time)
    """)


def test_a_hint_is_given_for_what_is_kept_alone(feed: Feed) -> None:
    """An amendment may tell of several subjects. It gives a hint for each subject that Ben keeps, and for no other subject."""
    story = Story()
    story.chooses(BEN, "hint")
    mistaken = story.saw(GRANNY, CRAWLED, NOAH)
    story.amends(GRANNY, mistaken, child=MIA, milestone=SPOKE)
    assert feed(story, BEN) == table("""
        Ben chose hint
        Gran saw Noah crawls
        something new for Mia in talking, Monday
        something new for Noah in talking, Monday
    """)
