"""Defines the roster facts: events about the members, children and homes of a family. The service writes them, never a device."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Final

from events.event import ANYONE_PRESENT, PARENTS, PERSONS, Audience, Body, Name, Role
from events.ids import ChildId, HouseholdId, MemberId


class Sees(StrEnum):
    """How much of the family's log a member may see."""

    OWN = "own"
    """Only the roster, and the events that the member wrote."""
    SINCE_JOINING = "since_joining"
    """Also the events from the moment when the member joined."""
    ALL = "all"
    """Also the events from before the member joined."""


class FamilyFounded(Body, frozen=True, kw_only=True):
    """A family was founded. This is the first event of every log."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None


class HouseholdOpened(Body, frozen=True, kw_only=True):
    """A home was added to the family."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    household: HouseholdId
    name: Name


class ChildAdded(Body, frozen=True, kw_only=True):
    """A child was added to the family."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    child: ChildId
    name: Name
    born: date | None = None


class MemberJoined(Body, frozen=True, kw_only=True):
    """A person or a daycare became a member. The author is the parent who invited them."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    member: MemberId
    name: Name
    role: Role
    household: HouseholdId
    sees: Sees


class ChildCorrected(Body, frozen=True, kw_only=True):
    """A parent corrected the name or the date of birth of a child.

    The event states both, also the one that did not change. Without `born`, the date of birth is unknown.
    """

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    child: ChildId
    name: Name
    born: date | None = None


class MemberRenamed(Body, frozen=True, kw_only=True):
    """A member got another name. The author is the member, or a parent who renames a daycare of their own home."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    member: MemberId
    name: Name


class HouseholdRenamed(Body, frozen=True, kw_only=True):
    """A home got another name. The author belongs to that home."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    household: HouseholdId
    name: Name


class MemberLeft(Body, frozen=True, kw_only=True):
    """A member left, or was removed by the household that invited them."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    member: MemberId


ROSTER_FACTS: Final = (
    FamilyFounded,
    HouseholdOpened,
    ChildAdded,
    MemberJoined,
    ChildCorrected,
    MemberRenamed,
    HouseholdRenamed,
    MemberLeft,
)
"""These types are delivered to every member, whatever else the member may see: without names no event can be read."""
