"""Tests the pure functions of access that decide: who may invite, rename and remove whom, and which birth dates are valid."""

from datetime import date
from uuid import uuid4

import pytest

from events.event import Role
from events.family import Sees
from events.ids import HouseholdId, MemberId
from service.access.decide import (
    RosterMember,
    decide_invite,
    may_add_child,
    may_found,
    may_remove,
    may_rename_household,
    may_rename_member,
    require_sane_birth,
)
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

OURS, THEIRS = HouseholdId(uuid4()), HouseholdId(uuid4())


def member(role: Role, household: HouseholdId = OURS) -> RosterMember:
    return RosterMember(member=MemberId(uuid4()), role=role, household=household)


@pytest.mark.parametrize("role", [Role.CAREGIVER, Role.DAYCARE])
def test_only_parents_invite_and_add_children(role: Role) -> None:
    with pytest.raises(NotForRole):
        decide_invite(Invite(role=Role.CAREGIVER), inviter=member(role))
    with pytest.raises(NotForRole):
        may_add_child(role)


def test_a_birth_date_is_of_the_last_thirty_years_or_due_within_ten_months() -> None:
    """Law 17: the first and the last valid birth date are accepted, and the days before and after them are refused."""
    today = date(2026, 11, 27)
    for born in (None, date(1996, 1, 1), today, date(2027, 10, 3)):
        require_sane_birth(born, today=today, at="born")
    for born in (date(1995, 12, 31), date(2027, 10, 4)):
        with pytest.raises(BirthDateOutOfRange, match=born.isoformat()):
            require_sane_birth(born, today=today, at="born")


@pytest.mark.parametrize("role", list(Role))
def test_a_parent_names_the_daycares_of_their_home_and_no_person(role: Role) -> None:
    """Law 16: a parent may rename themselves and the daycares of their own home, and no other member."""
    parent, target = member(Role.PARENT), member(role)
    may_rename_member(target, by=target)
    for by, home in ((parent, OURS), (member(Role.CAREGIVER), OURS), (member(Role.PARENT, THEIRS), THEIRS)):
        if by is parent and role is Role.DAYCARE:
            may_rename_member(target, by=by)
            continue
        with pytest.raises(NotYoursToRename):
            may_rename_member(target, by=by)
        with pytest.raises(NotYoursToRename):
            may_rename_household(THEIRS if home is OURS else OURS, by=by)


def test_no_invite_is_for_the_other_parents_home() -> None:
    """Law 16: a parent cannot invite a person into the home of the other parent."""
    with pytest.raises(NotYourHousehold):
        decide_invite(Invite(role=Role.CAREGIVER, household=THEIRS), inviter=member(Role.PARENT))


@pytest.mark.parametrize("role", [Role.CAREGIVER, Role.DAYCARE])
def test_only_an_invited_parent_opens_a_home(role: Role) -> None:
    """An invited parent gets a home of their own. An invite of a caregiver or a daycare cannot open a home."""
    with pytest.raises(NotYourHousehold):
        decide_invite(Invite(role=role, household=Named(name="Third home")), inviter=member(Role.PARENT))
    granted = decide_invite(Invite(role=Role.PARENT, household=Named(name="Bens")), inviter=member(Role.PARENT))
    assert (granted.household, granted.new_household) == (None, "Bens")


@pytest.mark.parametrize(
    ("role", "requested", "sees"),
    [
        (Role.PARENT, None, Sees.ALL),
        (Role.CAREGIVER, None, Sees.SINCE_JOINING),
        (Role.CAREGIVER, Sees.ALL, Sees.ALL),
        (Role.CAREGIVER, Sees.OWN, Sees.OWN),
        (Role.DAYCARE, None, Sees.OWN),
        (Role.DAYCARE, Sees.OWN, Sees.OWN),
    ],
)
def test_an_invite_grants_the_requested_visibility_or_the_roles_default(role: Role, requested: Sees | None, sees: Sees) -> None:
    """An invite without a household is for the inviter's home. An invite without `sees` grants the role's default."""
    granted = decide_invite(Invite(role=role, sees=requested), inviter=member(Role.PARENT))
    assert (sees, OURS, None) == (granted.sees, granted.household, granted.new_household)


@pytest.mark.parametrize("sees", [Sees.ALL, Sees.SINCE_JOINING])
def test_a_daycare_never_sees_more_than_its_own(sees: Sees) -> None:
    """A daycare sees only its own events, whatever an invite requests."""
    with pytest.raises(CannotSeeThat):
        decide_invite(Invite(role=Role.DAYCARE, sees=sees), inviter=member(Role.PARENT))


@pytest.mark.parametrize(
    ("by", "target", "is_allowed"),
    [
        (member(Role.PARENT), member(Role.CAREGIVER), True),
        (member(Role.PARENT), member(Role.DAYCARE), True),
        (member(Role.PARENT), member(Role.PARENT), False),
        (member(Role.PARENT), member(Role.PARENT, THEIRS), False),
        (member(Role.PARENT), member(Role.CAREGIVER, THEIRS), False),
        (member(Role.CAREGIVER), member(Role.CAREGIVER), False),
        (member(Role.CAREGIVER), member(Role.PARENT), False),
        (member(Role.DAYCARE), member(Role.CAREGIVER), False),
    ],
)
def test_neither_parent_can_remove_the_other_or_the_others_caregivers(
    by: RosterMember, target: RosterMember, is_allowed: bool
) -> None:
    """Law 16: a parent may remove only the caregivers and the daycares of their own home."""
    try:
        may_remove(target, by=by)
    except NotYoursToRemove:
        assert not is_allowed
    else:
        assert is_allowed


@pytest.mark.parametrize("role", list(Role))
def test_anyone_may_leave(role: Role) -> None:
    oneself = member(role)
    may_remove(oneself, by=oneself)


@pytest.mark.parametrize(
    ("founding", "has_token", "is_allowed"),
    [
        (Founding.OPEN, False, True),
        (Founding.INVITED, False, False),
        (Founding.INVITED, True, True),
        (Founding.CLOSED, True, False),
    ],
)
def test_the_setting_decides_which_callers_found_families(founding: Founding, has_token: bool, is_allowed: bool) -> None:
    try:
        may_found(founding, has_token=has_token)
    except FoundingClosed:
        assert not is_allowed
    else:
        assert is_allowed
