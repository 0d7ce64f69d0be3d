"""Tests to which members an event is delivered, in a family without surprises: by author, audience, reference and joining."""

import pytest

from events.amend import Withdrawn
from events.clips import ClipAttached
from events.event import Audience, Body
from events.family import MemberLeft
from events.ids import ClipId, EventId, MemberId
from events.observations import Cheered, How, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.wire import BODY_BY_NAME
from projections.visibility import audience_of
from tests.families import WALKED, Family
from tests.histories import Told, happened

FAMILY = Family()
ADA, BEN, SITTER, GRANNY, DAYCARE = FAMILY.members
# Ada's home: Ada, the sitter, the grandmother, the daycare. A daycare sees only its own events.
TOLD = {
    (ADA, Audience.ME): {ADA},
    (ADA, Audience.HOUSEHOLD): {ADA, SITTER, GRANNY},
    (ADA, Audience.FAMILY): {ADA, BEN, SITTER, GRANNY},
    (BEN, Audience.ME): {BEN},
    (BEN, Audience.HOUSEHOLD): {BEN},
    (BEN, Audience.FAMILY): {ADA, BEN, SITTER, GRANNY},
    (SITTER, Audience.ME): {SITTER},
    (SITTER, Audience.HOUSEHOLD): {ADA, SITTER, GRANNY},
    (SITTER, Audience.FAMILY): {ADA, BEN, SITTER, GRANNY},
    (DAYCARE, Audience.ME): {DAYCARE},
    (DAYCARE, Audience.HOUSEHOLD): {ADA, SITTER, GRANNY, DAYCARE},
    (DAYCARE, Audience.FAMILY): {ADA, BEN, SITTER, GRANNY, DAYCARE},
}


def wrote(told: Told, author: MemberId, audience: Audience = Audience.FAMILY, about: EventId | None = None) -> EventId:
    event = happened(author, NoteWritten(child=FAMILY.child, text="a good day", about=about), audience=audience)
    told.add(event)
    return event.id


@pytest.mark.parametrize(("author", "audience"), TOLD)
def test_an_event_is_told_to_its_audience_and_nobody_else(author: MemberId, audience: Audience) -> None:
    """Law 6: an event is delivered to the members whom the table `TOLD` lists for its author and audience, and to no other."""
    told = Told.of_everybody(FAMILY)
    wrote(told, author, audience)
    assert set(told.told[-1]) == TOLD[author, audience]
    assert len(told.told[-1]) == len(set(told.told[-1]))


@pytest.mark.parametrize(("author", "audience"), TOLD)
def test_what_refers_to_an_event_is_told_only_to_who_was_told_of_it(author: MemberId, audience: Audience) -> None:
    """Law 6: a cheer, a clip, a note or a withdrawal is delivered only to members who were sent the event that it refers to."""
    told = Told.of_everybody(FAMILY)
    about = wrote(told, author, audience)
    for reader in TOLD[author, audience]:
        for body in (
            Cheered(about=about),
            ClipAttached(target=about, clip=ClipId(FAMILY.child)),
            NoteWritten(child=FAMILY.child, text="indeed", about=about),
            ParentFirstSaw(child=FAMILY.child, milestone=WALKED, how=How.CLIP, observation=about),
            Withdrawn(target=about),
        ):
            told.add(happened(reader, body, audience=Audience.FAMILY))
            assert reader in told.told[-1]
            assert set(told.told[-1]) <= TOLD[author, audience]


def test_a_chain_of_references_stays_within_its_first_audience() -> None:
    """Law 6: an event at the end of any chain of references is delivered only to readers of the first event."""
    told = Told.of_everybody(FAMILY)
    about = wrote(told, ADA, Audience.HOUSEHOLD)
    for author in (GRANNY, SITTER, ADA, SITTER):
        about = wrote(told, author, Audience.FAMILY, about)
        assert set(told.told[-1]) == {ADA, SITTER, GRANNY}


