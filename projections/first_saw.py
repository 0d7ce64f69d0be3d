"""Folds the events about one sighting, as far as a member was sent them, and decides which of several sightings was the first.

A sighting is a MilestoneObserved or a ParentFirstSaw with its later amendments and clips. The result does not depend on the order
of arrival (law 12). Of two changes to one field, the one that was recorded later counts. A withdrawal is final.
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
    """A milestone that a member saw a child do, with its later changes."""

    event: EventId
    author: MemberId
    child: ChildId
    milestone: str
    occurred_at: datetime
    precision: Precision
    how: How
    """How the author saw it. Every MilestoneObserved was seen in person."""
    feelings: str | None = None
    clips: tuple[tuple[EventId, ClipId], ...] = ()
    """Pairs of a ClipAttached's id and the clip's id, in order of the events' ids."""
    changed: dict[str, tuple[datetime, UUID]] = {}
    """Field -> the time at which its last change was recorded, and the id of the event that made it."""
    audience: Audience = Audience.ME
    """The members who may know that the author saw the milestone."""
    changed_by: dict[str, MemberId] = {}
    """Field -> the author of its last change, if another member made it: a parent may correct what a daycare's words brought."""


def step(before: Sighting | None, event: Event[Any]) -> Sighting | None:
    """Returns a sighting after one more event that concerns it; None if there is no such sighting, or if it is now withdrawn."""
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
    """Returns the sightings that a member knows, folded from the events of the member's feed in order.

    For a parent, the result is the same as the stored rows, which are folded event by event as the log grows.
    """
    sightings: list[Sighting | None] = []
    own: dict[tuple[MemberId, EventId], int | None] = {}
    """Author and id of an event -> the index of the sighting that it makes or attaches a clip to; None for other events."""
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
    """Returns the key that sorts sightings by the time at which they happened. Of two equal times, the more precise is first."""
    return (sighting.occurred_at, FINENESS[sighting.precision], sighting.event)


def first(sightings: Iterable[Sighting]) -> Sighting | None:
    """Returns the earliest of some sightings, whatever order they arrived in; None if there are none."""
    return min(sightings, key=order, default=None)
