"""Decides who may do what to the roster. Pure: roles and households are arguments; no rows, no routes, no clock."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, assert_never

from events.event import PERSONS, Role
from events.family import Sees
from events.ids import HouseholdId, MemberId
from service.access.errors import (
    BirthDateOutOfRange,
    CannotSeeThat,
    FoundingClosed,
    NotForRole,
    NotYourHousehold,
    NotYoursToRemove,
    NotYoursToRename,
)
from service.access.shapes import Invite, Named
from service.settings import Founding

INVITE_LIVES: Final = timedelta(days=7)
PAIR_CODE_LIVES: Final = timedelta(minutes=10)

AGE_YEARS_MAX: Final = 30
"""Far beyond the catalogue, whose last milestones are of seven years and a half: what is refused is a slip of the keyboard."""
DUE_WITHIN: Final = timedelta(days=310)
"""A due date is known at most 40 weeks ahead; this is ten months of 31 days."""

CHILDREN_MAX: Final = 50
MEMBERS_MAX: Final = 200
OPEN_INVITES_MAX: Final = 50
"""Of one member."""
DEVICES_MAX: Final = 1_000
"""Of one person; a daycare's may be many."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What counts of a member when something is decided."""

    member: MemberId
    role: Role
    household: HouseholdId


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """An invite, decided: exactly one of `household` and `new_household` is set."""

    role: Role
    sees: Sees
    household: HouseholdId | None
    new_household: str | None


def may_found(founding: Founding, *, has_token: bool) -> None:
    """Let the caller found a family, or refuse.

    Raises:
        FoundingClosed
    """
    match founding:
        case Founding.OPEN:
            return
        case Founding.INVITED:
            if not has_token:
                raise FoundingClosed("Families are founded here by people who were invited to one before.")
        case Founding.CLOSED:
            raise FoundingClosed("No families are founded here.")
        case _:
            assert_never(founding)


def may_add_child(role: Role) -> None:
    """Only parents add children. Raises NotForRole."""
    _parents_only(role, doing="add children")


def may_correct_child(role: Role) -> None:
    """Either parent puts right what is known of a child; the last word counts. Raises NotForRole."""
    _parents_only(role, doing="put right what is known of a child")


def require_sane_birth(born: date | None, *, today: date, at: str) -> None:
    """Refuse a slip of the century, and what no due date can be. `today` is that of the server, in UTC.

    Raises:
        BirthDateOutOfRange
    """
    if born is not None and not (today.year - AGE_YEARS_MAX <= born.year and born <= today + DUE_WITHIN):
        sane = f"within the last {AGE_YEARS_MAX} years, or is due within the next {DUE_WITHIN.days} days"
        raise BirthDateOutOfRange(f"A child was born {sane}; not on {born}.", at=at)


def may_rename_member(target: Standing, *, by: Standing) -> None:
    """Let a member take another name, or a parent name a daycare of their home, which has nobody else to do it (law 16).

    Raises:
        NotYoursToRename
    """
    is_own_daycare = by.role is Role.PARENT and target.role is Role.DAYCARE and target.household == by.household
    if target.member != by.member and not is_own_daycare:
        raise NotYoursToRename("One renames oneself, or as a parent a daycare of one's own household.")


def may_rename_household(household: HouseholdId, *, by: Standing) -> None:
    """Let a person who belongs to a home rename it (law 16).

    Raises:
        NotYoursToRename
    """
    if household != by.household or by.role not in PERSONS:
        raise NotYoursToRename("A household is renamed by a person who belongs to it.")


def decide_invite(asked: Invite, *, inviter: Standing) -> Invitation:
    """What an invite grants.

    Raises:
        NotForRole: a caregiver or a daycare invites nobody.
        NotYourHousehold: no parent puts people into another parent's home (law 16), and only a parent opens a second one.
        CannotSeeThat: a daycare sees its own.
    """
    _parents_only(inviter.role, doing="invite")
    household: HouseholdId | None = inviter.household
    new_household: str | None = None
    match asked.household:
        case None:
            pass
        case Named(name=name):
            if asked.role is not Role.PARENT:
                raise NotYourHousehold("Only who is invited as a parent opens a household of their own.", at="household")
            household, new_household = None, name
        case _ as named:
            if named != inviter.household:
                raise NotYourHousehold("One invites into one's own household, or opens a new one by its name.", at="household")
    return Invitation(role=asked.role, sees=_sees(asked), household=household, new_household=new_household)


def _sees(asked: Invite) -> Sees:
    match asked.role:
        case Role.PARENT:
            return asked.sees or Sees.ALL
        case Role.CAREGIVER:
            return asked.sees or Sees.SINCE_JOINING
        case Role.DAYCARE:
            if asked.sees not in (None, Sees.OWN):
                raise CannotSeeThat("A daycare sees what it wrote itself.", at="sees")
            return Sees.OWN
        case _:
            assert_never(asked.role)


def may_remove(target: Standing, *, by: Standing) -> None:
    """Let a member leave or be removed, or refuse (law 16).

    Raises:
        NotYoursToRemove
    """
    if target.member == by.member:
        return
    is_theirs = by.role is Role.PARENT and target.role is not Role.PARENT and target.household == by.household
    if not is_theirs:
        raise NotYoursToRemove("One leaves by oneself, or removes a caregiver or a daycare of one's own household.")


def _parents_only(role: Role, *, doing: str) -> None:
    if role is not Role.PARENT:
        raise NotForRole(f"Only parents {doing}.")
