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
from projections.joining_history import History
from projections.logged_event import Past
from projections.subjects import Had, had_after, had_of, thought_of
from service.background import in_turns, off_loop
from service.log.family_cache import Head
from service.log.recorded import Recorded
from service.log.sighting_bytes import decode_sighting, encode_sighting, own_subject
from service.log.waiting_rows import put_waiting
from service.postgres.combine_statements import ROWS_AT_ONCE, Statement, of_rows, together
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
    thread_author: MemberId
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
            thread_author=self.thread_author,
            told=told,
            is_found=self.is_found,
        )


class Spoken(msgspec.Struct, frozen=True, gc=False):
    """An event that another one refers to, directly or not, or is."""

    family: FamilyId
    of: Seq
    """The one that was asked for."""
    seq: Seq
    event: Event[Any]
    target_seq: Seq | None
    thread: Seq
    thread_kind: str
    thread_author: MemberId


HOPS_MAX: Final = 200
"""References from one event to the next that are followed: no family answers answers so often."""


async def take_heads(connection: Any, counts: Mapping[FamilyId, int]) -> dict[FamilyId, Head]:
    """Lock heads and raise them; gives each as it stood before."""
    heads = await connection.fetch(QUERIES.take_heads, list(counts), list(counts.values()))
    return {row[0]: Head(row[1], row[2], row[3]) for row in heads}


async def take_free_heads(connection: Any, counts: Mapping[FamilyId, int]) -> dict[FamilyId, Head]:
    """As `take_heads`, without those families that another transaction has locked."""
    heads = await connection.fetch(QUERIES.take_free_heads, list(counts), list(counts.values()))
    return {row[0]: Head(row[1], row[2], row[3]) for row in heads}


async def having_heads(connection: Any, families: Collection[FamilyId]) -> set[FamilyId]:
    """Those of these families that have a log."""
    return {row[0] for row in await connection.fetch(QUERIES.having_heads, list(families))}


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
    return await off_loop(len(found), lambda: [(row[0], row[1], row[2], decode_sighting(row[3])) for row in found])


async def had(connection: Any, asked: Collection[tuple[FamilyId, Seq]]) -> dict[tuple[FamilyId, Seq], Had]:
    """What these sightings were ever said to be about."""
    if not asked:
        return {}
    found: dict[tuple[FamilyId, Seq], Had] = {}
    for family, of, seq, kind, version, body in await connection.fetch(QUERIES.said_of, *zip(*asked, strict=True)):
        event = event_of_bytes(body, kind=kind, version=version)
        is_amendment = isinstance(event.event, Amended)
        found[family, of] = had_after(found[family, of], thought_of(seq, event)) if is_amendment else had_of(event)
    return found


async def spoken(connection: Any, asked: Collection[tuple[FamilyId, Seq]]) -> list[Spoken]:
    """What these events, and all that they refer to, can tell: each event after those that refer to it."""
    if not asked:
        return []
    found = await connection.fetch(QUERIES.spoken, *zip(*asked, strict=True), HOPS_MAX)
    return [Spoken(row[0], row[1], row[2], event_of_bytes(row[5], kind=row[3], version=row[4]), *row[6:]) for row in found]


async def sortings(
    connection: Any, asked: Collection[tuple[FamilyId, Seq, MemberId, Seq]]
) -> list[tuple[FamilyId, Seq, MemberId, Seq, Seq, Event[Any]]]:
    """Returns family, thread, member, seq, target and event of the sortings in a thread before a seq that the member was sent."""
    if not asked:
        return []
    found = await connection.fetch(QUERIES.sortings, *zip(*asked, strict=True))
    return [(*row[:5], event_of_bytes(row[6], kind="Sorted", version=row[5])) for row in found]


async def events_at(connection: Any, family: FamilyId, seqs: Sequence[Seq]) -> dict[Seq, tuple[Event[Any], bytes]]:
    """Events with their commitments."""
    found = await connection.fetch(QUERIES.events_at, family, seqs)
    return await off_loop(
        len(found), lambda: {row[0]: (event_of_bytes(row[4], kind=row[1], version=row[2]), row[3]) for row in found}
    )


