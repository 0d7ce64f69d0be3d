"""Adds drafts to the logs of several families in one transaction, and says what became of each.

Owns the order of things: heads first, so that seq follows the order of commit; then every look-up in two sets; then pure
decisions; then rows. Begins and ends no transaction. Everything it reads or writes is a set, never a loop of queries.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.ids import FamilyId, LogId, MemberId
from service.http.problems import NotFound
from service.log import ledger, rows
from service.log.append_request import AppendRequest
from service.log.batch import Batch, Outcome
from service.log.family_cache import FamilyCache, FamilyState
from service.log.ledger import Overtaken
from service.log.locked_families import FamilyLocked
from service.log.prefetch import look_up


class Appended(msgspec.Struct, frozen=True):
    """What became of a batch, once its transaction commits."""

    receipts: list[Outcome]
    """In the order of the offers; none for an author who is no member any more, for who was overtaken by another writer, or where
    the family is locked."""
    logs: dict[FamilyId, LogId]
    told: dict[FamilyId, set[MemberId]]
    """Whose feeds grew."""
    states: dict[FamilyId, FamilyState]
    """To be remembered after the commit, and not before."""


async def append(connection: Any, offers: Sequence[AppendRequest], *, now: datetime, states: FamilyCache) -> Appended:
    """Append offers inside of the caller's transaction; at most 500 drafts.

    A draft that was sent before yields its first receipt again. What `states` remembers of these families is taken out of it and
    changed: the caller keeps `Appended.states` once the transaction has committed, and else they are read again.

    Raises:
        NotFound: one of the families has no log.
    """
    batch = Batch(connection, now, states)
    if await batch.take(offers, rows.take_heads):
        raise NotFound
    return await _append(batch, offers)


async def append_where_free(
    connection: Any, offers: Sequence[AppendRequest], *, now: datetime, states: FamilyCache, held_max: int | None
) -> Appended:
    """As `append`, of those offers alone whose family no other transaction holds: so that one family stops no other.

    Raises:
        NotFound: one of the families has no log.
        TooLong: more than `held_max` events are held from somebody whom an act concerns.
    """
    batch = Batch(connection, now, states)
    locked = await batch.take(offers, rows.take_free_heads)
    if not locked:
        return await _append(batch, offers, held_max)
    if await rows.having_heads(connection, locked) != locked:
        raise NotFound
    appended = await _append(batch, [offer for offer in offers if offer.family not in locked], held_max)
    written = iter(appended.receipts)
    receipts = [FamilyLocked() if offer.family in locked else next(written) for offer in offers]
    return msgspec.structs.replace(appended, receipts=receipts)


async def _append(batch: Batch, offers: Sequence[AppendRequest], held_max: int | None = None) -> Appended:
    """Append offers of families whose heads the batch has taken."""
    await look_up(batch.connection, batch.works, offers, held_max)
    await batch.sharing.look_up(batch.connection, batch.works, offers)
    late = await ledger.overtaken(batch.connection, offers)
    receipts: list[Outcome] = []
    for number, offer in enumerate(offers):
        receipts.append(Overtaken() if number in late else await batch.decide(offer))
        if offer.may_wait:
            await asyncio.sleep(0)  # others' requests are answered meanwhile
    await batch.write()
    await batch.give_back()
    return Appended(
        receipts,
        {family: work.state.head.log for family, work in batch.works.items()},
        {family: work.told for family, work in batch.works.items() if work.told},
        {
            family: FamilyState(
                msgspec.structs.replace(work.state.head, seq=work.seq),
                work.folding.roster,
                work.folding.last_runs(),
                work.folding.keeping.waiting,
            )
            for family, work in batch.works.items()
        },
    )
