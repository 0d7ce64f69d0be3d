"""Tests everyday notes and clips, sorted and unsorted, with worked histories. Each expected feed is written by hand."""

from tests.surprise.story import ADA, BEN, CLAPPED, CRAWLED, DAYCARE, GRANNY, ON_ALL_FOURS, SITTER, STEPPED, Feed, Story, table


def test_a_sitters_everyday_note_waits_until_it_is_sorted_or_time_has_passed(feed: Feed) -> None:
    """With `hold_unsorted`, a helper's everyday note is held until it is sorted or its `at_most_days` are over.

    A parent's note is delivered, and so is a helper's note about a delivered observation.
    """
    story = Story()
    story.chooses(BEN, "keep", "domain:movement", hold_unsorted=True, at_most_days=3)
    lunch = story.writes(SITTER, "soup")
    story.cheers(ADA, lunch)
    story.clips(SITTER, story.writes(DAYCARE, "under the trees"))
    garden = story.writes(DAYCARE, "in the garden")
    story.writes(ADA, "we were at the lake")
    clapped = story.saw(GRANNY, CLAPPED)
    story.writes(SITTER, "so loud!", about=clapped)
    story.passes(days=2)
    later = story.writes(GRANNY, "look at this")
    story.sorts(ADA, lunch)
    story.sorts(ADA, garden, STEPPED)
    story.passes(days=1)
    story.ticks(BEN)
    story.passes(days=2)
    story.sorts(SITTER, later, CLAPPED)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ada wrote we were at the lake
        Gran saw Mia claps
        Sam wrote so loud!
        Sam wrote soup (sorted)
        Ada cheered (sorted)
        Ada sorted none (sorted)
        Sunflowers wrote under the trees (time)
        Sam attached a clip (time)
        Sunflowers wrote in the garden (time)
        Gran wrote look at this (sorted)
        Sam sorted claps (sorted)
    """)


def test_a_note_that_was_sorted_to_a_kept_milestone_waits_for_the_milestone(feed: Feed) -> None:
    """A note that was sorted to a kept milestone is held, with its sorting and its replies, until Ben meets the milestone.

    The `at_most_days` for unsorted notes no longer release it.
    """
    story = Story()
    story.chooses(BEN, "keep", "domain:movement")
    story.chooses(BEN, "keep", "domain:hands", hold_unsorted=True, at_most_days=3)
    note = story.writes(SITTER, "guess what")
    story.clips(SITTER, note)
    story.cheers(GRANNY, note)
    story.sorts(ADA, note, STEPPED)
    story.passes(days=4)
    story.ticks(BEN)
    story.writes(SITTER, "so fast", about=note)
    story.first(BEN, STEPPED)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben chose keep
        Ben first saw Mia first-steps
        Sam wrote guess what (own_first)
        Sam attached a clip (own_first)
        Gran cheered (own_first)
        Ada sorted first-steps (own_first)
    """)


def test_a_sorting_of_what_was_told_changes_nothing_of_what_is_said_from_then_on(feed: Feed) -> None:
    """Law 20: when a delivered note is sorted to a kept milestone, only the sorting is held. Replies are delivered as before."""
    story = Story()
    story.chooses(BEN, "keep")
    told = story.writes(ADA, "guess what")
    story.cheers(GRANNY, told)
    story.sorts(ADA, told, STEPPED)
    story.cheers(SITTER, told)
    story.cheers(BEN, told)
    story.first(BEN, STEPPED)
    story.cheers(ADA, told)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ada wrote guess what
        Gran cheered
        Sam cheered
        Ben cheered
        Ben first saw Mia first-steps
        Ada sorted first-steps (own_first)
        Ada cheered
    """)


def test_of_several_sortings_the_last_counts_and_its_authors_is_final(feed: Feed) -> None:
    """Law 20: of several sortings of a helper's note, the last one counts. A sorting by the note's own author is final."""
    story = Story()
    story.chooses(BEN, "keep", hold_unsorted=True)
    fever = story.writes(SITTER, "she has a fever")
    lunch = story.writes(SITTER, "soup")
    story.sorts(ADA, fever, STEPPED)
    story.sorts(GRANNY, fever)
    story.sorts(SITTER, lunch, STEPPED)
    story.sorts(ADA, lunch)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Sam wrote she has a fever (sorted)
        Gran sorted none (sorted)
    """)
    story.sorts(SITTER, lunch)
    freed = ["Sam wrote soup (sorted)", "Ada sorted none (sorted)", "Sam sorted none (sorted)"]
    assert feed(story, BEN).splitlines()[3:] == freed


