"""Makes each parent's timeline: one entry per child and milestone, "the first time I saw it".

A pure function of the sightings that this parent was sent: other sightings cannot change the timeline.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from events.catalogue import Milestone
from events.event import Precision
from events.ids import ChildId, ClipId, EventId, MemberId
from events.observations import How
from projections.first_saw import FINENESS, Sighting, first, order
from projections.roster import OwnMilestone, milestone_of


class OwnSight(msgspec.Struct, frozen=True, kw_only=True):
    """A parent's own sighting, in the parent's timeline."""

    occurred_at: datetime
    precision: Precision
    how: How
    event: EventId
    feelings: str | None
    clips: tuple[ClipId, ...]


class OthersSight(msgspec.Struct, frozen=True, kw_only=True):
    """The first sighting by another member, in the timeline of a parent who saw the milestone later or not yet."""

    occurred_at: datetime
    precision: Precision
    author: MemberId
    event: EventId


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone of a child, with the first sightings of it that one parent knows."""

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
    """Returns one parent's timeline, oldest first. `sightings`: those that the parent was sent, in any order."""
    by_subject: defaultdict[tuple[ChildId, str], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        by_subject[sighting.child, sighting.milestone].append(sighting)
    found = [_entry(child, milestone_of(key, own_milestones), key, seen, viewer) for (child, key), seen in by_subject.items()]
    return tuple(sorted(found, key=_shown_at))


def _shown_at(entry: TimelineEntry) -> tuple[datetime, int, ChildId, str]:
    """Returns the sort key of an entry. It begins with the time of the viewer's own first sighting, else of the others' first."""
    shown = entry.first_saw or entry.before_you
    assert shown is not None, "an entry is made of at least one sighting"
    return shown.occurred_at, FINENESS[shown.precision], entry.child, entry.milestone


def _entry(
    child: ChildId, milestone: Milestone | OwnMilestone, key: str, seen: list[Sighting], viewer: MemberId
) -> TimelineEntry:
    mine = [sighting for sighting in seen if sighting.author == viewer]
    first_saw = first(mine)
    theirs = first(sighting for sighting in seen if sighting.author != viewer)
    if theirs is not None and first_saw is not None and order(first_saw) <= order(theirs):
        theirs = None
    return TimelineEntry(
        child=child,
        milestone=key,
        title=milestone.title,
        domain=milestone.domain,
        first_saw=_own(first_saw),
        first_in_person=_own(first(sighting for sighting in mine if sighting.how is How.IN_PERSON)),
        before_you=None
        if theirs is None
        else OthersSight(
            occurred_at=theirs.occurred_at, precision=theirs.precision, author=theirs.author, event=theirs.event
        ),
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