def test_roster_facts_are_told_to_everybody_who_is_there() -> None:
    """A roster fact is delivered to every present member, including the daycare. A member who has left gets nothing more."""
    told = Told.of_everybody(FAMILY)
    assert set(told.told[-1]) == set(FAMILY.members)
    told.add(happened(SITTER, MemberLeft(member=SITTER)))
    assert set(told.told[-1]) == {ADA, BEN, GRANNY, DAYCARE}
    wrote(told, ADA)
    assert set(told.told[-1]) == {ADA, BEN, GRANNY}


def history(joiner: MemberId) -> set[str]:
    """Returns the events that are delivered as history to a member who joins last, each named by its author and audience."""
    told = Told(FAMILY)
    for founding in FAMILY.founded():
        told.add(happened(ADA, founding))
    for member in FAMILY.members[1:]:
        if member != joiner:
            told.join(member)
    names = {}
    for author, audience in ((ADA, Audience.ME), (ADA, Audience.HOUSEHOLD), (ADA, Audience.FAMILY), (BEN, Audience.HOUSEHOLD)):
        if author in told.folded.roster.members:
            about = wrote(told, author, audience)
            names[about] = f"{'Ada' if author == ADA else 'Ben'} to {audience}"
            names[wrote(told, author, Audience.FAMILY, about)] = f"about {names[about]}"
    before = len(told.events)
    told.join(joiner)
    facts = [event for event in told.events[:before] if event.id not in names]
    known = [event for event in told.feed(joiner) if event in told.events[:before]]
    assert [event for event in known if event.id not in names] == facts
    return {names[event.id] for event in known if event.id in names}


def test_who_joins_is_told_the_history_that_they_may_see() -> None:
    """Law 6: a member who sees all gets the history, except private events of others and events of the other household."""
    family = {"Ada to family", "about Ada to family"}
    ada_at_home = {"Ada to household", "about Ada to household"}
    assert history(GRANNY) == family | ada_at_home
    assert history(BEN) == family
    assert history(SITTER) == set()
    assert history(DAYCARE) == set()


def test_what_refers_to_something_untold_is_no_part_of_a_history() -> None:
    """Law 6: a note for the whole family about a private event is not delivered to a member who joins later."""
    told = Told(FAMILY)
    for founding in FAMILY.founded():
        told.add(happened(ADA, founding))
    private = wrote(told, ADA, Audience.ME)
    wrote(told, ADA, Audience.FAMILY, private)
    told.join(GRANNY)
    assert private not in {event.id for event in told.feed(GRANNY)}
    assert not any(isinstance(event.event, NoteWritten) for event in told.feed(GRANNY))


def test_since_joining_means_since_joining() -> None:
    """A sitter who joins gets only later events, and of these none that refers to an earlier event."""
    told = Told(FAMILY)
    for founding in FAMILY.founded():
        told.add(happened(ADA, founding))
    before = happened(ADA, MilestoneObserved(child=FAMILY.child, milestone=WALKED))
    told.add(before)
    told.join(SITTER)
    told.add(happened(ADA, Cheered(about=before.id)))
    after = happened(ADA, MilestoneObserved(child=FAMILY.child, milestone=WALKED))
    told.add(after)
    assert [event.id for event in told.feed(SITTER) if event.author == ADA and event.id in (before.id, after.id)] == [after.id]
    assert told.told[-2] == (ADA,)


@pytest.mark.parametrize("body", BODY_BY_NAME.values(), ids=lambda body: body.__name__)
def test_every_type_has_an_audience_or_follows_a_target(body: type[Body]) -> None:
    """Law 10: each type declares a default audience, which a draft may replace, or takes the audience of its target."""
    if isinstance(body.audience, Audience):
        assert audience_of(body, requested=None, target=None) == body.audience
        assert audience_of(body, requested=Audience.ME, target=None) == Audience.ME
    else:
        assert body.refers is not None
