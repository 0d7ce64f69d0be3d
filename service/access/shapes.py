"""What access takes and answers: the bodies of protocol.md, section Access, as types. Decides nothing."""

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from events.event import Name, Role
from events.family import Sees
from events.ids import ChildId, DeviceId, FamilyId, HouseholdId, MemberId, PersonId
from events.surprise import Days, Mode, Scope

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class RequestBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body, or a part of one: fields that are not listed are refused."""


class Named(RequestBody, frozen=True, kw_only=True):
    """Something that has a name."""

    name: Name


class NewChild(RequestBody, frozen=True, kw_only=True):
    """A child to be added."""

    name: Name
    born: date | None = None


class ChildChanges(RequestBody, frozen=True, kw_only=True):
    """What to put right of a child: what is left out stays. A `born` of null: it is not known."""

    name: Name | UnsetType = UNSET
    born: date | UnsetType | None = UNSET


class FoundFamily(RequestBody, frozen=True, kw_only=True):
    """A family with its first parent, home and child. `device` may be left out by a device that has a token."""

    you: Named
    household: Named
    child: NewChild
    device: Named | None = None


class Founded(msgspec.Struct, frozen=True, kw_only=True):
    """A new family, and the founder's part in it. `token` is told here, once."""

    family: FamilyId
    member: MemberId
    household: HouseholdId
    child: ChildId
    device: DeviceId
    token: str


class ChildListed(msgspec.Struct, frozen=True, kw_only=True):
    """A child of the family."""

    child: ChildId
    name: str
    born: date | None


class HouseholdListed(msgspec.Struct, frozen=True, kw_only=True):
    """A home of the family."""

    household: HouseholdId
    name: str


class MemberListed(msgspec.Struct, frozen=True, kw_only=True):
    """A member who has not left."""

    member: MemberId
    name: str
    role: Role
    household: HouseholdId


class FamilyListed(msgspec.Struct, frozen=True, kw_only=True):
    """The roster, in the order of ids. The same for every member: names are needed to read anything at all."""

    family: FamilyId
    households: tuple[HouseholdListed, ...]
    children: tuple[ChildListed, ...]
    members: tuple[MemberListed, ...]


class MembershipListed(msgspec.Struct, frozen=True, kw_only=True):
    """A family that the caller is a member of."""

    family: FamilyId
    member: MemberId
    name: str
    role: Role
    household: HouseholdId


class DeviceListed(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the caller's that was not revoked. `this`: the one that asks."""

    device: DeviceId
    name: str
    created_at: datetime
    this: bool


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller. Nobody else is told of their devices (law 14)."""

    person: PersonId
    memberships: tuple[MembershipListed, ...]
    devices: tuple[DeviceListed, ...]


class Invite(RequestBody, frozen=True, kw_only=True):
    """Who is invited. `household`: the inviter's own, which is meant where it is left out, or a new one by its name."""

    role: Role
    household: HouseholdId | Named | None = None
    name: Name | None = None
    sees: Sees | None = None


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """An invite. The code is told here, once, and works once."""

    code: str
    url: str
    expires_at: datetime


class JoinerChoice(RequestBody, frozen=True, kw_only=True):
    """The fields of SurpriseChosen, chosen before anything is told."""

    child: ChildId | None = None
    scope: Scope
    mode: Mode
    hold_unsorted: bool | None = None
    at_most_days: Days | None = None


class AcceptInvite(RequestBody, frozen=True, kw_only=True):
    """Who accepts. `device` may be left out by a device that has a token."""

    code: Code
    name: Name
    device: Named | None = None
    surprise: Annotated[tuple[JoinerChoice, ...], msgspec.Meta(max_length=64)] = ()


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A new membership. `token` is told here, once."""

    family: FamilyId
    member: MemberId
    device: DeviceId
    token: str


class PairCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code for a second device of the same person. It works once."""

    code: str
    expires_at: datetime


class PairDevice(RequestBody, frozen=True, kw_only=True):
    """A device that brings a code of another device."""

    code: Code
    device: Named


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """A second device. `token` is told here, once."""

    device: DeviceId
    token: str
