"""Says who is asking, and whether they are of the family that they ask about.

Owns the door: tokens, memberships, and how long this process may remember an answer. Knows nothing of what is asked.
Nothing that it remembers is older than `REMEMBERED_S`, so that a revocation bites within a second even where no wake-up
arrives, and a device that pushes in quick succession costs no query.
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
"""About 500 bytes each."""

QUERIES = load(__package__, "guard.sql")


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A device with a valid token, and the person whose device it is."""

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
    """The door of one process."""

    def __init__(self, *, pool: asyncpg.Pool, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock_s = clock_s
        self._remembered: OrderedDict[tuple[bytes, UUID | None], tuple[float, Caller | Membership | None]] = OrderedDict()
        self._changes = 0

    async def authenticate(self, scope: Scope) -> Caller:
        """Who is asking.

        Raises:
            Unauthenticated: no token, or none that is valid.
        """
        token_hash = _token_hash(scope)
        found = self._recall(token_hash, None)
        if isinstance(found, Caller):
            return found
        asked_at, changes = self._clock_s(), self._changes
        row = await self._pool.fetchrow(QUERIES.device, token_hash)
        if row is None:
            raise Unauthenticated
        caller = Caller(device=DeviceId(row["device_id"]), person=PersonId(row["person_id"]))
        self._remember(token_hash, None, caller, asked_at=asked_at, changes=changes)
        return caller

    async def membership(self, scope: Scope, family: FamilyId) -> Membership:
        """Who is asking, as a member of `family`.

        Raises:
            Unauthenticated: no valid token.
            NotFound: no such family, or none of the caller's: alike.
        """
        token_hash = _token_hash(scope)
        found = self._recall(token_hash, family)
        if isinstance(found, Membership):
            return found
        asked_at, changes = self._clock_s(), self._changes
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
        self._remember(token_hash, family, membership, asked_at=asked_at, changes=changes)
        return membership

    def forget(self) -> None:
        """Remember nothing from before now: a device was revoked or a member left. Rare, so it forgets all at once."""
        self._changes += 1
        self._remembered.clear()

    def _recall(self, token_hash: bytes, family: FamilyId | None) -> Caller | Membership | None:
        entry = self._remembered.get((token_hash, family))
        if entry is None or self._clock_s() - entry[0] >= REMEMBERED_S:
            return None
        return entry[1]

    def _remember(
        self, token_hash: bytes, family: FamilyId | None, who: Caller | Membership, *, asked_at: float, changes: int
    ) -> None:
        # An answer that was under way while something changed may be from before the change.
        if changes != self._changes:
            return
        key = (token_hash, family)
        self._remembered[key] = (asked_at, who)
        self._remembered.move_to_end(key)
        if len(self._remembered) > ENTRIES_MAX:
            self._remembered.popitem(last=False)


def _token_hash(scope: Scope) -> bytes:
    named = headers(scope, b"authorization")
    token = token_in(named[0]) if len(named) == 1 else None
    if token is None:
        raise Unauthenticated
    return hash_of(token)
