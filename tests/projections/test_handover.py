"""Tests the hand-over card: it lists the milestones that its reader must not mention to a member, if the reader may know them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hypothesis import given

from events.event import Audience, Event
from events.family import MemberLeft
from events.ids import ChildId, MemberId
from events.observations import MilestoneNamed
from events.surprise import Sorted, SurpriseChosen
from events.wire import bytes_of_event
from projections import first_saw, handover_card, roster
from projections.handover_card import Card
from projections.surprise_state import NO_WISHES, Wishes, wishes_after
from tests.surprise.invented import FAMILY, MILESTONES, histories
from tests.surprise.oracle import Oracle
from tests.surprise.story import (
    ADA,
    BEN,
    CLAPPED,
    CRAWLED,
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
    WALKED,
    Story,
)  # fmt: skip


def cards_of(log: Iterable[Event[Any]], feed: Iterable[Event[Any]], reader: MemberId, *, as_of: datetime) -> tuple[Card, ...]:
    """Returns the cards for a reader, from the family's log and the events in the reader's feed."""
    told, known, wishes = list(feed), roster.EMPTY, dict[MemberId, Wishes]()
    for event in log:
        known = roster.step(known, event)
        if isinstance(event.event, SurpriseChosen):
            wishes[event.author] = wishes_after(wishes.get(event.author, NO_WISHES), event)
    sortings = [event for event in told if isinstance(event.event, Sorted)]
    received = {(event.author, event.id): event.received_at for event in told}
    said = handover_card.told_of(first_saw.of_feed(told), sortings, received)
    names = {event.event.milestone for event in told if isinstance(event.event, MilestoneNamed)}
    return tuple(handover_card.cards(wishes, said, names, reader=reader, roster=known, as_of=as_of))


def by_oracle(one: Oracle, reader: MemberId) -> tuple[Card, ...]:
    """Returns the cards for a reader at the end of an oracle's log, with the feed that this oracle computed."""
    feed = [one.log[entry.what - 1].event for entry in one.feeds.get(reader, []) if isinstance(entry.what, int)]
    log = [line.event for line in one.log]
    return cards_of(log, feed, reader, as_of=log[-1].received_at)


def cards(story: Story, reader: MemberId) -> tuple[Card, ...]:
    """Returns the cards of a reader at the end of a story."""
    return by_oracle(Oracle(story.events), reader)


def card_for(story: Story, reader: MemberId, member: MemberId = BEN, child: ChildId = MIA) -> tuple[set[str], set[str]]:
    """Returns the milestones of one card: those that the member knows, and those that the reader must not mention."""
    (found,) = [one for one in cards(story, reader) if (one.member, one.child) == (member, child)]
    return {line.milestone for line in found.knows}, {line.milestone for line in found.not_to_mention}


def kept(scope: str = "all", **more: Any) -> Story:
    """Returns a story in which Ben keeps surprises."""
    story = Story()
    story.chooses(BEN, "keep", scope, **more)
    return story


def test_the_sitter_reads_what_not_to_mention_and_what_may_be_said() -> None:
    """A seen milestone that Ben keeps is not to be mentioned. A milestone that was delivered to him is listed as known."""
    story = kept("domain:movement")
    story.saw(ADA, STEPPED)
    story.saw(SITTER, SPOKE)
    story.saw(ADA, CRAWLED)  # has a safety note: delivered, unless it is kept by name
    for reader in (ADA, SITTER, GRANNY):
        assert card_for(story, reader) == ({SPOKE, CRAWLED}, {STEPPED})
    assert card_for(story, SITTER, child=NOAH) == (set(), set())


def test_what_a_member_shows_to_have_seen_they_know_with_all_that_it_implies() -> None:
    """A member who shares a first of running is known to have seen walking too, because running implies walking."""
    story = kept()
    story.saw(ADA, WALKED)
    story.saw(ADA, RAN)
    assert card_for(story, SITTER) == (set(), {WALKED, RAN})
    shared = story.first(BEN, RAN, shared=True)
    assert card_for(story, SITTER) == ({WALKED, RAN}, set())
    story.withdraws(BEN, shared)
    assert card_for(story, SITTER) == (set(), {WALKED, RAN})


def test_what_a_member_saw_alone_or_opened_shows_on_nobodys_card() -> None:
    """Law 14: a card does not change when Ben records a first for himself or for his own home, or opens an envelope."""
    story = kept()
    story.saw(ADA, STEPPED)
    before = [cards(story, reader) for reader in (ADA, SITTER, GRANNY, DAYCARE)]
    story.first(BEN, STEPPED)
    story.saw(BEN, WALKED, audience=Audience.HOUSEHOLD)  # for his own home, where the readers do not live
    story.opens(BEN)
    assert before == [cards(story, reader) for reader in (ADA, SITTER, GRANNY, DAYCARE)]


