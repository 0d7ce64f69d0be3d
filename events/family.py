"""Who is in the family: roster facts. Written by the service for a request, never drafted by a device."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Final

from events.event import ANYONE_PRESENT, PARENTS, PERSONS, Audience, Body, Name, Role
from events.ids import ChildId, HouseholdId, MemberId


class Sees(StrEnum):
    """How much of the family's log a member is told."""

    OWN = "own"
    """The roster, and what they wrote themselves."""
    SINCE_JOINING = "since_joining"
    ALL = "all"
    """The history as well."""


class FamilyFounded(Body, frozen=True, kw_only=True):
    """The first event of every log."""

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
    """A person or a daycare became a member. Its author is the parent who invited them."""

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
    """A parent put right what is known of a child. It says all of it, also what stays; without `born` that is not known."""

    version: ClassVar = 1
    authors: ClassVar = PARENTS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    child: ChildId
    name: Name
    born: date | None = None


class MemberRenamed(Body, frozen=True, kw_only=True):
    """A member took another name; or a parent gave one to a daycare of their own home."""

    version: ClassVar = 1
    authors: ClassVar = ANYONE_PRESENT
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    member: MemberId
    name: Name


class HouseholdRenamed(Body, frozen=True, kw_only=True):
    """Somebody who belongs to a home gave it another name."""

    version: ClassVar = 1
    authors: ClassVar = PERSONS
    audience: ClassVar = Audience.FAMILY
    refers: ClassVar = None
    household: HouseholdId
    name: Name


class MemberLeft(Body, frozen=True, kw_only=True):
    """A member left, or was removed by the household that had invited them."""

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
"""Everybody in the family is told these, whatever they see of the rest: names are needed to read anything at all."""
