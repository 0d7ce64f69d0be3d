"""Implements the requests of a member beside the feed: the roster, the views, invites, names and devices.

Owns one method for each route. A method returns the JSON of the response as plain values. Stores nothing.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from client.http import Wire
from client.responses import read
from client.store import Identity


class Family:
    """The requests about one family, with the rights of one device's member. Every call needs the service.

    Every method raises ServiceUnreachable, DeviceRevoked, RefusedByService or ServiceMisspoke.
    """

    def __init__(self, wire: Wire, identity: Identity) -> None:
        self._wire = wire
        self._path = f"/v1/families/{identity.family}"
        self._identity = identity

    async def roster(self) -> dict[str, Any]:
        """Returns the households, children and members."""
        return await self._get(self._path)

    async def timeline(self, *, child: UUID | None = None, as_of: datetime | None = None) -> Any:
        """Returns this member's timeline as of the time `as_of` (default: now). `child` limits the entries to one child."""
        query = {}
        if child is not None:
            query["child"] = str(child)
        if as_of is not None:
            query["as_of"] = as_of.isoformat()
        return read(await self._wire.ask("GET", f"{self._path}/timeline", query=query), object)

    async def handover(self, *, child: UUID | None = None, after: UUID | None = None) -> Any:
        """Returns a page of hand-over cards: milestones not to mention to a member, and a safe phrase.

        `after` is the `next` of the previous page. `child` limits the cards to one child.
        """
        query = {name: str(value) for name, value in (("child", child), ("after", after)) if value is not None}
        return read(await self._wire.ask("GET", f"{self._path}/handover", query=query), object)

    async def tips(self, *, child: UUID | None = None, on: date | None = None) -> Any:
        """Returns tips by each child's age on the day `on` (default: today in UTC): what to look out for, what to make safe."""
        query = {}
        if child is not None:
            query["child"] = str(child)
        if on is not None:
            query["on"] = on.isoformat()
        return read(await self._wire.ask("GET", f"{self._path}/tips", query=query), object)

    async def catalogue(self, *, lang: str | None = None) -> Any:
        """Returns the catalogue of milestones, in the language `lang` if there is a translation."""
        query = {} if lang is None else {"lang": lang}
        return read(await self._wire.ask("GET", "/v1/catalogue", query=query), object)

    async def me(self) -> dict[str, Any]:
        """Returns this person's memberships and devices."""
        return await self._get("/v1/me")

    async def add_child(self, *, name: str, born: date | None = None) -> dict[str, Any]:
        """Adds a child to the family."""
        child = {"name": name}
        if born is not None:
            child["born"] = born.isoformat()
        return await self._post(f"{self._path}/children", child)

    async def correct_child(
        self, child: UUID, *, name: str | UnsetType = UNSET, born: date | UnsetType | None = UNSET
    ) -> dict[str, Any]:
        """Corrects a child's name or birth date. An omitted argument changes nothing; with `born=None` the date is unknown."""
        changes = {key: value for key, value in (("name", name), ("born", born)) if value is not UNSET}
        return await self._patch(f"{self._path}/children/{child}", changes)

    async def rename(self, name: str) -> dict[str, Any]:
        """Changes this member's own name in the family."""
        return await self.rename_member(self._identity.member, name=name)

    async def rename_member(self, member: UUID, *, name: str) -> dict[str, Any]:
        """Changes the name of a daycare of this household, or this member's own name."""
        return await self._patch(f"{self._path}/members/{member}", {"name": name})

    async def rename_household(self, household: UUID, *, name: str) -> dict[str, Any]:
        """Changes the name of this member's home."""
        return await self._patch(f"{self._path}/households/{household}", {"name": name})

    async def invite(
        self,
        *,
        role: Literal["parent", "caregiver", "daycare"],
        household: UUID | Mapping[str, str] | None = None,
        name: str | None = None,
        sees: Literal["own", "since_joining", "all"] | None = None,
    ) -> dict[str, Any]:
        """Returns an invite code for one member. `household` is the id of a home, or `{"name": ...}` for a new second home."""
        fields = {"role": role, "household": household, "name": name, "sees": sees}
        return await self._post(f"{self._path}/invites", {key: value for key, value in fields.items() if value is not None})

    async def pair_code(self) -> dict[str, Any]:
        """Returns a code that pairs another device with this person. The code is valid for 10 minutes and works once."""
        return read(await self._wire.ask_once("POST", "/v1/devices/pair-codes"), dict[str, Any])

    async def revoke(self, device: UUID) -> None:
        """Revokes a device of this person, possibly this device, for good."""
        await self._wire.ask("DELETE", f"/v1/devices/{device}")

    async def leave(self) -> None:
        """Leaves the family. The events that this member wrote stay in the log."""
        await self.remove(self._identity.member)

    async def remove(self, member: UUID) -> None:
        """Removes a caregiver or daycare that this household invited."""
        await self._wire.ask("DELETE", f"{self._path}/members/{member}")

    async def _get(self, path: str) -> dict[str, Any]:
        return read(await self._wire.ask("GET", path), dict[str, Any])

    async def _patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Sends a PATCH request, with retries, because a change that arrives twice has the same result as a single change."""
        return read(await self._wire.ask("PATCH", path, body=lambda: msgspec.json.encode(body)), dict[str, Any])

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        response = await self._wire.ask_once("POST", path, body=lambda: msgspec.json.encode(body))
        return read(response, dict[str, Any])