def test_when_a_member_chose_shows_on_nobodys_card() -> None:
    """Law 14: a card is the same, whether the member chose before the recorded event or after it."""
    before, after = kept(), Story()
    before.saw(ADA, STEPPED)
    after.saw(ADA, STEPPED)
    after.passes(days=3)
    after.chooses(BEN, "keep")
    assert cards(before, SITTER) == cards(after, SITTER)


def test_nobody_has_a_card_about_themselves() -> None:
    """Law 8: a member gets no card about themselves, so Ben's cards show nothing of the events that are held from him."""
    story = kept()
    assert cards(story, BEN) == ()
    story.chooses(ADA, "keep", "domain:talking")
    before = cards(story, BEN)
    story.saw(GRANNY, STEPPED)
    story.saw(ADA, SPOKE)
    story.saw(SITTER, WALKED)
    assert {one.member for one in before} == {ADA}
    assert before == cards(story, BEN)
    story.saw(BEN, WALKED)
    assert card_for(story, BEN, ADA) == ({STEPPED, WALKED}, set())


def test_an_amendment_that_is_held_from_a_reader_changes_nothing_that_they_read() -> None:
    """Law 8: Ada's amendment is held from Ben, so his card about Ada still lists the milestone before the amendment."""
    story = kept("domain:talking")
    story.chooses(ADA, "keep", "domain:movement")
    sight = story.saw(ADA, STEPPED)
    story.saw(SITTER, STEPPED)
    before = cards(story, BEN)
    assert card_for(story, BEN, ADA) == ({STEPPED}, set())
    story.amends(ADA, sight, milestone=SPOKE)
    assert before == cards(story, BEN)
    assert card_for(story, SITTER, ADA) == ({SPOKE}, {STEPPED})


def test_a_private_word_of_the_readers_own_is_not_to_be_mentioned_and_is_not_known() -> None:
    """Ada's card lists her private first as not to be mentioned if Ben keeps it, and never as known to Ben."""
    story = kept("domain:movement")
    story.first(ADA, STEPPED)
    story.first(ADA, SPOKE)
    assert card_for(story, ADA) == (set(), {STEPPED})
    assert card_for(story, GRANNY) == (set(), set())


def test_a_milestone_whose_name_is_held_from_the_reader_is_not_on_their_card() -> None:
    """Law 8: the name of a family milestone is held from Granny. When Ada records the milestone, Granny's cards do not change."""
    story = kept()
    story.chooses(GRANNY, "keep", "domain:life")
    before = cards(story, GRANNY)
    story.names(ADA, "Rides a pony")
    story.saw(ADA, PONY)
    assert before == cards(story, GRANNY)
    assert card_for(story, SITTER) == (set(), {PONY})
    (about_mia, _) = [one for one in cards(story, SITTER) if one.member == BEN]
    assert [line.title for line in about_mia.not_to_mention] == ["Rides a pony"]


def test_a_wish_about_what_the_reader_has_not_heard_of_shows_nothing() -> None:
    """Law 8: the name of the milestone is held from Granny, so she gets no card about Ben, who waits for that milestone alone."""
    story = Story()
    story.chooses(GRANNY, "keep", "domain:life")
    story.names(ADA, "Rides a pony")
    story.chooses(BEN, "keep", f"milestone:{PONY}", hold_unsorted=True)
    assert cards(story, GRANNY) == ()
    assert {(one.member, one.notes_too) for one in cards(story, ADA)} == {(BEN, True), (GRANNY, False)}


def test_a_daycare_reads_of_what_it_wrote_alone() -> None:
    """A daycare's card lists only milestones that the daycare recorded, because a daycare is sent only its own events."""
    story = kept()
    story.saw(ADA, STEPPED)
    assert card_for(story, DAYCARE) == (set(), set())
    story.saw(DAYCARE, SPOKE)
    assert card_for(story, DAYCARE) == (set(), {SPOKE})


def test_who_has_left_or_waits_for_nothing_is_on_no_card() -> None:
    """A member who has left, or whose only choice is `tell`, is on no card."""
    story = kept("milestone:" + STEPPED)
    story.chooses(GRANNY, "keep", child=NOAH)
    assert {(one.member, one.child) for one in cards(story, SITTER)} == {(BEN, MIA), (BEN, NOAH), (GRANNY, NOAH)}
    story.chooses(BEN, "tell", "milestone:" + STEPPED)
    assert {(one.member, one.child) for one in cards(story, SITTER)} == {(GRANNY, NOAH)}
    story.happens(GRANNY, MemberLeft(member=GRANNY))
    assert cards(story, SITTER) == ()


