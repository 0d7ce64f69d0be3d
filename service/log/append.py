"""Appends drafts to the logs of several families in one transaction, and returns the result of each.

Owns the order of the steps: heads first, so that seq follows the order of commit; then all look-ups, each as a set; then pure
decisions; then rows. Begins and ends no transaction.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.ids import FamilyId, LogId, MemberId
from service.http.problems import NotFound
from service.log import ledger
from service.log.append_request import AppendRequest
from service.log.batch import Batch, Outcome
from service.log.family_cache import FamilyCache, FamilyState
from service.log.ledger import Overtaken
from service.log.locked_families import FamilyLocked
from service.log.prefetch import prefetch
from service.log.store import heads


class Appended(msgspec.Struct, frozen=True):
    """The result of a batch. It is valid once its transaction has committed."""

    receipts: list[Outcome]
    """In the order of the requests. A refusal where the author is no longer a member, another writer was faster, or the family
    is locked."""
    logs: dict[FamilyId, LogId]
    delivered_to: dict[FamilyId, set[MemberId]]
    """The members whose feeds grew."""
    states: dict[FamilyId, FamilyState]
    """The families' states, to be cached after the commit, and not before."""


async def append(connection: Any, requests: Sequence[AppendRequest], *, now: datetime, cache: FamilyCache) -> Appended:
    """Appends drafts inside the caller's transaction; at most 500.

    A draft that was sent before gets its first receipt again. The states of these families are taken out of `cache` and changed:
    the caller caches `Appended.states` once the transaction has committed. Otherwise they are read again.

    Raises:
        NotFound: one of the families has no log.
    """
    batch = Batch(connection, now, cache)
    if await batch.take(requests, heads.take_heads):
        raise NotFound
    return await _append(batch, requests)


async def append_where_free(
    connection: Any, requests: Sequence[AppendRequest], *, now: datetime, cache: FamilyCache, held_max: int | None
) -> Appended:
    """Does what `append` does, but only for families that no other transaction holds, so that one family does not stop another.

    Raises:
        NotFound: one of the families has no log.
        TooLong: more than `held_max` events are held from a member that an act concerns.
    """
    batch = Batch(connection, now, cache)
    locked = await batch.take(requests, heads.take_free_heads)
    if not locked:
        return await _append(batch, requests, held_max)
    if await heads.having_heads(connection, locked) != locked:
        raise NotFound
    appended = await _append(batch, [request for request in requests if request.family not in locked], held_max)
    written = iter(appended.receipts)
    receipts = [FamilyLocked() if request.family in locked else next(written) for request in requests]
    return msgspec.structs.replace(appended, receipts=receipts)


async def _append(batch: Batch, requests: Sequence[AppendRequest], held_max: int | None = None) -> Appended:
    """Appends requests of families whose heads the batch has taken."""
    await prefetch(batch.connection, batch.families, requests, held_max)
    await batch.sharing.look_up(batch.connection, batch.families, requests)
    late = await ledger.overtaken(batch.connection, requests)
    receipts: list[Outcome] = []
    for number, request in enumerate(requests):
        receipts.append(Overtaken() if number in late else await batch.decide(request))
        if request.may_wait:
            await asyncio.sleep(0)  # others' requests are answered meanwhile
    await batch.write()
    await batch.give_back()
    return Appended(
        receipts,
        {family: one.head.log for family, one in batch.families.items()},
        {family: one.delivered_to for family, one in batch.families.items() if one.delivered_to},
        {family: one.state() for family, one in batch.families.items()},
    )
