"""What a member asks of the service beside the feed: who belongs, who may come, which device may stay.

Owns one thin call a route; answers come back as plain values, in the protocol's own words. Keeps nothing.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from client.answers import read
from client.http import Wire
from client.store import Identity


class Family:
    """The family of one device, as its member may see it. Every call needs the service.

    Raises (all of them): ServiceUnreachable, DeviceRevoked, RefusedByService, ServiceMisspoke.
    """

    def __init__(self, wire: Wire, identity: Identity) -> None:
        self._wire = wire
        self._path = f"/v1/families/{identity.family}"
        self._identity = identity

    async def roster(self) -> dict[str, Any]:
        """Households, children and members."""
        return await self._get(self._path)

    async def timeline(self, *, child: UUID | None = None, as_of: datetime | None = None) -> Any:
        """This member's own timeline; `as_of`: as their screen stood at that instant."""
        query = {}
        if child is not None:
            query["child"] = str(child)
        if as_of is not None:
            query["as_of"] = as_of.isoformat()
        return read(await self._wire.ask("GET", f"{self._path}/timeline", query=query), object)

    async def handover(self, *, child: UUID | None = None, after: UUID | None = None) -> Any:
        """What to keep quiet, from whom, and a safe phrase. `after`: the `next` of the page before."""
        query = {name: str(value) for name, value in (("child", child), ("after", after)) if value is not None}
        return read(await self._wire.ask("GET", f"{self._path}/handover", query=query), object)

    async def tips(self, *, child: UUID | None = None, on: date | None = None) -> Any:
        """What to look out for and to make safe at each child's age. `on`: the day where this device is; else today in UTC."""
        query = {}
        if child is not None:
            query["child"] = str(child)
        if on is not None:
            query["on"] = on.isoformat()
        return read(await self._wire.ask("GET", f"{self._path}/tips", query=query), object)

    async def catalogue(self, *, lang: str | None = None) -> Any:
        """The milestones."""
        query = {} if lang is None else {"lang": lang}
        return read(await self._wire.ask("GET", "/v1/catalogue", query=query), object)

    async def me(self) -> dict[str, Any]:
        """Who this person is, where they belong, and which devices are theirs."""
        return await self._get("/v1/me")

    async def add_child(self, *, name: str, born: date | None = None) -> dict[str, Any]:
        """Add a child to the family."""
        child = {"name": name}
        if born is not None:
            child["born"] = born.isoformat()
        return await self._post(f"{self._path}/children", child)

    async def correct_child(
        self, child: UUID, *, name: str | UnsetType = UNSET, born: date | UnsetType | None = UNSET
    ) -> dict[str, Any]:
        """Put right a child's name or birth date; what is left out stays, and `born=None` says that it is not known."""
        changes = {key: value for key, value in (("name", name), ("born", born)) if value is not UNSET}
        return await self._patch(f"{self._path}/children/{child}", changes)

    async def rename(self, name: str) -> dict[str, Any]:
        """Take another name in this family."""
        return await self.rename_member(self._identity.member, name=name)

    async def rename_member(self, member: UUID, *, name: str) -> dict[str, Any]:
        """Give a daycare of this household another name, or oneself."""
        return await self._patch(f"{self._path}/members/{member}", {"name": name})

    async def rename_household(self, household: UUID, *, name: str) -> dict[str, Any]:
        """Give the home of this member another name."""
        return await self._patch(f"{self._path}/households/{household}", {"name": name})

    async def invite(
        self,
        *,
        role: Literal["parent", "caregiver", "daycare"],
        household: UUID | Mapping[str, str] | None = None,
        name: str | None = None,
        sees: Literal["own", "since_joining", "all"] | None = None,
    ) -> dict[str, Any]:
        """A code that lets one person in. `household`: an id, or `{"name": ...}`, which opens a second home."""
        wish = {"role": role, "household": household, "name": name, "sees": sees}
        return await self._post(f"{self._path}/invites", {key: value for key, value in wish.items() if value is not None})

    async def pair_code(self) -> dict[str, Any]:
        """A code that makes another device one of this person's. It lives 10 minutes and works once."""
        return read(await self._wire.ask_once("POST", "/v1/devices/pair-codes"), dict[str, Any])

    async def revoke(self, device: UUID) -> None:
        """Turn a device of this person away for good, this one too."""
        await self._wire.ask("DELETE", f"/v1/devices/{device}")

    async def leave(self) -> None:
        """Leave the family. What this member wrote stays."""
        await self.remove(self._identity.member)

    async def remove(self, member: UUID) -> None:
        """Remove a caregiver or daycare that this household invited."""
        await self._wire.ask("DELETE", f"{self._path}/members/{member}")

    async def _get(self, path: str) -> dict[str, Any]:
        return read(await self._wire.ask("GET", path), dict[str, Any])

    async def _patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A change that may be asked for twice: what is so already stays so."""
        return read(await self._wire.ask("PATCH", path, body=lambda: msgspec.json.encode(body)), dict[str, Any])

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._wire.ask_once("POST", path, body=lambda: msgspec.json.encode(body))
        return read(answer, dict[str, Any])