def test_a_parents_own_words_are_sorted_by_nobody_else(feed: Feed) -> None:
    """Law 20: in an old log, a helper has sorted a parent's words. The sorting is held, but the parent's words are released."""
    story = Story()
    story.chooses(BEN, "keep", hold_unsorted=True)
    note = story.writes(SITTER, "look")
    answer = story.writes(ADA, "call me, please", about=note)
    story.sorts(SITTER, answer, STEPPED)
    story.sorts(GRANNY, note)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Sam wrote look (sorted)
        Ada wrote call me, please (sorted)
        Gran sorted none (sorted)
    """)


def test_a_sorting_that_is_kept_frees_nothing_of_its_thread(feed: Feed) -> None:
    """Law 8: a held sorting releases no clip and no note of its thread, because such a release would tell of the sorting."""
    story = Story()
    story.chooses(BEN, "keep", hold_unsorted=True)
    told = story.writes(ADA, "guess what")
    story.clips(GRANNY, told)
    story.sorts(ADA, told, STEPPED)
    note = story.writes(SITTER, "look at her")
    clip = story.clips(SITTER, note)
    story.cheers(ADA, note)
    story.sorts(ADA, clip, STEPPED)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ada wrote guess what
    """)
    story.first(BEN, STEPPED)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ada wrote guess what
        Ben first saw Mia first-steps
        Ada sorted first-steps (own_first)
    """)
    story.sorts(GRANNY, note)
    assert feed(story, BEN).splitlines()[4:] == table("""
        Sam wrote look at her (sorted)
        Sam attached a clip (sorted)
        Ada cheered (sorted)
        Ada sorted first-steps (sorted)
        Gran sorted none (sorted)
    """).splitlines()


def test_a_note_in_a_history_is_about_what_it_was_sorted_to(feed: Feed) -> None:
    """The history at joining leaves out a note that was sorted to a kept milestone, with its replies.

    A note that was sorted as nothing is delivered.
    """
    story = Story(BEN)
    note = story.writes(SITTER, "guess what")
    story.clips(SITTER, note)
    story.cheers(GRANNY, note)
    story.sorts(ADA, note, STEPPED)
    asked = story.writes(ADA, "any news?")
    clip = story.clips(SITTER, asked)
    story.sorts(ADA, clip, STEPPED)
    lunch = story.writes(SITTER, "soup")
    story.sorts(ADA, lunch)
    story.writes(SITTER, "a nap")
    story.chooses(BEN, "keep", hold_unsorted=True)
    story.joins(BEN)
    assert feed(story, BEN) == table("""
        Ada wrote any news?
        Sam wrote soup
        Ada sorted none
        Ben chose keep
    """)
    story.opens(BEN, f"milestone:{STEPPED}")
    assert (
        feed(story, BEN).splitlines()[4:]
        == table("""
        Ben opened milestone:movement.first-steps
        Sam wrote guess what (opened)
        Sam attached a clip (opened)
        Gran cheered (opened)
        Ada sorted first-steps (opened)
        Sam attached a clip (opened)
        Ada sorted first-steps (opened)
    """).splitlines()
    )


def test_a_second_thought_frees_no_words_about_what_was_met_before_it(feed: Feed) -> None:
    """A daycare's words are not released by an own amendment or first of a milestone that Ben had already met."""
    story = Story()
    story.chooses(BEN, "keep", "domain:hands", hold_unsorted=True)
    crawled = story.first(BEN, CRAWLED)
    found = story.finds(DAYCARE, ON_ALL_FOURS)
    story.amends(BEN, crawled, milestone=ON_ALL_FOURS)
    story.first(BEN, ON_ALL_FOURS)
    story.sorts(ADA, found)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben first saw Mia crawls
        Ben amended milestone
        Ben first saw Mia gets-on-hands-and-knees
        Sunflowers saw Mia gets-on-hands-and-knees (sorted)
        Ada sorted none (sorted)
    """)
