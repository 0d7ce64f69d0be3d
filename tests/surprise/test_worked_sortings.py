"""Everyday notes and clips, sorted and not, by worked histories: each feed is written out by hand."""

from tests.surprise.story import ADA, BEN, CLAPPED, CRAWLED, DAYCARE, GRANNY, ON_ALL_FOURS, SITTER, STEPPED, Feed, Story, table


def test_a_sitters_everyday_note_waits_until_it_is_sorted_or_time_has_passed(feed: Feed) -> None:
    """Section 4: `hold_unsorted` and `at_most_days`; a parent's note does not wait, nor a helper's note about what was told."""
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
    """Section 4: held with its sorting, and with all else that is said in its thread."""
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
        Ben cheered
        Ben first saw Mia first-steps
        Ada sorted first-steps (own_first)
        Sam cheered (own_first)
        Ada cheered
    """)


def test_a_sorting_that_is_kept_frees_nothing_of_its_thread(feed: Feed) -> None:
    """Law 8: an everyday clip beside the one that shows it, or the note that it hangs from, would tell of it."""
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
        Gran attached a clip (own_first)
        Ada sorted first-steps (own_first)
        Sam wrote look at her (own_first)
        Sam attached a clip (own_first)
        Ada cheered (own_first)
        Ada sorted first-steps (own_first)
    """)


def test_a_note_in_a_history_is_about_what_its_thread_was_said_to_be_about(feed: Feed) -> None:
    """Section 4: who joins is kept from all of a thread that was sorted to what they keep; what was sorted to none is told."""
    story = Story(BEN)
    note = story.writes(ADA, "guess what")
    clip = story.clips(SITTER, note)
    story.cheers(GRANNY, note)
    story.sorts(ADA, clip, STEPPED)
    lunch = story.writes(SITTER, "soup")
    story.sorts(ADA, lunch)
    story.writes(SITTER, "a nap")
    story.chooses(BEN, "keep", hold_unsorted=True)
    story.joins(BEN)
    assert feed(story, BEN) == table("""
        Sam wrote soup
        Ada sorted none
        Ben chose keep
    """)
    story.opens(BEN, f"milestone:{STEPPED}")
    assert (
        feed(story, BEN).splitlines()[3:]
        == table("""
        Ben opened milestone:movement.first-steps
        Ada wrote guess what (opened)
        Sam attached a clip (opened)
        Gran cheered (opened)
        Ada sorted first-steps (opened)
    """).splitlines()
    )


def test_a_second_thought_frees_no_words_about_what_was_met_before_it(feed: Feed) -> None:
    """Section 4: only what an own first meets that was not met before frees a daycare's words about it."""
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
