"""Decides which member may change which part of the roster. Pure: roles and households are arguments."""

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
"""Bound on a child's age. The catalogue's last milestones are at seven and a half years: a greater age is a typing mistake."""
DUE_WITHIN: Final = timedelta(days=310)
"""Bound on the time until a due date: ten months of 31 days. A due date is known at most 40 weeks ahead."""

CHILDREN_MAX: Final = 50
MEMBERS_MAX: Final = 200
OPEN_INVITES_MAX: Final = 50
"""Bound on the open invites of one member."""
DEVICES_MAX: Final = 1_000
"""Bound on the devices of one person. The bound is high, because a daycare may have many devices."""


@dataclass(frozen=True, kw_only=True)
class RosterMember:
    """The facts about a member that a decision needs."""

    member: MemberId
    role: Role
    household: HouseholdId


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """The rights that an invite grants. Exactly one of `household` and `new_household` is set."""

    role: Role
    sees: Sees
    household: HouseholdId | None
    new_household: str | None


def may_found(founding: Founding, *, has_token: bool) -> None:
    """Checks whether the caller may found a family.

    Raises:
        FoundingClosed: the operator's settings do not allow this caller.
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
    """Checks that the caller is a parent: only parents add children. Raises NotForRole."""
    _parents_only(role, doing="add children")


def may_correct_child(role: Role) -> None:
    """Checks that the caller is a parent: either parent may correct a child's name or birth date. Raises NotForRole."""
    _parents_only(role, doing="put right what is known of a child")


def require_sane_birth(born: date | None, *, today: date, at: str) -> None:
    """Checks that a birth date is at most 30 years ago, or is a possible due date. `today` is the server's date in UTC.

    Raises:
        BirthDateOutOfRange: the date is too early or too late. `at` of the error names the field.
    """
    if born is not None and not (today.year - AGE_YEARS_MAX <= born.year and born <= today + DUE_WITHIN):
        sane = f"within the last {AGE_YEARS_MAX} years, or is due within the next {DUE_WITHIN.days} days"
        raise BirthDateOutOfRange(f"A child was born {sane}; not on {born}.", at=at)


def may_rename_member(target: RosterMember, *, by: RosterMember) -> None:
    """Checks whether the member `by` may rename the member `target` (law 16).

    Raises:
        NotYoursToRename: `target` is neither `by`, nor a daycare in the home of the parent `by`.
    """
    is_own_daycare = by.role is Role.PARENT and target.role is Role.DAYCARE and target.household == by.household
    if target.member != by.member and not is_own_daycare:
        raise NotYoursToRename("One renames oneself, or as a parent a daycare of one's own household.")


def may_rename_household(household: HouseholdId, *, by: RosterMember) -> None:
    """Checks whether the member `by` may rename a home (law 16).

    Raises:
        NotYoursToRename: `by` is a daycare, or belongs to another home.
    """
    if household != by.household or by.role not in PERSONS:
        raise NotYoursToRename("A household is renamed by a person who belongs to it.")


def decide_invite(invite: Invite, *, inviter: RosterMember) -> Invitation:
    """Returns the rights that an invite grants.

    Raises:
        NotForRole: the inviter is a caregiver or a daycare.
        NotYourHousehold: the home belongs to another parent (law 16), or the home is new and the invited role is not parent.
        CannotSeeThat: a daycare is invited with another visibility than `own`.
    """
    _parents_only(inviter.role, doing="invite")
    household: HouseholdId | None = inviter.household
    new_household: str | None = None
    match invite.household:
        case None:
            pass
        case Named(name=name):
            if invite.role is not Role.PARENT:
                raise NotYourHousehold("Only who is invited as a parent opens a household of their own.", at="household")
            household, new_household = None, name
        case _ as named:
            if named != inviter.household:
                raise NotYourHousehold("One invites into one's own household, or opens a new one by its name.", at="household")
    return Invitation(role=invite.role, sees=_sees(invite), household=household, new_household=new_household)


def _sees(invite: Invite) -> Sees:
    match invite.role:
        case Role.PARENT:
            return invite.sees or Sees.ALL
        case Role.CAREGIVER:
            return invite.sees or Sees.SINCE_JOINING
        case Role.DAYCARE:
            if invite.sees not in (None, Sees.OWN):
                raise CannotSeeThat("A daycare sees what it wrote itself.", at="sees")
            return Sees.OWN
        case _:
            assert_never(invite.role)


def may_remove(target: RosterMember, *, by: RosterMember) -> None:
    """Checks whether the member `by` may end the membership of `target` (law 16).

    Raises:
        NotYoursToRemove: `target` is neither `by`, nor a caregiver or a daycare in the home of the parent `by`.
    """
    if target.member == by.member:
        return
    is_theirs = by.role is Role.PARENT and target.role is not Role.PARENT and target.household == by.household
    if not is_theirs:
        raise NotYoursToRemove("One leaves by oneself, or removes a caregiver or a daycare of one's own household.")


def _parents_only(role: Role, *, doing: str) -> None:
    if role is not Role.PARENT:
        raise NotForRole(f"Only parents {doing}.")
