"""Draft and Event: the envelope around everything that happened, and what every event type must say of itself.

Owns the rule that a type without version, authors, audience and references does not import (law 10).
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

import msgspec

from events.ids import EventId, MemberId


class Audience(StrEnum):
    """Who an event is for."""

    ME = "me"
    """All devices of the author, and nobody else."""
    HOUSEHOLD = "household"
    FAMILY = "family"


class AsTarget(StrEnum):
    """The audience of what refers to another event: nobody else than those who were told of its target."""

    AS_TARGET = "as_target"


AS_TARGET: Final = AsTarget.AS_TARGET


class Precision(StrEnum):
    """How exactly `occurred_at` is known."""

    MINUTE = "minute"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Role(StrEnum):
    """What a member is in a family."""

    PARENT = "parent"
    CAREGIVER = "caregiver"
    DAYCARE = "daycare"


PARENTS: Final = frozenset({Role.PARENT})
PERSONS: Final = frozenset({Role.PARENT, Role.CAREGIVER})
ANYONE_PRESENT: Final = frozenset(Role)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""A point in time with an offset from UTC; the sender's offset is kept."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
LongText = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
FewWords = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]

DECLARED_BESIDE_EVERY_TYPE: Final = ("version", "authors", "audience", "refers")


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
    """What an event says. Subclasses are named in the past tense and declare the four class variables below."""

    version: ClassVar[int]
    """Starts at 1; older versions are read through `events.upcast`."""
    authors: ClassVar[frozenset[Role]]
    """The roles that may author it."""
    audience: ClassVar[Audience | AsTarget]
    """Whom it is for when its draft does not say."""
    refers: ClassVar[str | None]
    """The field that names the event which this one is about, if it has one: who sees this has seen that."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        missing = [name for name in DECLARED_BESIDE_EVERY_TYPE if name not in cls.__dict__]
        if missing:
            raise TypeError(f"{cls.__name__} must declare {', '.join(missing)} beside its fields")


BodyT = TypeVar("BodyT", bound=Body, covariant=True)


class Draft(msgspec.Struct, Generic[BodyT], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A claim by a device: an event that the log has not accepted."""

    id: EventId
    """UUID version 7, made by the device; the same for every time that this draft is sent."""
    occurred_at: Instant
    precision: Precision
    recorded_at: Instant
    """The device's clock when it was written down."""
    audience: Audience | None = None
    """Left out: the default that stands beside the type."""
    event: BodyT


class Event(msgspec.Struct, Generic[BodyT], frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An accepted draft, as the log keeps it and feeds deliver it. Immutable."""

    id: EventId
    author: MemberId
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    received_at: datetime
    """The server's clock, in UTC."""
    audience: Audience
    claimed_at: datetime | None = None
    """`occurred_at` as the device claimed it, where the server corrected it for the device's clock."""
    event: BodyT

    @property
    def order(self) -> tuple[datetime, EventId]:
        """Of two changes to one thing the one with the greater order counts: it was recorded later, by a clock put right.

        Says nothing of the order of arrival.
        """
        recorded_at = self.recorded_at.astimezone(UTC)
        if self.claimed_at is not None:
            recorded_at += self.occurred_at - self.claimed_at
        return recorded_at, self.id
