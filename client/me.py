"""Decodes the response of `GET /v1/me`, and selects one of the person's families."""

from uuid import UUID

import msgspec

from client.errors import DeviceError


class FamilyUnclear(DeviceError):
    """The person belongs to several families or to none. The message lists the families and states what to do."""


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A membership of the device's person: the family, and the person's member id and name in this family."""

    family: UUID
    member: UUID
    name: str


class ListedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the person. `this` is true for the device that sent the request."""

    device: UUID
    this: bool


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The memberships and the devices of one person, to whom the device that sent the request belongs."""

    memberships: tuple[Membership, ...]
    devices: tuple[ListedDevice, ...]

    def memberships_of(self, family: UUID | None) -> list[Membership]:
        """Returns the memberships in one family, or all memberships if `family` is None."""
        return [one for one in self.memberships if family is None or one.family == family]

    def membership(self, family: UUID | None) -> Membership:
        """Returns the membership in one family, or the person's only membership if `family` is None.

        Raises:
            FamilyUnclear: there is no such membership, or more than one.
        """
        found = self.memberships_of(family)
        if len(found) == 1:
            return found[0]
        belongs_to = ", ".join(str(one.family) for one in self.memberships)
        raise FamilyUnclear(f"This device belongs to {belongs_to or 'no family'}: say which one by --family.")