async def history(connection: Any, family: FamilyId, *, before: Seq, whole: bool) -> History:
    """A family's log before one seq, as far as somebody who joins there may be told of it; `whole`: with all its words."""
    past = await connection.fetch(QUERIES.history, family, before)
    seen = await connection.fetch(QUERIES.history_of_sightings, family, before, whole)
    return await off_loop(len(past), _history, past, seen)


def _history(past: Sequence[Any], seen: Sequence[Any]) -> History:
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
                thread_author=past[row[6] - 1][1],
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


async def put(
    connection: Any,
    new: Sequence[tuple[Any, ...]],
    foldings: Mapping[FamilyId, Folding],
    *,
    after_seq: Mapping[FamilyId, int],
    beside: Sequence[Statement] = (),
) -> None:
    """Write new events, each a row in the order of `EVENT_COLUMNS`; of feeds whatever changed, which counts as written then.

    What begins after `after_seq`, where the last writing ended, is new, and copied in if it is much; the rest is put over its
    row. All that is not much goes in one round trip, with what the caller wants to have written `beside`.
    """
    waits, left = await off_loop(_size(foldings), put_waiting, foldings)
    few = [
        *await _added(connection, "event", EVENT_COLUMNS, QUERIES.add_events, new),
        *await _put_runs(connection, foldings, after_seq),
        *await _put_sightings(connection, foldings, after_seq),
        *waits,
        *beside,
    ]
    await together(connection, few)
    await together(connection, left)
    for folding in foldings.values():
        folding.changed_sightings.clear()
        for tail in folding.tails.values():
            tail.changed.clear()


async def _added(
    connection: Any, table: str, columns: tuple[str, ...], insert: str, new: Sequence[tuple[Any, ...]]
) -> list[Statement]:
    """Copy rows in, or say what writes them."""
    if len(new) >= COPIED_FROM:
        await connection.copy_records_to_table(table, records=in_turns(new) if len(new) > ROWS_AT_ONCE else new, columns=columns)
        return []
    return of_rows(insert, new)


async def _put_runs(
    connection: Any, foldings: Mapping[FamilyId, Folding], after_seq: Mapping[FamilyId, int]
) -> list[Statement]:
    new: list[tuple[Any, ...]] = []
    grown: list[tuple[Any, ...]] = []
    for family, folding in foldings.items():
        for tail in folding.tails.values():
            for run in tail.changed.values():
                row = (family, tail.member, *msgspec.structs.astuple(run))
                (new if run.first_seq > after_seq[family] and run.told_at is None else grown).append(row)
    if len(new) < COPIED_FROM:  # then one round trip serves both
        new, grown = [], new + grown
    few = await _added(connection, "feed_run", RUN_COLUMNS, QUERIES.put_runs, new)
    if grown:
        *columns, lists = zip(*grown, strict=True)
        few.append((QUERIES.put_runs, [*columns, [seqs and str(list(seqs)).translate(BRACES) for seqs in lists]]))
    return few


async def _put_sightings(
    connection: Any, foldings: Mapping[FamilyId, Folding], after_seq: Mapping[FamilyId, int]
) -> list[Statement]:
    new, changed, gone = await off_loop(_size(foldings), _sighting_rows, foldings, after_seq)
    if len(new) < COPIED_FROM:
        new, changed = [], new + changed
    return [
        *await _added(connection, "sighting", SIGHTING_COLUMNS, QUERIES.put_sightings, new),
        *of_rows(QUERIES.put_sightings, changed),
        *of_rows(QUERIES.drop_sightings, gone),
    ]


def _size(foldings: Mapping[FamilyId, Folding]) -> int:
    """About how many rows have to be made."""
    return sum(
        len(folding.changed_sightings) + sum(len(waits.put) + len(waits.dropped) for waits in folding.keeping.waiting.values())
        for folding in foldings.values()
    )


def _sighting_rows(
    foldings: Mapping[FamilyId, Folding], after_seq: Mapping[FamilyId, int]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """New rows, changed ones, and keys of those that are gone."""
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
    return new, changed, gone
