"""Derives the ids of events from daycares' records.

Owns the derivation of ids and the storage of the families' secrets. Each family has its own secret, which never leaves the
server. Without the secret, nobody can compute an event's id from the id, source and author of a record. A reader who could
compute ids would learn how often a record was written anew. A replay needs no secret, because the log contains the ids.
"""

import hmac
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from events.ids import EventId, FamilyId, MemberId
from service.http.standard_webhooks import new_secret
from service.postgres.queries import load

QUERIES: Final = load(__package__, "event_ids.sql")


class EventIds:
    """The ids of one record's events. The same record and the same secret of the family always give the same ids."""

    def __init__(self, secret: bytes, author: MemberId, source: str, record: str) -> None:
        self._secret = secret
        self._record = author.bytes + b"".join(len(part).to_bytes(4, "big") + part for part in (source.encode(), record.encode()))

    def event(self, generation: int, part: int, *, is_keyed: bool) -> EventId:
        """Returns the id of event number `part` of the record.

        If `is_keyed` is False, makes the id without the family's secret, as for events from before families had secrets.
        """
        if not is_keyed:
            return _id(sha256(b"stillnew daycare record" + self._record + repr((generation, part)).encode()).digest())
        return self._keyed("event", generation, part)

    def change(self, generation: int, part: int, *content: str | bytes) -> EventId:
        """Returns the id of an amendment or a withdrawal of event number `part` of the record."""
        return self._keyed("change", generation, part, *content)

    def _keyed(self, *parts: str | int | bytes) -> EventId:
        return _id(hmac.digest(self._secret, b"stillnew daycare record" + self._record + repr(parts).encode(), "sha256"))


def _id(digest: bytes) -> EventId:
    """Returns a UUID of version 8 (RFC 9562: custom) that is made of a digest."""
    bits = int.from_bytes(digest[:16], "big")
    return EventId(UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62))


class Secrets:
    """The source of new secrets for families."""

    def secret_of(self, family: FamilyId) -> bytes:
        """Returns a new secret of 32 random bytes."""
        return new_secret()


async def secrets_of(pool: Any, families: Collection[FamilyId], *, makes: bool) -> dict[FamilyId, bytes]:
    """Returns the secret of each family. If a family has no secret, makes one, and stores the new secret if `makes` is true."""
    found = {row[0]: row[1] for row in await pool.fetch(QUERIES.secrets, list(families))}
    fresh = {family: Secrets().secret_of(family) for family in families if family not in found}
    if fresh and makes:
        await pool.execute(QUERIES.add_secrets, list(fresh), list(fresh.values()))
        fresh = {row[0]: row[1] for row in await pool.fetch(QUERIES.secrets, list(fresh))}
    return found | fresh
