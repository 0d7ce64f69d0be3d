"""Authenticates the caller of a request, and finds the caller's membership in a family.

Owns tokens and codes (only their hashes are stored), the check of tokens and memberships, and a cache of found callers and
memberships. Knows nothing of the routes. A cached entry is at most `REMEMBERED_S` old. So a revocation takes effect within a
second even if no notification arrives, and a device that pushes often needs no query for each push.
"""

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

import asyncpg

from events.event import Role
from events.ids import DeviceId, FamilyId, HouseholdId, MemberId, PersonId
from service.http.asgi import HEADERS_BY_NAME, Scope
from service.http.problems import NotFound, Unauthenticated
from service.postgres.queries import load

REMEMBERED_S: Final = 0.5
ENTRIES_MAX: Final = 20_000
"""Bound on the entries of the cache. An entry takes about 500 bytes."""

TOKEN_BYTES: Final = 32
CODE_BYTES: Final = 20
"""Random bytes of a code. 160 bits are enough, because a code is valid for minutes or days. People use the code as a link or a QR
code, and do not type it."""

# The prefix lets scanners for leaked secrets recognise our tokens.
_BEARER: Final = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +(sn1_[A-Za-z0-9_-]{43})")

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
        """Returns the caller: the device with the request's token, and the person who owns the device.

        Raises:
            Unauthenticated: the token is missing or invalid.
        """
        token_hash = hash_of(token_in(scope))
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
        token_hash = hash_of(token_in(scope))
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


def token_in(scope: Scope) -> bytes:
    """Returns the token of a request.

    Raises:
        Unauthenticated: the request has no token of the right form, or more than one `Authorization` header.
    """
    named = scope[HEADERS_BY_NAME].get(b"authorization", ())
    found = _BEARER.fullmatch(named[0]) if len(named) == 1 else None
    if found is None:
        raise Unauthenticated
    token: bytes = found[1]
    return token


def new_token() -> str:
    """Returns a new device token of 256 random bits."""
    return "sn1_" + secrets.token_urlsafe(TOKEN_BYTES)


def new_code() -> str:
    """Returns a new code for an invite or a pairing."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_of(secret: str | bytes) -> bytes:
    """Returns the SHA-256 of a token or a code (32 bytes). Uses no salt, because 160 or more random bits cannot be guessed."""
    return sha256(secret.encode() if isinstance(secret, str) else secret).digest()
