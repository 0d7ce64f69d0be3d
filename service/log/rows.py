"""Speaks to Postgres for the append: sets in, sets out. Decides nothing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from events.amend import Amended
from events.event import Audience, Event
from events.ids import EventId, FamilyId, LogId, MemberId, Seq
from events.wire import event_of_bytes
from projections.first_saw import Sighting
from projections.fold import Folding
from projections.history import History
from projections.past import Past
from projections.subjects import Had, had_after, had_of
from service.log.recorded import Recorded
from service.log.sighting_bytes import decode_sighting, encode_sighting, own_subject
from service.log.state import Head
from service.log.waiting_rows import put_waiting
from service.postgres.queries import load

QUERIES = load(__package__, "append.sql")


class Known(msgspec.Struct, frozen=True, gc=False):
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
    thread: Seq
    thread_kind: str
    is_sorted: bool
    """Somebody said what its thread is about."""
    is_found: bool
    """A milestone that was found in a daycare's words."""

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
            thread=self.thread,
            thread_kind=self.thread_kind,
            told=told,
            is_found=self.is_found,
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


async def known(connection: Any, asked: Collection[tuple[FamilyId, EventId, MemberId]]) -> list[Known]:
    """The events that have these ids and that whoever asks wrote or was told of, each once for each who asks."""
    if not asked:
        return []
    return [Known(*row) for row in await connection.fetch(QUERIES.known, *zip(*asked, strict=True))]


async def sightings(
    connection: Any, asked: Sequence[tuple[FamilyId, Seq, MemberId]]
) -> list[tuple[FamilyId, MemberId, Seq, Sighting]]:
    """The sightings, of those asked for, that there are."""
    if not asked:
        return []
    found = await connection.fetch(QUERIES.sightings, *zip(*asked, strict=True))
    return [(row[0], row[1], row[2], decode_sighting(row[3])) for row in found]


async def had(connection: Any, asked: Collection[tuple[FamilyId, Seq]]) -> dict[tuple[FamilyId, Seq], Had]:
    """What these sightings were ever said to be about."""
    if not asked:
        return {}
    found: dict[tuple[FamilyId, Seq], Had] = {}
    for family, of, _, kind, version, body in await connection.fetch(QUERIES.said_of, *zip(*asked, strict=True)):
        event = event_of_bytes(body, kind=kind, version=version)
        said = event.event
        found[family, of] = had_after(found[family, of], said) if isinstance(said, Amended) else had_of(event)
    return found


async def events_at(connection: Any, family: FamilyId, seqs: Sequence[Seq]) -> dict[Seq, tuple[Event[Any], bytes]]:
    """Events with their commitments."""
    found = await connection.fetch(QUERIES.events_at, family, seqs)
    return {row[0]: (event_of_bytes(row[4], kind=row[1], version=row[2]), row[3]) for row in found}


async def history(connection: Any, family: FamilyId, *, before: Seq, whole: bool) -> History:
    """A family's log before one seq, as far as somebody who joins there may be told of it; `whole`: with all its words."""
    past = await connection.fetch(QUERIES.history, family, before)
    seen = await connection.fetch(QUERIES.history_of_sightings, family, before, whole)
    return History(
        past=[
            Past(
                seq=row[0],
                author=row[1],
                kind=row[2],
                audience=Audience(row[3]),
                target_seq=row[4],
                thread=row[6],
                thread_kind=past[row[6] - 1][2],
            )
            for row in past
        ],
        commitments=[row[5] for row in past],
        events={row[0]: event_of_bytes(row[3], kind=row[1], version=row[2]) for row in seen},
    )


EVENT_COLUMNS = (
    "family_id", "seq", "event_id", "author_id", "kind", "version", "audience", "target_seq", "received_at",
    "digest", "commitment", "salt", "body", "thread_seq",
)  # fmt: skip
RUN_COLUMNS = (
    "family_id", "member_id", "first_place", "first_seq", "length", "released", "told_at", "chain_before", "chain",
    "hint", "seqs",
)  # fmt: skip
SIGHTING_COLUMNS = ("family_id", "member_id", "seq", "body", "child_id", "milestone")

BRACES: Final = str.maketrans("[]", "{}")

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
    """Write the runs, the sightings and what is held, as far as it changed, and mark it as written.

    What begins after `after_seq`, where the last writing ended, is new and is copied in; the rest is put over its row.
    """
    await _put_runs(connection, foldings, after_seq)
    await _put_sightings(connection, foldings, after_seq)
    await put_waiting(connection, foldings)
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
        *columns, lists = zip(*grown, strict=True)
        await connection.execute(QUERIES.put_runs, *columns, [seqs and str(list(seqs)).translate(BRACES) for seqs in lists])


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
                row = (family, member, seq, encoded[id(sighting)], *own_subject(sighting, member))
                (new if seq > after_seq[family] else changed).append(row)
    if len(new) < COPIED_FROM:
        new, changed = [], new + changed
    await _add(connection, "sighting", SIGHTING_COLUMNS, QUERIES.put_sightings, new)
    if changed:
        await connection.execute(QUERIES.put_sightings, *zip(*changed, strict=True))
    if gone:
        await connection.execute(QUERIES.drop_sightings, *zip(*gone, strict=True))
