"""Speaks to Postgres for the append: sets in, sets out. Decides nothing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from events.event import Audience
from events.ids import EventId, FamilyId, LogId, MemberId, Seq
from events.wire import event_of_bytes
from projections.first_saw import Sighting
from projections.fold import Folding, History
from projections.visibility import Past
from service.log.recorded import Recorded
from service.log.state import Head
from service.postgres.queries import load

QUERIES = load(__package__, "append.sql")

# JSON, because MessagePack has no place for a time's offset from UTC, which its sender chose.
encode_sighting = msgspec.json.Encoder().encode
decode_sighting = msgspec.json.Decoder(Sighting).decode


class Known(msgspec.Struct, frozen=True):
    """An event of the log which has an id that was asked for."""

    family: FamilyId
    event: EventId
    author: MemberId
    seq: Seq
    kind: str
    audience: str
    target_seq: Seq | None
    digest: bytes
    members: list[MemberId] | None
    """Whom it was told to; None where that is nobody."""
    places: list[int] | None
    """In the members' feeds, in the same order."""

    def as_recorded(self) -> Recorded:
        """What admission asks of it. Who left was not told of that themselves: their place of it is 0."""
        told = dict(zip(self.members or (), self.places or (), strict=True))
        return Recorded(
            author=self.author,
            digest=self.digest,
            place=told.get(self.author, 0),
            seq=self.seq,
            kind=self.kind,
            audience=Audience(self.audience),
            target_seq=self.target_seq,
            told=told,
        )


async def take_heads(connection: Any, counts: Mapping[FamilyId, int]) -> dict[FamilyId, Head]:
    """Lock heads and raise them; gives each as it stood before."""
    heads = await connection.fetch(QUERIES.take_heads, list(counts), list(counts.values()))
    return {row[0]: Head(row[1], row[2], row[3]) for row in heads}


async def give_back(connection: Any, counts: Mapping[FamilyId, int]) -> None:
    """Lower heads that this transaction holds."""
    await connection.execute(QUERIES.give_back, list(counts), list(counts.values()))


async def open_family(connection: Any, family: FamilyId, *, log: LogId, at: datetime) -> None:
    """Add a head row."""
    await connection.execute(QUERIES.open_family, family, log, at)


async def known(connection: Any, asked: Collection[tuple[FamilyId, EventId]]) -> list[Known]:
    """The events that have these ids, of whichever author."""
    if not asked:
        return []
    families, ids = zip(*asked, strict=True)
    return [Known(*row) for row in await connection.fetch(QUERIES.known, families, ids)]


async def sightings(
    connection: Any, asked: Sequence[tuple[FamilyId, Seq, MemberId]]
) -> list[tuple[FamilyId, MemberId, Seq, Sighting]]:
    """The sightings, of those asked for, that there are."""
    if not asked:
        return []
    found = await connection.fetch(QUERIES.sightings, *zip(*asked, strict=True))
    return [(row[0], row[1], row[2], decode_sighting(row[3])) for row in found]


async def history(connection: Any, family: FamilyId, *, before: Seq) -> History:
    """A family's log before one seq, as far as somebody who joins there may be told of it."""
    past = await connection.fetch(QUERIES.history, family, before)
    seen = await connection.fetch(QUERIES.history_of_sightings, family, before)
    return History(
        past=[Past(seq=row[0], author=row[1], kind=row[2], audience=Audience(row[3]), target_seq=row[4]) for row in past],
        commitments=[row[5] for row in past],
        events={row[0]: event_of_bytes(row[3], kind=row[1], version=row[2]) for row in seen},
    )


EVENT_COLUMNS = (
    "family_id", "seq", "event_id", "author_id", "kind", "version", "audience", "target_seq", "received_at",
    "digest", "commitment", "salt", "body",
)  # fmt: skip
RUN_COLUMNS = (
    "family_id", "member_id", "first_place", "first_seq", "length", "released", "told_at", "chain_before", "chain",
)  # fmt: skip
SIGHTING_COLUMNS = ("family_id", "member_id", "seq", "body")

COPIED_FROM: Final = 24
"""Rows. asyncpg asks of every element of an array whether it is an array itself, 0.3 us each, which a COPY spares; but a COPY
costs a round trip more."""


async def _add(connection: Any, table: str, columns: tuple[str, ...], insert: str, new: Sequence[tuple[Any, ...]]) -> None:
    if len(new) >= COPIED_FROM:
        await connection.copy_records_to_table(table, records=new, columns=columns)
    elif new:
        await connection.execute(insert, *zip(*new, strict=True))


async def add_events(connection: Any, new: Sequence[tuple[Any, ...]]) -> None:
    """Add events; each is a row in the order of `EVENT_COLUMNS`."""
    await _add(connection, "event", EVENT_COLUMNS, QUERIES.add_events, new)


async def put_feeds(connection: Any, foldings: Mapping[FamilyId, Folding], *, after_seq: Mapping[FamilyId, int]) -> None:
    """Write the runs and sightings that changed, and mark them as written.

    What begins after `after_seq`, where the last writing ended, is new and is copied in; the rest is put over its row.
    """
    await _put_runs(connection, foldings, after_seq)
    await _put_sightings(connection, foldings, after_seq)
    for folding in foldings.values():
        folding.changed_sightings.clear()
        for tail in folding.tails.values():
            tail.changed.clear()


async def _put_runs(connection: Any, foldings: Mapping[FamilyId, Folding], after_seq: Mapping[FamilyId, int]) -> None:
    new: list[tuple[Any, ...]] = []
    grown: list[tuple[Any, ...]] = []
    for family, folding in foldings.items():
        for tail in folding.tails.values():
            for run in tail.changed.values():
                row = (family, tail.member, *msgspec.structs.astuple(run))
                (new if run.first_seq > after_seq[family] and run.told_at is None else grown).append(row)
    if len(new) < COPIED_FROM:  # then one round trip serves both
        new, grown = [], new + grown
    await _add(connection, "feed_run", RUN_COLUMNS, QUERIES.put_runs, new)
    if grown:
        await connection.execute(QUERIES.put_runs, *zip(*grown, strict=True))


async def _put_sightings(connection: Any, foldings: Mapping[FamilyId, Folding], after_seq: Mapping[FamilyId, int]) -> None:
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    gone: list[tuple[Any, ...]] = []
    for family, folding in foldings.items():
        for seq, by_member in folding.changed_sightings.items():
            encoded: dict[int, bytes] = {}
            for member, sighting in by_member.items():
                if sighting is None:
                    gone.append((family, member, seq))
                    continue
                if id(sighting) not in encoded:
                    encoded[id(sighting)] = encode_sighting(sighting)
                (new if seq > after_seq[family] else changed).append((family, member, seq, encoded[id(sighting)]))
    if len(new) < COPIED_FROM:
        new, changed = [], new + changed
    await _add(connection, "sighting", SIGHTING_COLUMNS, QUERIES.put_sightings, new)
    if changed:
        await connection.execute(QUERIES.put_sightings, *zip(*changed, strict=True))
    if gone:
        await connection.execute(QUERIES.drop_sightings, *zip(*gone, strict=True))
