"""Defines the types of the requests and responses of access (docs/protocol.md, section Access). Decides nothing."""

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
    """A request body, or an object in a request body. Unknown fields are refused."""


class Named(RequestBody, frozen=True, kw_only=True):
    """The name of a person, a home or a device."""

    name: Name


class NewChild(RequestBody, frozen=True, kw_only=True):
    """A child to add."""

    name: Name
    born: date | None = None


class ChildChanges(RequestBody, frozen=True, kw_only=True):
    """A correction of a child. An omitted field stays unchanged. If `born` is null, the birth date is unknown."""

    name: Name | UnsetType = UNSET
    born: date | UnsetType | None = UNSET


class FoundFamily(RequestBody, frozen=True, kw_only=True):
    """A request to found a family with its first parent, home and child. `device` is needed only if the request has no token."""

    you: Named
    household: Named
    child: NewChild
    device: Named | None = None


class Founded(msgspec.Struct, frozen=True, kw_only=True):
    """A new family, and the founder's ids. `token` is the new token, or the token of the request if the request had one."""

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
    """The roster of a family. Each list is in the order of ids. Every member receives the same roster."""

    family: FamilyId
    households: tuple[HouseholdListed, ...]
    children: tuple[ChildListed, ...]
    members: tuple[MemberListed, ...]


class MembershipListed(msgspec.Struct, frozen=True, kw_only=True):
    """A membership of the caller in a family."""

    family: FamilyId
    member: MemberId
    name: str
    role: Role
    household: HouseholdId


class DeviceListed(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the caller's person that is not revoked. `this` is true for the device that sent the request."""

    device: DeviceId
    name: str
    created_at: datetime
    this: bool


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's person, with the memberships and the devices of this person.

    No other member can see these devices (law 14).
    """

    person: PersonId
    memberships: tuple[MembershipListed, ...]
    devices: tuple[DeviceListed, ...]


class Invite(RequestBody, frozen=True, kw_only=True):
    """A request to make an invite. `household` is the inviter's own home (the default), or the name of a new home."""

    role: Role
    household: HouseholdId | Named | None = None
    name: Name | None = None
    sees: Sees | None = None


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """A new invite. The code works once. No other response contains the code."""

    code: str
    url: str
    expires_at: datetime


class JoinerChoice(RequestBody, frozen=True, kw_only=True):
    """A surprise choice of a joining person, with the fields of SurpriseChosen.

    The choice applies to the history of the family, too.
    """

    child: ChildId | None = None
    scope: Scope
    mode: Mode
    hold_unsorted: bool | None = None
    at_most_days: Days | None = None


class AcceptInvite(RequestBody, frozen=True, kw_only=True):
    """A request to accept an invite. `device` is needed only if the request has no token."""

    code: Code
    name: Name
    device: Named | None = None
    surprise: Annotated[tuple[JoinerChoice, ...], msgspec.Meta(max_length=64)] = ()


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A new membership. `token` is the new token, or the token of the request if the request had one."""

    family: FamilyId
    member: MemberId
    device: DeviceId
    token: str


class PairCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that pairs another device of the same person. The code works once."""

    code: str
    expires_at: datetime


class PairDevice(RequestBody, frozen=True, kw_only=True):
    """A request to pair a device, with the code that another device of the same person has made."""

    code: Code
    device: Named


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """The paired device. No other response contains its `token`."""

    device: DeviceId
    token: str
