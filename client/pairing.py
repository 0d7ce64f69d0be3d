"""How a device comes to be: it founds a family, accepts an invite, or pairs with a device of the same person.

Owns these three conversations, each of which ends in an identity. None of them may happen twice, so none is repeated
once the service may have heard it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from client.answers import read
from client.errors import NotPaired, ServiceMisspoke
from client.http import Wire
from client.me import Me
from client.store import Identity, Store


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a founding or an acceptance. `token` is left out where the caller brought one."""

    family: UUID
    member: UUID
    device: UUID | None = None
    token: str | None = None
    household: UUID | None = None
    child: UUID | None = None


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a pairing."""

    device: UUID
    token: str


async def found(
    wire: Wire, *, base_url: str, you: str, household: str, child: str, born: date | None, device_name: str
) -> Identity:
    """Found a family with one home and one child."""
    the_child: dict[str, Any] = {"name": child}
    if born is not None:
        the_child["born"] = born.isoformat()
    body = {
        "you": {"name": you},
        "household": {"name": household},
        "child": the_child,
        "device": {"name": device_name},
    }
    answer = await wire.ask_once("POST", "/v1/families", body=lambda: msgspec.json.encode(body))
    return _identity(read(answer, Admitted), base_url=base_url, token=None, device=None)


async def accept(
    wire: Wire,
    *,
    base_url: str,
    code: str,
    name: str,
    device_name: str,
    surprise: Sequence[Mapping[str, Any]],
    known_as: Identity | None,
) -> Identity:
    """Accept an invite. `surprise` is chosen before the history is delivered. `known_as`: join as the same person."""
    body: dict[str, Any] = {"code": code, "name": name, "device": {"name": device_name}}
    if surprise:
        body["surprise"] = list(surprise)
    answer = await wire.ask_once("POST", "/v1/invites/accept", body=lambda: msgspec.json.encode(body))
    token, device = (None, None) if known_as is None else (known_as.token, known_as.device)
    return _identity(read(answer, Admitted), base_url=base_url, token=token, device=device)


async def pair(wire: Wire, *, store: Store, base_url: str, code: str, device_name: str, family: UUID | None) -> Identity:
    """Become a second device of the person who made the code. `family` chooses, where they belong to several.

    The token is kept before the family is asked for: a code works once, and a cut in between must not cost it.
    Called again on the same file, it goes on from there.
    """
    kept = store.fact("pairing")
    if not isinstance(kept, bytes):
        body = {"code": code, "device": {"name": device_name}}
        kept = await wire.ask_once("POST", "/v1/devices/pair", body=lambda: msgspec.json.encode(body))
        read(kept, Paired)
        store.note("pairing", kept)
    paired = read(kept, Paired)
    wire.client.headers["Authorization"] = f"Bearer {paired.token}"
    me = read(await wire.ask("GET", "/v1/me"), Me)
    match me.meant(family):
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
    """What an answer says of the device, completed by what the caller brought."""
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
