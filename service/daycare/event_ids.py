"""Makes the ids of the events that daycares' records become.

Owns how an id is derived from a record, and where the secrets are stored. Each family has a secret of its own, which never leaves
the server. Without it, nobody can compute an event's id from a record's id, source and author, and see how often the record
became something else. Replay needs none of this, because the log has the ids.
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
    """Makes the ids of one record's events: the same arguments always give the same ids."""

    def __init__(self, secret: bytes, author: MemberId, source: str, record: str) -> None:
        self._secret = secret
        self._record = author.bytes + b"".join(len(part).to_bytes(4, "big") + part for part in (source.encode(), record.encode()))

    def event(self, generation: int, part: int, *, is_keyed: bool) -> EventId:
        """Returns the id of one of a record's events. `is_keyed`: False if it was written before families had secrets."""
        if not is_keyed:
            return _id(sha256(b"stillnew daycare record" + self._record + repr((generation, part)).encode()).digest())
        return self._keyed("event", generation, part)

    def change(self, generation: int, part: int, *content: str | bytes) -> EventId:
        """Returns the id of an amendment or a withdrawal of one of the record's events. No other event ever refers to it."""
        return self._keyed("change", generation, part, *content)

    def _keyed(self, *parts: str | int | bytes) -> EventId:
        return _id(hmac.digest(self._secret, b"stillnew daycare record" + self._record + repr(parts).encode(), "sha256"))


def _id(digest: bytes) -> EventId:
    """Returns a UUID of version 8 (RFC 9562: custom) made of a digest."""
    bits = int.from_bytes(digest[:16], "big")
    return EventId(UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62))


class Secrets:
    """The source of new secrets for families."""

    def secret_of(self, family: FamilyId) -> bytes:
        """Returns 32 random bytes."""
        return new_secret()


async def secrets_of(pool: Any, families: Collection[FamilyId], *, makes: bool) -> dict[FamilyId, bytes]:
    """Returns the secrets of families. Makes one for a family that has none: stored if `makes`, else for this call alone."""
    found = {row[0]: row[1] for row in await pool.fetch(QUERIES.secrets, list(families))}
    fresh = {family: Secrets().secret_of(family) for family in families if family not in found}
    if fresh and makes:
        await pool.execute(QUERIES.add_secrets, list(fresh), list(fresh.values()))
        fresh = {row[0]: row[1] for row in await pool.fetch(QUERIES.secrets, list(fresh))}
    return found | fresh
