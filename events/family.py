"""Defines the roster facts: events about the members, children and homes of a family. The service writes them, never a device."""

from datetime import date
from enum import StrEnum
from typing import ClassVar

from events.event import ANYONE_PRESENT, PARENTS, PERSONS, Audience, Body, Effect, Name, Role
from events.ids import ChildId, HouseholdId, MemberId


class Sees(StrEnum):
    """The part of the family's log that a member may see."""

    OWN = "own"
    """Only the roster, and the events that the member wrote."""
    SINCE_JOINING = "since_joining"
    """The roster, the member's own events, and other events since the member joined."""
    ALL = "all"
    """The roster, the member's own events, and other events, also those from before the member joined."""


class FamilyFounded(Body, frozen=True, kw_only=True):
    """A family was founded. This is the first event of every log."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT


class HouseholdOpened(Body, frozen=True, kw_only=True):
    """A home was added to the family."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT
    household: HouseholdId
    name: Name


class ChildAdded(Body, frozen=True, kw_only=True):
    """A child was added to the family."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT
    child: ChildId
    name: Name
    born: date | None = None


class MemberJoined(Body, frozen=True, kw_only=True):
    """A person or a daycare became a member. The author is the parent who invited the new member."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT
    member: MemberId
    name: Name
    role: Role
    household: HouseholdId
    sees: Sees


class ChildCorrected(Body, frozen=True, kw_only=True):
    """A parent corrected the name or the date of birth of a child.

    The event states the name and the date of birth, even if only one of them has changed. Without `born`, the date is unknown.
    """

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT
    child: ChildId
    name: Name
    born: date | None = None


class MemberRenamed(Body, frozen=True, kw_only=True):
    """A member got another name. The author is the member, or a parent who renames a daycare of their own home."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT
    member: MemberId
    name: Name


class HouseholdRenamed(Body, frozen=True, kw_only=True):
    """A home got another name. The author belongs to that home."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT
    household: HouseholdId
    name: Name


class MemberLeft(Body, frozen=True, kw_only=True):
    """A member left, or was removed by the household that invited the member."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    refers_to: ClassVar = ()
    amendable: ClassVar = None
    completed: ClassVar = ()
    effects: ClassVar = Effect.ROSTER_FACT | Effect.SURPRISE_ACT
    member: MemberId
