"""Defines the events of the surprise: a choice, the opening of an envelope, the sorting of a note, the end of a time limit.

A choice or an opening is delivered to its author alone. Does not decide which events are held from a member; `projections/` does.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec

from events.catalogue import Domain
from events.event import ANYONE_PRESENT, AS_TARGET, PERSONS, Audience, Body, Effect
from events.ids import OWN_MILESTONE, ChildId, EventId, MilestoneKey


class Mode(StrEnum):
    """The way in which a member wants to hear of firsts that they have not seen: at once, as a hint, or after their own first."""

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
    """A member chose how to hear of firsts that they have not seen. Without `child`, the choice applies to every child."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.ME
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.SURPRISE_ACT | Effect.FREES | Effect.CHOICE | Effect.FIXED_AUDIENCE
    child: ChildId | None = None
    scope: Scope
    mode: Mode
    hold_unsorted: bool | None = None
    at_most_days: Days | None = None


class EnvelopeOpened(Body, frozen=True, kw_only=True):
    """A member opened an envelope: held events of `scope`, about `child` or about every child, are delivered to this member."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.ME
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.SURPRISE_ACT | Effect.FREES | Effect.CHOICE | Effect.FIXED_AUDIENCE
    child: ChildId | None = None
    scope: Scope


class Sorted(Body, frozen=True, kw_only=True):
    """A member stated the milestone that an everyday note or clip is about. Without `milestone`, it is about none."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = AS_TARGET
    refers: ClassVar = "target"
    refers_to: ClassVar = ("NoteWritten", "ClipAttached")
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = (
        Effect.CHANGES_TARGET | Effect.REFERS_TO_FOUND | Effect.TELLS_OF_SUBJECT
        | Effect.SURPRISE_ACT | Effect.FREES | Effect.CHOICE
    )  # fmt: skip
    target: EventId
    child: ChildId
    milestone: MilestoneKey | None = None


class TimePassed(Body, frozen=True, kw_only=True):
    """The time limit of a member's choice (`at_most_days`) passed for at least one event that is held from the member.

    The service writes this event, and no feed delivers it. Its `received_at` decides which held events are released.
    """

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.ME
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.SURPRISE_ACT | Effect.FREES | Effect.UNDELIVERED


class Hint(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """A feed entry that announces held events of one child, one domain and one day, without their content. It is not an event."""

    child: ChildId
    domain: Domain
    day: date
    """The day, in UTC, on which the held events were received."""
