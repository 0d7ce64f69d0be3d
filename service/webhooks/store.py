"""Reads and writes the rows of webhooks for the sender, and reads the entries to send.

Owns the sender's queries, and the bound on concurrent queries. Knows no network. Of a feed, stores only the place of the last
delivered entry.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from events.ids import FamilyId, MemberId
from service.feed.next_entries import Stretch, from_anywhere, onward
from service.postgres.queries import load
from service.webhooks.retry_policy import Failing

QUERIES: Final = load(__package__, "webhooks.sql")

QUERIES_MAX: Final = 4
"""Bound on the concurrent queries, so that a busy sender leaves most of the pool to requests."""
LISTED_A_PAGE: Final = 200
ENTRIES_A_PAGE: Final = 8
"""Number of entries, at most 64 KiB each, that one turn reads at once."""
LEASED_FOR: Final = timedelta(seconds=60)
"""Duration of a lease, longer than any turn. If a process is killed, its webhooks can be claimed again after this time."""
NONE: Final = UUID(int=0)


class WebhookKey(NamedTuple):
    """The primary key of a webhook's row."""

    family: FamilyId
    member: MemberId
    webhook: UUID


BEFORE_ALL: Final = WebhookKey(FamilyId(NONE), MemberId(NONE), NONE)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A webhook that a poll has read. The webhook is not disabled, or its member has left."""

    key: WebhookKey
    url: str
    is_failing: bool
    is_due: bool
    has_left: bool


@dataclass(frozen=True, kw_only=True)
class DeliveryClaim:
    """The right to send for one webhook until its lease expires. `place` is the place in the feed of the last delivered entry."""

    key: WebhookKey
    lease: UUID
    url: str
    secrets: tuple[bytes, ...]
    """The webhook's secrets with which requests are signed, the newest first."""
    place: int
    attempts: int
    failing_since: datetime | None


class WebhookStore:
    """The access to the rows of webhooks in the database."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._turns = asyncio.Semaphore(QUERIES_MAX)

    async def page(self, *, after: WebhookKey, now: datetime) -> list[Listed]:
        """Returns at most `LISTED_A_PAGE` webhooks whose keys are greater than `after`, in the order of their keys."""
        async with self._turns:
            rows = await self._pool.fetch(QUERIES.all_after, *after, now, LISTED_A_PAGE)
        return [
            Listed(
                key=WebhookKey(FamilyId(row["family_id"]), MemberId(row["member_id"]), row["webhook_id"]),
                url=row["url"],
                is_failing=row["is_failing"],
                is_due=row["is_due"],
                has_left=row["has_left"],
            )
            for row in rows
        ]

    async def drop(self, key: WebhookKey) -> None:
        """Deletes all webhooks of a member who has left."""
        async with self._turns:
            await self._pool.execute(QUERIES.drop_all, key.family, key.member)

    async def claim(self, key: WebhookKey, *, now: datetime) -> DeliveryClaim | None:
        """Claims the right to send for a webhook.

        Returns None if another process has the lease, or if the webhook is not due, is disabled or was dropped.
        """
        lease = uuid4()
        async with self._turns:
            row = await self._pool.fetchrow(QUERIES.claim, *key, lease, now, now + LEASED_FOR)
        if row is None:
            return None
        secrets = (row["secret"],) if row["before"] is None else (row["secret"], row["before"])
        return DeliveryClaim(
            key=key, lease=lease, url=row["url"], secrets=secrets, place=row["place"],
            attempts=row["attempts"], failing_since=row["failing_since"],
        )  # fmt: skip

    async def entries(self, key: WebhookKey, *, after: int, chain: bytes | None) -> Stretch:
        """Returns at most `ENTRIES_A_PAGE` entries after a place in the feed, in exactly the bytes that the live stream sends.

        Raises:
            FeedAhead: the feed ends before that place.
            NotFound: there is no such family.
        """
        async with self._turns:
            if chain is None:
                return await from_anywhere(
                    self._pool, family=key.family, member=key.member, after=after, limit=ENTRIES_A_PAGE
                )
            return await onward(
                self._pool, family=key.family, member=key.member, after=after, chain=chain, limit=ENTRIES_A_PAGE
            )

    async def still_valid(self, claims: Sequence[DeliveryClaim]) -> set[WebhookKey]:
        """Returns the keys of the claims that are still valid.

        A claim is valid until its member leaves or the row has another lease.
        """
        columns = ([claim.key[nth] for claim in claims] for nth in range(3))
        async with self._turns:
            rows = await self._pool.fetch(QUERIES.still_valid, *columns, [claim.lease for claim in claims])
        return {claims[row["number"] - 1].key for row in rows}

    async def delivered(self, claim: DeliveryClaim, *, place: int, now: datetime) -> bool:
        """Stores that the entry at a place in the feed was delivered. Returns whether the next entry may be sent."""
        async with self._turns:
            may_go_on = await self._pool.fetchval(QUERIES.delivered, *claim.key, claim.lease, place, now)
        return bool(may_go_on)

    async def failed(self, claim: DeliveryClaim, failing: Failing, *, at: datetime) -> None:
        """Stores the state of a webhook after a failed attempt, and releases the claim."""
        async with self._turns:
            await self._pool.execute(
                QUERIES.failed, *claim.key, claim.lease, failing.attempts, failing.since, failing.failed_as, failing.next_at,
                failing.disabled_as, None if failing.disabled_as is None else at,
            )  # fmt: skip

    async def release(self, claim: DeliveryClaim) -> None:
        """Releases a claim before its lease expires."""
        async with self._turns:
            await self._pool.execute(QUERIES.release, *claim.key, claim.lease)