def test_a_note_that_was_sorted_is_not_to_be_mentioned_until_it_is_sorted_otherwise() -> None:
    """The card lists the milestone of a note's last sorting. For a note that is sorted as nothing, the card lists nothing."""
    story = kept(hold_unsorted=True)
    note = story.writes(SITTER, "look at her go")
    (found, _) = cards(story, ADA)
    assert (found.notes_too, found.knows, found.not_to_mention) == (True, (), ())
    story.sorts(GRANNY, note, STEPPED)
    assert card_for(story, ADA) == (set(), {STEPPED})
    story.sorts(ADA, note, SPOKE)
    assert card_for(story, SITTER) == (set(), {SPOKE})
    story.sorts(ADA, note)
    assert card_for(story, SITTER) == (set(), set())


def test_who_waits_so_many_days_at_most_is_told_by_time() -> None:
    """The card lists a milestone as known when Ben's `at_most_days` are over. Ada's private first is never known to Ben."""
    story = kept(at_most_days=7)
    story.saw(ADA, STOOD)
    story.first(ADA, SPOKE)
    story.passes(days=6)
    later = story.saw(ADA, STEPPED)
    assert card_for(story, ADA) == (set(), {STOOD, STEPPED, SPOKE})
    story.passes(days=1)
    story.cheers(SITTER, later)
    assert card_for(story, ADA) == ({STOOD}, {STEPPED, SPOKE})
    story.amends(ADA, later, milestone=WALKED)
    story.passes(days=6, hours=1)
    story.cheers(SITTER, later)
    assert card_for(story, ADA) == ({STOOD}, {WALKED, SPOKE}), "a week after it was amended, not before"
    story.passes(days=1)
    story.cheers(SITTER, later)
    assert card_for(story, ADA) == ({STOOD, WALKED}, {SPOKE})


def test_what_a_parent_put_right_is_not_known_before_time_has_told_it() -> None:
    """The `at_most_days` count from the receipt of an amendment, even if a parent amends the older event of a daycare."""
    story = kept("domain:movement", at_most_days=7)
    found = story.finds(DAYCARE, CLAPPED)
    story.passes(days=8)
    story.amends(ADA, found, milestone=STEPPED)
    story.passes(days=1)
    story.cheers(SITTER, found)
    assert card_for(story, ADA) == (set(), {STEPPED})
    story.passes(days=7)
    story.cheers(SITTER, found)
    assert card_for(story, ADA) == ({STEPPED}, set())


def test_the_safe_phrase_is_the_same_whatever_is_held_and_names_no_milestone() -> None:
    """Law 8: the safe phrase is the same with and without held events, and contains no word that hints at a milestone."""
    quiet, loud = kept(), kept("domain:movement", hold_unsorted=True)
    for milestone in MILESTONES:
        loud.saw(ADA, milestone)
    (one, _), (other, noah) = cards(quiet, SITTER), cards(loud, SITTER)
    assert one.phrase == other.phrase == noah.phrase.replace("Noah", "Mia")
    for hint in ("feet", "step", "walk", "word", "new", "first", "today", "soon", "almost", "surprise"):
        assert hint not in one.phrase.lower()


@given(histories(most=30))
def test_a_card_is_the_same_with_and_without_what_is_held_from_its_reader(one: Oracle) -> None:
    """Law 8: a member's cards are the same with and without the events that are held from this member to the end."""
    for reader in FAMILY.members:
        gone = one.ever_held.get(reader, set()) - one.told(reader)
        names = [one.log[seq - 1].body.milestone for seq in gone if isinstance(one.log[seq - 1].body, MilestoneNamed)]
        for line in one.log:
            if line.about in gone or any(name.encode() in bytes_of_event(line.event) for name in names):
                gone = gone | {line.seq}
        other = Oracle(line.event for line in one.log if line.seq not in gone)
        feed = [other.log[entry.what - 1].event for entry in other.feeds.get(reader, []) if isinstance(entry.what, int)]
        as_of = one.log[-1].event.received_at
        assert by_oracle(one, reader) == cards_of([line.event for line in other.log], feed, reader, as_of=as_of)


@given(histories(most=12))
def test_a_card_is_the_same_whatever_others_see_alone_or_open(one: Oracle) -> None:
    """Law 14: no other member's card changes when Ada and Ben record everything for themselves alone and open all envelopes."""
    readers = [member for member in FAMILY.members if any(line.event.author == member for line in one.log)]
    before = {reader: by_oracle(one, reader) for reader in readers}
    story = Story()
    story.events, story.now = [line.event for line in one.log], one.log[-1].event.received_at
    here = roster.EMPTY
    for event in story.events:
        here = roster.step(here, event)
    for member in (BEN, ADA):
        if member not in here.present:
            continue
        private = Story()
        private.events, private.now = list(story.events), story.now
        for milestone in MILESTONES:
            private.first(member, milestone)
            private.saw(member, milestone, NOAH, audience=Audience.ME)
        private.opens(member)
        after = Oracle(private.events)
        for reader in readers:
            if reader != member:
                assert before[reader] == by_oracle(after, reader)
