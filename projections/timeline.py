"""Makes each parent's timeline: one entry per child and milestone, "the first time I saw it".

A pure function of the sightings that this parent was sent: what they were not sent cannot change it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from events.catalogue import CATALOGUE
from events.event import Precision
from events.ids import ChildId, ClipId, EventId, MemberId
from events.observations import How
from projections.first_saw import Sighting, first, order
from projections.roster import OwnMilestone


class OwnSight(msgspec.Struct, frozen=True, kw_only=True):
    """The parent's own sighting."""

    occurred_at: datetime
    precision: Precision
    how: How
    event: EventId
    feelings: str | None
    clips: tuple[ClipId, ...]


class OthersSight(msgspec.Struct, frozen=True, kw_only=True):
    """The first sighting by another member, where it was before this parent's own."""

    occurred_at: datetime
    precision: Precision
    author: MemberId
    event: EventId


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone of a child, as one parent knows it."""

    child: ChildId
    milestone: str
    title: str
    domain: str
    first_saw: OwnSight | None
    first_in_person: OwnSight | None
    before_you: OthersSight | None
    state: Literal["seen", "still_new"]


def entries(
    sightings: Iterable[Sighting], *, viewer: MemberId, own_milestones: dict[str, OwnMilestone]
) -> tuple[TimelineEntry, ...]:
    """Returns one parent's timeline, oldest first, made of the sightings that they were sent, in any order of arrival."""
    by_subject: defaultdict[tuple[ChildId, str], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        by_subject[sighting.child, sighting.milestone].append(sighting)
    return tuple(
        entry
        for _, entry in sorted(
            ((_shown_at(seen, viewer), _entry(subject, seen, viewer, own_milestones)) for subject, seen in by_subject.items()),
            key=lambda pair: (pair[0], pair[1].child, pair[1].milestone),
        )
    )


def _shown_at(seen: list[Sighting], viewer: MemberId) -> tuple[datetime, int]:
    """Returns the sort key of an entry: the time of the viewer's own first sighting, else of the others' first."""
    mine = first(sighting for sighting in seen if sighting.author == viewer)
    shown = mine or min(seen, key=order)
    return order(shown)[:2]


def _entry(
    subject: tuple[ChildId, str], seen: list[Sighting], viewer: MemberId, own_milestones: dict[str, OwnMilestone]
) -> TimelineEntry:
    child, milestone = subject
    mine = [sighting for sighting in seen if sighting.author == viewer]
    first_saw = first(mine)
    theirs = first(sighting for sighting in seen if sighting.author != viewer)
    was_before = theirs is not None and (first_saw is None or order(theirs) < order(first_saw))
    title, domain = named(milestone, own_milestones)
    return TimelineEntry(
        child=child,
        milestone=milestone,
        title=title,
        domain=domain,
        first_saw=_own(first_saw),
        first_in_person=_own(first(sighting for sighting in mine if sighting.how is How.IN_PERSON)),
        before_you=OthersSight(
            occurred_at=theirs.occurred_at, precision=theirs.precision, author=theirs.author, event=theirs.event
        )
        if theirs is not None and was_before
        else None,
        state="still_new" if first_saw is None else "seen",
    )


def _own(sighting: Sighting | None) -> OwnSight | None:
    if sighting is None:
        return None
    return OwnSight(
        occurred_at=sighting.occurred_at,
        precision=sighting.precision,
        how=sighting.how,
        event=sighting.event,
        feelings=sighting.feelings,
        clips=tuple(clip for _, clip in sighting.clips),
    )


def named(milestone: str, own_milestones: dict[str, OwnMilestone]) -> tuple[str, str]:
    """Returns a milestone's title and domain."""
    if (listed := CATALOGUE.by_key.get(milestone)) is not None:
        return listed.title, listed.domain
    own = own_milestones[milestone]
    return own.title, own.domain
