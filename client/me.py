"""Who asks, as `GET /v1/me` says it, and which of their families they mean."""

from uuid import UUID

import msgspec

from client.errors import DeviceError


class FamilyUnclear(DeviceError):
    """The person belongs to several families, or to none; the message says which, and what to do."""


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A family that the device's person belongs to, and what they are called there."""

    family: UUID
    member: UUID
    name: str


class ListedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the person."""

    device: UUID
    this: bool


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    memberships: tuple[Membership, ...]
    devices: tuple[ListedDevice, ...]

    def meant(self, family: UUID | None) -> list[Membership]:
        """The membership of a family; all of them, where none is named."""
        return [one for one in self.memberships if family is None or one.family == family]

    def membership(self, family: UUID | None) -> Membership:
        """The membership of a family; of the only one, where none is named.

        Raises:
            FamilyUnclear
        """
        found = self.meant(family)
        if len(found) == 1:
            return found[0]
        belongs_to = ", ".join(str(one.family) for one in self.memberships)
        raise FamilyUnclear(f"This device belongs to {belongs_to or 'no family'}: say which one by --family.")
