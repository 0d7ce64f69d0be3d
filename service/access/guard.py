"""Authenticates the caller of a request, and finds the caller's membership in a family.

Owns the check of tokens and memberships, and the cache of the results in this process. Knows nothing of the routes. A cached
result is at most `REMEMBERED_S` old. So a revocation takes effect within a second, even if no notification arrives, and a device
that pushes often needs no query for each push.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from events.event import Role
from events.ids import DeviceId, FamilyId, HouseholdId, MemberId, PersonId
from service.access.tokens import hash_of, token_in
from service.http.asgi import Scope, headers
from service.http.problems import NotFound, Unauthenticated
from service.postgres.queries import load

REMEMBERED_S: Final = 0.5
ENTRIES_MAX: Final = 20_000
"""Bound on the entries of the cache. An entry takes about 500 bytes."""

QUERIES = load(__package__, "guard.sql")


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A device with a valid token, and the person who owns the device."""

    device: DeviceId
    person: PersonId


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """A caller as a member of one family."""

    device: DeviceId
    person: PersonId
    family: FamilyId
    member: MemberId
    role: Role
    household: HouseholdId


class Guard:
    """The authentication of requests in one process, with a cache."""

    def __init__(self, *, pool: asyncpg.Pool, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock_s = clock_s
        self._remembered: OrderedDict[tuple[bytes, UUID | None], tuple[float, Caller | Membership | None]] = OrderedDict()
        self._changes = 0

    async def authenticate(self, scope: Scope) -> Caller:
        """Returns the device and the person of the request's token.

        Raises:
            Unauthenticated: the token is missing or invalid.
        """
        token_hash = _token_hash(scope)
        found = self._recall(token_hash, None)
        if isinstance(found, Caller):
            return found
        queried_at_s, changes = self._clock_s(), self._changes
        row = await self._pool.fetchrow(QUERIES.device, token_hash)
        if row is None:
            raise Unauthenticated
        caller = Caller(device=DeviceId(row["device_id"]), person=PersonId(row["person_id"]))
        self._remember(token_hash, None, caller, queried_at_s=queried_at_s, changes=changes)
        return caller

    async def membership(self, scope: Scope, family: FamilyId) -> Membership:
        """Returns the caller's membership in `family`.

        Raises:
            Unauthenticated: the token is missing or invalid.
            NotFound: the family does not exist, or the caller is not a member. The response is the same in both cases.
        """
        token_hash = _token_hash(scope)
        found = self._recall(token_hash, family)
        if isinstance(found, Membership):
            return found
        queried_at_s, changes = self._clock_s(), self._changes
        row = await self._pool.fetchrow(QUERIES.member, token_hash, family)
        if row is None:
            raise Unauthenticated
        if row["role"] is None:
            raise NotFound
        membership = Membership(
            device=DeviceId(row["device_id"]),
            person=PersonId(row["person_id"]),
            family=family,
            member=MemberId(row["member_id"]),
            role=Role(row["role"]),
            household=HouseholdId(row["household_id"]),
        )
        self._remember(token_hash, family, membership, queried_at_s=queried_at_s, changes=changes)
        return membership

    def forget(self) -> None:
        """Empties the whole cache. Called after a device was revoked or a member left, which is rare."""
        self._changes += 1
        self._remembered.clear()

    def _recall(self, token_hash: bytes, family: FamilyId | None) -> Caller | Membership | None:
        entry = self._remembered.get((token_hash, family))
        if entry is None or self._clock_s() - entry[0] >= REMEMBERED_S:
            return None
        return entry[1]

    def _remember(
        self, token_hash: bytes, family: FamilyId | None, found: Caller | Membership, *, queried_at_s: float, changes: int
    ) -> None:
        # A change happened while the query ran. The query may have read the earlier state, so its result is not cached.
        if changes != self._changes:
            return
        key = (token_hash, family)
        self._remembered[key] = (queried_at_s, found)
        self._remembered.move_to_end(key)
        if len(self._remembered) > ENTRIES_MAX:
            self._remembered.popitem(last=False)


def _token_hash(scope: Scope) -> bytes:
    named = headers(scope, b"authorization")
    token = token_in(named[0]) if len(named) == 1 else None
    if token is None:
        raise Unauthenticated
    return hash_of(token)
