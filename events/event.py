"""Defines Draft and Event, the envelopes of all event types, and Body, their base class.

Owns the rule that an event type without all of its declarations cannot be imported (law 10).
"""

from datetime import UTC, datetime
from enum import Flag, StrEnum, auto
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

import msgspec

from events.ids import EventId, MemberId


class Audience(StrEnum):
    """The members who may see an event."""

    ME = "me"
    """All devices of the author, and nobody else."""
    HOUSEHOLD = "household"
    FAMILY = "family"


class AsTarget(StrEnum):
    """The audience of an event that refers to another event: the members who may see that other event, the target."""

    AS_TARGET = "as_target"


AS_TARGET: Final = AsTarget.AS_TARGET


class Precision(StrEnum):
    """The precision with which `occurred_at` is known."""

    MINUTE = "minute"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Role(StrEnum):
    """The role of a member in a family."""

    PARENT = "parent"
    CAREGIVER = "caregiver"
    DAYCARE = "daycare"


PARENTS: Final = frozenset({Role.PARENT})
PERSONS: Final = frozenset({Role.PARENT, Role.CAREGIVER})
ANYONE_PRESENT: Final = frozenset(Role)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time with an offset from UTC. The offset that the sender wrote is kept."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
LongText = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
FewWords = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]

class Effect(Flag):
    """The effects of an event type on the projections, beyond its delivery."""

    NONE = 0
    ROSTER_FACT = auto()
    """Changes the roster, and is delivered to every member."""
    CHANGES_ROSTER = auto()
    MAKES_SIGHTING = auto()
    CHANGES_SIGHTING = auto()
    CHANGES_TARGET = auto()
    """Amends, withdraws or sorts the event that it refers to."""
    TELLS_OF_SUBJECT = auto()
    """Can spoil a surprise, because it states a `milestone` of a `child`. An event without a milestone spoils nothing."""
    MAY_TELL = auto()
    """Can spoil a surprise, because its words may be about the milestones in its field `may_tell_of`."""
    TELLS = auto()
    """Can spoil a surprise by its own content, in a way that no declaration describes. `projections.logged_event` decides how."""
    EVERYDAY = auto()
    """Can be an everyday note, which may tell of any milestone."""
    SURPRISE_ACT = auto()
    """Can change a member's choices, the milestones that a member has met, or the events that are held from a member."""
    FREES = auto()
    """Can release held events."""
    CHOICE = auto()
    """Applies the surprise rule again to all events that are held from a member, so it costs more than other events."""
    REFERS_TO_FOUND = auto()
    """Can also refer to a milestone that the service found in a daycare's words, beside the types in `refers_to`."""
    FIXED_AUDIENCE = auto()
    """A draft may state only the default audience."""
    UNDELIVERED = auto()
    """Is delivered to no member."""


REQUIRED_DECLARATIONS: Final = (
    "version", "authors", "audience", "refers", "refers_to", "amendable", "completed", "effects",
)  # fmt: skip


class Body(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
    tag=True,
    gc=False,
):
    """The base class of the event types. Each type has a name in the past tense and declares the class variables below."""

    version: ClassVar[int]
    """The version of the type, from 1. Rows of older versions are read through `events.upcast`."""
    authors: ClassVar[frozenset[Role]]
    """The roles that may write the event."""
    audience: ClassVar[Audience | AsTarget]
    """The default audience, which applies if the draft states no audience."""
    refers: ClassVar[str | None]
    """The name of the field with the id of the event that this event refers to (the target), or None.

    A member who may see this event may see the target, too.
    """
    refers_to: ClassVar[tuple[str, ...]]
    """The types that the target may have. Amended and Withdrawn name no type: `amendable` of the target's type decides."""
    amendable: ClassVar[tuple[str, ...] | None]
    """The fields that the author may amend. If it is None, an event of this type can be neither amended nor withdrawn."""
    completed: ClassVar[tuple[str, ...]]
    """The fields that only the service may fill in."""
    effects: ClassVar[Effect]
    """The effects of an event of this type on the projections."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        missing = [name for name in REQUIRED_DECLARATIONS if name not in cls.__dict__]
        if missing:
            raise TypeError(f"{cls.__name__} must declare {', '.join(missing)} beside its fields")


BodyT = TypeVar("BodyT", bound=Body, covariant=True)


class Draft(msgspec.Struct, Generic[BodyT], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A claim of a device that something happened. The log has not accepted it as an event yet."""

    id: EventId
    """A UUID of version 7, made by the device. A draft that is sent again keeps its id."""
    occurred_at: Instant
    precision: Precision
    recorded_at: Instant
    """The time of the device's clock when the draft was written."""
    audience: Audience | None = None
    """The audience that the author asks for. Without it, the default audience of the type applies."""
    event: BodyT


class Event(msgspec.Struct, Generic[BodyT], frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An accepted draft, in the form in which the log stores it and the feeds deliver it. An event is never changed."""

    id: EventId
    author: MemberId
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    received_at: datetime
    """The time of the server's clock when the log received the draft, in UTC."""
    audience: Audience
    claimed_at: datetime | None = None
    """The device's value of `occurred_at`, if the server has corrected that time for an error of the device's clock."""
    event: BodyT

    @property
    def order(self) -> tuple[datetime, EventId]:
        """The sort key of this event among changes of the same field, choice, name or sorting. The greatest key counts.

        The key is `recorded_at`, corrected for the error of the device's clock, and then the id. The order of arrival plays no
        part.
        """
        recorded_at = self.recorded_at.astimezone(UTC)
        if self.claimed_at is not None:
            recorded_at += self.occurred_at - self.claimed_at
        return recorded_at, self.id
