"""Defines the events that change, withdraw or erase an earlier event. The first version of a changed event stays in the log."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from events.event import ANYONE_PRESENT, AS_TARGET, Audience, Body, Effect, FewWords, Instant, LongText, Precision, ShortText
from events.ids import ChildId, EventId, MilestoneKey
from events.observations import How


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields that an amendment changes, with their new values; null removes an optional field. At least one field is set."""

    occurred_at: Instant | UnsetType = UNSET
    precision: Precision | UnsetType = UNSET
    child: ChildId | UnsetType = UNSET
    milestone: MilestoneKey | UnsetType = UNSET
    note: ShortText | UnsetType | None = UNSET
    again: bool | UnsetType = UNSET
    how: How | UnsetType = UNSET
    feelings: ShortText | UnsetType | None = UNSET
    text: LongText | UnsetType = UNSET
    words: FewWords | UnsetType | None = UNSET

    def named(self) -> tuple[str, ...]:
        """Returns the names of the fields that are set, in the order of declaration."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not UNSET)


class Amended(Body, frozen=True, kw_only=True):
    """A member changed an earlier event. If two amendments change the same field, the one that was recorded later counts."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = AS_TARGET
    refers: ClassVar = "target"
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.CHANGES_TARGET | Effect.CHANGES_SIGHTING | Effect.TELLS | Effect.SURPRISE_ACT
    target: EventId
    changes: Changes


class Withdrawn(Body, frozen=True, kw_only=True):
    """A member withdrew an earlier event. A withdrawal cannot be undone."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = AS_TARGET
    refers: ClassVar = "target"
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.CHANGES_TARGET | Effect.CHANGES_SIGHTING | Effect.SURPRISE_ACT
    target: EventId


class Erased(Body, frozen=True, kw_only=True):
    """The content and the salts of some events were destroyed. The service writes this event for a member who requests it."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.NONE
    targets: Annotated[tuple[EventId, ...], msgspec.Meta(min_length=1, max_length=500)]
