"""What a member wishes not to be told, what opens their envelope, and what sorts an everyday note.

A choice and an opening are their author's alone: nobody else is told of them. Knows nothing of who is told of what.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from events.catalogue import Domain
from events.event import ANYONE_PRESENT, AS_TARGET, PERSONS, Audience, Body
from events.ids import OWN_MILESTONE, ChildId, EventId, MilestoneKey


class Mode(StrEnum):
    """How a member wishes to hear of firsts that they have not seen."""

    TELL = "tell"
    HINT = "hint"
    KEEP = "keep"


Scope = Annotated[
    str,
    msgspec.Meta(
        pattern=(
            r"^(?:all|domain:(?:movement|hands|talking|thinking|feelings|life)"
            rf"|milestone:(?:(?:movement|hands|talking|thinking|feelings|life)\.[a-z0-9]+(?:-[a-z0-9]+)*|{OWN_MILESTONE}))\Z"
        ),
        max_length=100,
        description="all, domain:<domain> or milestone:<key>",
    ),
]
Days = Annotated[int, msgspec.Meta(ge=1, le=3_650)]


class SurpriseChosen(Body, frozen=True, kw_only=True):
    """A member chose how to hear of firsts. `child` left out: every child."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.ME
    refers: ClassVar = None
    child: ChildId | None = None
    scope: Scope
    mode: Mode
    hold_unsorted: bool | None = None
    at_most_days: Days | None = None


class EnvelopeOpened(Body, frozen=True, kw_only=True):
    """A member asked to be told what was kept for them. `child` left out: every child."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.ME
    refers: ClassVar = None
    child: ChildId | None = None
    scope: Scope


class Sorted(Body, frozen=True, kw_only=True):
    """Somebody said which milestone an everyday note or clip is about; `milestone` left out: about none."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = AS_TARGET
    refers: ClassVar = "target"
    target: EventId
    child: ChildId
    milestone: MilestoneKey | None = None


class TimePassed(Body, frozen=True, kw_only=True):
    """A clock's tick: the days after which its author wished to be told after all have passed for something.

    Written by the service, and told to nobody. What it frees follows from when it was received.
    """

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.ME
    refers: ClassVar = None


class Hint(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """What stands in a feed for all that is held of one child's domain on one day: there is something new. No event."""

    child: ChildId
    domain: Domain
    day: date
    """In UTC, by when it was received."""
