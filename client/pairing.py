"""Registers a device: it founds a family, accepts an invite, or pairs with another device of the same person.

Owns these three requests; each returns the device's identity. The service must not process such a request twice, so a request
that the service may have received is not sent again.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from client.errors import NotPaired, ServiceMisspoke
from client.http import Wire
from client.me import Me
from client.responses import read
from client.store import Identity, Store


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """The response to founding a family or accepting an invite. `token` is None if the request was made with a token."""

    family: UUID
    member: UUID
    device: UUID | None = None
    token: str | None = None
    household: UUID | None = None
    child: UUID | None = None


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """The response to a pairing."""

    device: UUID
    token: str


async def found(
    wire: Wire, *, base_url: str, you: str, household: str, child: str, born: date | None, device_name: str
) -> Identity:
    """Founds a family with one home and one child, and returns the identity of its first device."""
    child_fields: dict[str, Any] = {"name": child}
    if born is not None:
        child_fields["born"] = born.isoformat()
    body = {
        "you": {"name": you},
        "household": {"name": household},
        "child": child_fields,
        "device": {"name": device_name},
    }
    response = await wire.ask_once("POST", "/v1/families", body=lambda: msgspec.json.encode(body))
    return _identity(read(response, Admitted), base_url=base_url, token=None, device=None)


async def accept(
    wire: Wire,
    *,
    base_url: str,
    code: str,
    name: str,
    device_name: str,
    surprise: Sequence[Mapping[str, Any]],
    existing: Identity | None,
) -> Identity:
    """Accepts an invite, and returns the identity of the new member's device.

    `surprise` contains the member's choices, which apply to the history that is delivered on joining. With `existing` (the
    identity of another device file), the same person joins a second family.
    """
    body: dict[str, Any] = {"code": code, "name": name, "device": {"name": device_name}}
    if surprise:
        body["surprise"] = list(surprise)
    response = await wire.ask_once("POST", "/v1/invites/accept", body=lambda: msgspec.json.encode(body))
    token, device = (None, None) if existing is None else (existing.token, existing.device)
    return _identity(read(response, Admitted), base_url=base_url, token=token, device=device)


async def pair(wire: Wire, *, store: Store, base_url: str, code: str, device_name: str, family: UUID | None) -> Identity:
    """Pairs a new device with the person who made the code. `family` selects one of several families.

    The token is stored before the families are requested: the code works only once, and an interruption must not lose the token.
    A second call with the same file uses the stored token.

    Raises:
        NotPaired: the person does not belong to the family `family`, or belongs to no family.
        ServiceMisspoke: the person belongs to several families, and `family` is None.
    """
    stored = store.fact("pairing")
    if not isinstance(stored, bytes):
        body = {"code": code, "device": {"name": device_name}}
        stored = await wire.ask_once("POST", "/v1/devices/pair", body=lambda: msgspec.json.encode(body))
        read(stored, Paired)
        store.set_fact("pairing", stored)
    paired = read(stored, Paired)
    wire.client.headers["Authorization"] = f"Bearer {paired.token}"
    me = read(await wire.ask("GET", "/v1/me"), Me)
    match me.memberships_of(family):
        case [membership]:
            return Identity(
                base_url=base_url,
                token=paired.token,
                device=paired.device,
                family=membership.family,
                member=membership.member,
            )
        case []:
            raise NotPaired(path=store.path)
        case _:
            raise ServiceMisspoke("this person belongs to several families: say which one with `family`")


def _identity(admitted: Admitted, *, base_url: str, token: str | None, device: UUID | None) -> Identity:
    """Returns the identity in a response. `token` and `device` are used if the response states none."""
    token = admitted.token or token
    device = admitted.device or device
    if token is None or device is None:
        raise ServiceMisspoke("admitted without a token or a device")
    return Identity(
        base_url=base_url,
        token=token,
        device=device,
        family=admitted.family,
        member=admitted.member,
        household=admitted.household,
        child=admitted.child,
    )
