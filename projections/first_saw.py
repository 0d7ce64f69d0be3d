"""Folds what one parent knows of one sighting, and decides which of several sightings was the first.

A sighting is a MilestoneObserved or a ParentFirstSaw with its later amendments and clips. Its fold does not depend on the order
of arrival (law 12): of two changes to one field the one recorded later counts, and a withdrawal is final.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from events.amend import Amended, Withdrawn
from events.clips import ClipAttached
from events.event import Audience, Event, Precision
from events.ids import ChildId, ClipId, EventId, MemberId
from events.observations import How, MilestoneObserved, ParentFirstSaw

AMENDED_IN_A_SIGHTING: Final = frozenset({"occurred_at", "precision", "child", "milestone", "how", "feelings"})
FINENESS: Final = {Precision.MINUTE: 0, Precision.DAY: 1, Precision.WEEK: 2, Precision.MONTH: 3}


class Sighting(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A child's milestone, as a member saw it."""

    event: EventId
    author: MemberId
    child: ChildId
    milestone: str
    occurred_at: datetime
    precision: Precision
    how: How
    """In person for every MilestoneObserved: its author was there."""
    feelings: str | None = None
    clips: tuple[tuple[EventId, ClipId], ...] = ()
    """Pairs of a ClipAttached and its clip, in order of the events' ids."""
    changed: dict[str, tuple[datetime, UUID]] = {}
    """Field -> when its last change was recorded, and by which event."""
    audience: Audience = Audience.ME
    """The members who may know that its author saw it."""
    changed_by: dict[str, MemberId] = {}
    """Field -> the author of its last change, where that is not the sighting's author: a parent corrected a daycare's words."""


def step(before: Sighting | None, event: Event[Any]) -> Sighting | None:
    """Returns a sighting after one more event that concerns it; None once it is withdrawn."""
    match event.event:
        case MilestoneObserved() as seen:
            return _made(event, seen.child, seen.milestone, How.IN_PERSON, None)
        case ParentFirstSaw() as seen:
            return _made(event, seen.child, seen.milestone, seen.how, seen.feelings)
        case Amended() if before is not None:
            return _amended(before, event)
        case ClipAttached() as attached if before is not None:
            return msgspec.structs.replace(before, clips=tuple(sorted((*before.clips, (event.id, attached.clip)))))
        case Withdrawn() as taken_back if before is not None:
            if taken_back.target == before.event:
                return None
            left = tuple(clip for clip in before.clips if clip[0] != taken_back.target)
            return msgspec.structs.replace(before, clips=left)
        case _:
            return before


def of_feed(told: Iterable[Event[Any]]) -> list[Sighting]:
    """Returns the sightings that a member knows, folded from the events of their feed in order.

    The result is the same as the rows that are stored for parents, which are folded event by event as the log grows.
    """
    sightings: list[Sighting | None] = []
    own: dict[tuple[MemberId, EventId], int | None] = {}
    """Author and event -> the index of its sighting: its own, or the one that a clip is attached to; None for other events."""
    oldest: dict[EventId, int | None] = {}
    for event in told:
        at: int | None = None
        match event.event:
            case MilestoneObserved() | ParentFirstSaw():
                at = len(sightings)
                sightings.append(None)
            case Amended(target=target) | Withdrawn(target=target):
                changed = own.get((event.author, target), oldest.get(target))
                if changed is not None:
                    sightings[changed] = step(sightings[changed], event)
            case ClipAttached(target=target):
                at = own.get((event.author, target), oldest.get(target))
            case _:
                pass
        if at is not None:
            sightings[at] = step(sightings[at], event)
        own.setdefault((event.author, event.id), at)
        oldest.setdefault(event.id, at)
    return [sighting for sighting in sightings if sighting is not None]


def _made(event: Event[Any], child: ChildId, milestone: str, how: How, feelings: str | None) -> Sighting:
    return Sighting(
        event=event.id,
        author=event.author,
        child=child,
        milestone=milestone,
        occurred_at=event.occurred_at,
        precision=event.precision,
        how=how,
        feelings=feelings,
        audience=event.audience,
    )


def _amended(before: Sighting, event: Event[Amended]) -> Sighting:
    stamp = event.order
    changes = event.event.changes
    newer = [
        name
        for name in changes.named()
        if name in AMENDED_IN_A_SIGHTING and (name not in before.changed or before.changed[name] < stamp)
    ]
    values: dict[str, Any] = {name: getattr(changes, name) for name in newer}
    changed_by = {name: author for name, author in before.changed_by.items() if name not in newer}
    if event.author != before.author:
        changed_by |= dict.fromkeys(newer, event.author)
    changed = before.changed | dict.fromkeys(newer, stamp)
    return msgspec.structs.replace(before, changed=changed, changed_by=changed_by, **values)


def order(sighting: Sighting) -> tuple[datetime, int, UUID]:
    """Returns the key that sorts sightings by when they happened. Of two at one instant the more precise one is first."""
    return (sighting.occurred_at, FINENESS[sighting.precision], sighting.event)


def first(sightings: Iterable[Sighting]) -> Sighting | None:
    """Returns the earliest sighting, in any order of arrival; None where there are none."""
    return min(sightings, key=order, default=None)
