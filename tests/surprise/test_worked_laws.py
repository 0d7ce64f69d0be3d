"""Tests laws 19 and 20, and words that may tell of a milestone, with worked histories. Each expected feed is written by hand."""

from events.catalogue import Domain
from tests.surprise.story import (
    ADA,
    BEN,
    CLAPPED,
    DAYCARE,
    GRANNY,
    MIA,
    NOAH,
    PONY,
    RAN,
    SITTER,
    SPOKE,
    STEPPED,
    STOOD,
    Feed,
    Story,
    table,
)


def test_what_hangs_from_a_word_that_was_told_comes_although_that_was_taken_back(feed: Feed) -> None:
    """Law 19: a held reply to a delivered note is released later, although the note was withdrawn.

    A note that its author withdrew while it was held never comes, and neither do its replies.
    """
    story = Story()
    story.chooses(BEN, "keep", hold_unsorted=True)
    note = story.writes(ADA, "how was it?")
    answer = story.writes(SITTER, "stung by a wasp", about=note)
    story.cheers(GRANNY, answer)
    other = story.writes(GRANNY, "a picture comes", about=note)
    story.cheers(ADA, other)
    story.withdraws(GRANNY, other)
    story.withdraws(ADA, note)
    story.opens(BEN)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ada wrote how was it?
        Ada withdrawn
        Ben opened all
        Sam wrote stung by a wasp (opened)
        Gran cheered (opened)
    """)


def test_what_another_takes_back_is_not_gone_for_who_waits(feed: Feed) -> None:
    """Law 20: Ada withdraws an observation that was found in a daycare's words. On opening, Ben gets it and the withdrawal."""
    story = Story()
    story.chooses(BEN, "keep")
    found = story.finds(DAYCARE, STEPPED)
    story.cheers(SITTER, found)
    story.withdraws(ADA, found)
    story.opens(BEN)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben opened all
        Sunflowers saw Mia first-steps (opened)
        Sam cheered (opened)
        Ada withdrawn (opened)
    """)


def test_a_daycares_correction_states_nothing_of_a_parents_correction_that_it_was_not_sent(feed: Feed) -> None:
    """Law 21: a daycare's amendment is judged without Ada's amendment, which was not sent to the daycare. So it is delivered."""
    story = Story()
    story.chooses(BEN, "keep")
    story.saw(BEN, STOOD)
    found = story.finds(DAYCARE, STOOD)
    story.amends(ADA, found, milestone=STEPPED)
    story.amends(DAYCARE, found, child=MIA)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben saw Mia stands-for-a-moment
        Sunflowers saw Mia stands-for-a-moment
        Sunflowers amended child
    """)


def test_nothing_is_held_in_a_thread_that_one_began(feed: Feed) -> None:
    """Law 20: in a thread that Ben began, helpers' everyday notes and clips are delivered, and also a first that he keeps."""
    story = Story()
    story.chooses(BEN, "keep", hold_unsorted=True)
    asked = story.writes(BEN, "did she take her medicine?")
    answer = story.writes(SITTER, "yes, at four", about=asked)
    story.clips(SITTER, answer)
    seen = story.saw(BEN, CLAPPED)
    story.withdraws(BEN, seen)
    story.first(ADA, CLAPPED, of=seen, shared=True)
    assert feed(story, BEN) == table("""
        Ben chose keep
        Ben wrote did she take her medicine?
        Sam wrote yes, at four
        Sam attached a clip
        Ben saw Mia claps
        Ben withdrawn
        Ada first saw Mia claps
    """)


def test_words_that_may_tell_wait_until_somebody_says_what_they_tell(feed: Feed) -> None:
    """Words that may tell of a milestone are held from a member who keeps this milestone, and give no hint.

    A sorting as something else, an opening, or an own first releases the words.
    """
    story = Story()
    story.chooses(BEN, "hint", "domain:movement")
    story.perhaps(DAYCARE, STEPPED)
    lunch = story.perhaps(DAYCARE, STEPPED)
    story.perhaps(DAYCARE, SPOKE)
    word = story.perhaps(DAYCARE, RAN)
    story.perhaps(DAYCARE, STEPPED, child=NOAH)
    story.sorts(ADA, lunch)
    story.sorts(SITTER, word, SPOKE)
    story.opens(BEN, "domain:movement", child=NOAH)
    story.first(BEN, STEPPED)
    assert feed(story, BEN) == table("""
        Ben chose hint
        Sunflowers wrote off she went
        Sunflowers wrote off she went (sorted)
        Ada sorted none (sorted)
        Sunflowers wrote off she went (sorted)
        Sam sorted first-word (sorted)
        Ben opened domain:movement
        Sunflowers wrote off she went (opened)
        Ben first saw Mia first-steps
        Sunflowers wrote off she went (own_first)
    """)


def test_a_name_that_moves_into_a_kept_domain_is_a_new_name(feed: Feed) -> None:
    """Law 19: in an old log, a milestone's new name is in another domain, which Ben keeps. Only the new name is held from him."""
    story = Story()
    story.names(ADA, "Rides a pony", domain=Domain.TALKING)
    story.chooses(BEN, "keep", "domain:life")
    story.names(ADA, "Rides the pony", domain=Domain.TALKING)
    story.names(ADA, "Falls off the pony", domain=Domain.LIFE)
    story.saw(SITTER, PONY)
    story.first(BEN, PONY)
    assert feed(story, BEN) == table("""
        Ada named Rides a pony
        Ben chose keep
        Ada named Rides the pony
        Ben first saw Mia pony
        Ada named Falls off the pony (own_first)
        Sam saw Mia pony (own_first)
    """)
