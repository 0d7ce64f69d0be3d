"""Reads what a batch of drafts may repeat, refer to or free, and the history that a fold needs. One query reads many rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from events.event import Audience, Event
from events.ids import ClipId, EventId, FamilyId, MemberId, Seq
from events.kinds import SIGHTING_CHANGES, SIGHTINGS, TELLING
from events.upcast import event_of_bytes
from projections.first_saw import Sighting
from projections.fold import Need, NeedEvents, NeedHistory, NeedSightings
from projections.joining_history import History
from projections.logged_event import DescribedEvent, LoggedEvent, Subject
from projections.surprise_state import SurpriseState, subjects_showing
from service.background import off_loop
from service.log.store.codec import decode_held, decode_sighting
from service.postgres.queries import load

QUERIES: Final = load(__package__, "read.sql")

Whose = tuple[FamilyId, MemberId]

REFERENCES_MAX: Final = 200
"""The maximum of references that are followed from one event to the next. No family writes so many replies to replies."""


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of the log with an id that a draft repeats or refers to."""

    logged: LoggedEvent
    digest: bytes
    place: int
    """The event's place in its author's feed; 0 if it is not in that feed, because the author has left."""


async def stored_events(
    connection: Any, wanted: Collection[tuple[FamilyId, EventId, MemberId]]
) -> list[tuple[FamilyId, EventId, StoredEvent]]:
    """Returns, for each family, id and member in `wanted`, the events with that id which the member wrote or was sent."""
    return [
        (row[0], row[1], _stored(row))
        for row in await connection.fetch(QUERIES.stored_events, *zip(*wanted, strict=True))
    ]


def _stored(row: Sequence[Any]) -> StoredEvent:
    _, _, author, seq, kind, audience, target_seq, digest, members, places, thread, thread_kind, thread_author, is_found = row
    members = tuple(members or ())
    place = places[members.index(author)] if author in members else 0
    return StoredEvent(
        LoggedEvent(
            seq, author, kind, Audience(audience), target_seq, thread, thread_kind, thread_author, members, is_found
        ),
        digest,
        place,
    )  # fmt: skip


class OwnClip(msgspec.Struct, frozen=True):
    """An upload of a draft's author, and what its cleaned file is."""

    state: str
    media_type: str | None
    length_bytes: int | None
    sha256: bytes | None
    width: int | None
    height: int | None
    length_ms: int | None


async def own_clips(
    connection: Any, wanted: Collection[tuple[FamilyId, MemberId, ClipId]]
) -> list[tuple[FamilyId, MemberId, ClipId, OwnClip]]:
    """Returns those of these clips that are uploads of these members."""
    rows = await connection.fetch(QUERIES.own_clips, *zip(*wanted, strict=True))
    return [(row[0], row[1], row[2], OwnClip(*row[3:])) for row in rows]


async def sightings(
    connection: Any, wanted: Sequence[tuple[FamilyId, Seq, MemberId]]
) -> list[tuple[FamilyId, MemberId, Seq, Sighting]]:
    """Returns the sightings that exist among the wanted ones, each as the wanted member knows it."""
    if not wanted:
        return []
    found = await connection.fetch(QUERIES.sightings, *zip(*wanted, strict=True))
    return await off_loop(len(found), lambda: [(row[0], row[1], row[2], decode_sighting(row[3])) for row in found])


async def subject_histories(
    connection: Any, wanted: Collection[tuple[FamilyId, Seq]]
) -> list[tuple[FamilyId, Seq, Seq, Event[Any]]]:
    """Returns the events that state what these sightings are about: the sightings themselves and their amendments.

    Each has its family, the seq of its sighting, and its own seq.
    """
    if not wanted:
        return []
    found = await connection.fetch(QUERIES.subjects_of, *zip(*wanted, strict=True))
    return [(family, of, seq, event_of_bytes(body, kind=kind, version=version)) for family, of, seq, kind, version, body in found]


async def referred_to(
    connection: Any, wanted: Collection[tuple[FamilyId, Seq]]
) -> list[tuple[FamilyId, Seq, LoggedEvent, Event[Any]]]:
    """Returns, for each wanted family and seq, that event and all that it refers to, directly or not.

    Events of types that reveal nothing are left out. Each event comes after those that refer to it.
    """
    if not wanted:
        return []
    found = await connection.fetch(QUERIES.referred_to, *zip(*wanted, strict=True), REFERENCES_MAX, list(TELLING))
    return [(row[0], row[1], *_with_words(row[2:])) for row in found]


async def sortings(
    connection: Any, wanted: Collection[tuple[FamilyId, Seq, MemberId, Seq]]
) -> list[tuple[FamilyId, MemberId, LoggedEvent, Event[Any]]]:
    """Returns, for each wanted thread, member and seq, the sortings before that seq which the member was sent.

    Each has its family and that member.
    """
    if not wanted:
        return []
    found = await connection.fetch(QUERIES.sortings, *zip(*wanted, strict=True))
    return [(row[0], row[1], *_with_words(row[2:])) for row in found]


def _with_words(row: Sequence[Any]) -> tuple[LoggedEvent, Event[Any]]:
    seq, kind, version, body, target_seq, *thread = row
    event = event_of_bytes(body, kind=kind, version=version)
    return LoggedEvent(seq, event.author, kind, event.audience, target_seq, *thread), event


async def needed(connection: Any, family: FamilyId, need: Need) -> Any:
    """Returns the answer to a need of a fold, read from the log and the projections' rows."""
    match need:
        case NeedEvents(seqs=seqs):
            return await events_at(connection, family, seqs)
        case NeedSightings(member=member, seqs=seqs):
            return {seq: sighting for _, _, seq, sighting in await sightings(connection, [(family, seq, member) for seq in seqs])}
        case NeedHistory(before=before, is_whole=is_whole):
            return await history(connection, family, before=before, is_whole=is_whole)


async def events_at(connection: Any, family: FamilyId, seqs: Sequence[Seq]) -> dict[Seq, tuple[Event[Any], bytes]]:
    """Returns the events at these seqs of a family's log, each with its commitment."""
    found = await connection.fetch(QUERIES.events_at, family, seqs)
    return await off_loop(
        len(found), lambda: {row[0]: (event_of_bytes(row[4], kind=row[1], version=row[2]), row[3]) for row in found}
    )


async def history(connection: Any, family: FamilyId, *, before: Seq, is_whole: bool) -> History:
    """Returns a family's log before a seq, for a member who joins at that seq.

    `is_whole`: whether the bodies of all events are read, or only of those that make or change a sighting. The bodies of events
    for their author alone are never read.
    """
    past = await connection.fetch(QUERIES.history, family, before)
    words = await connection.fetch(QUERIES.history_of_sightings, family, before, is_whole, list(SIGHTINGS | SIGHTING_CHANGES))
    return await off_loop(len(past), _history, past, words)


def _history(past: Sequence[Any], words: Sequence[Any]) -> History:
    return History(
        logged=[
            LoggedEvent(seq, author, kind, Audience(audience), target_seq, thread, past[thread - 1][2], past[thread - 1][1])
            for seq, author, kind, audience, target_seq, _, thread in past
        ],
        commitments=[row[5] for row in past],
        events={row[0]: event_of_bytes(row[3], kind=row[1], version=row[2]) for row in words},
    )


async def load_met(
    connection: Any, wanted: Mapping[Whose, tuple[SurpriseState, Collection[Subject]]]
) -> None:
    """Reads into the states the members' own sightings that show whether they have met these subjects, or what these imply."""
    states = {
        (*whose, *showing): state
        for whose, (state, subjects) in wanted.items()
        for subject in subjects
        for showing in subjects_showing(subject)
    }
    if not states:
        return
    for family, member, seq, body in await connection.fetch(QUERIES.sightings_of, *zip(*states, strict=True)):
        wanted[family, member][0].met.see(seq, decode_sighting(body))


async def families_with_more_held(connection: Any, wanted: Collection[Whose], *, than: int) -> set[FamilyId]:
    """Returns the families in which more than `than` events are held from a wanted member. `wanted` has at least one member."""
    return {row[0] for row in await connection.fetch(QUERIES.more_held, *zip(*wanted, strict=True), than)}


async def load_whole(connection: Any, wanted: Mapping[Whose, SurpriseState]) -> None:
    """Reads into the states all events that are held from these members, and all subjects that they have met."""
    if not wanted:
        return
    held = await connection.fetch(QUERIES.held, *zip(*wanted, strict=True))
    own = await own_sightings(connection, wanted)
    await off_loop(len(held) + len(own), _fill, wanted, held, own)


def _fill(
    wanted: Mapping[Whose, SurpriseState], held: Iterable[Any], own: Iterable[tuple[FamilyId, MemberId, Seq, Sighting]]
) -> None:
    events: dict[Whose, list[DescribedEvent]] = {whose: [] for whose in wanted}
    for family, member, body in held:
        events[family, member].append(decode_held(body))
    for family, member, seq, sighting in own:
        wanted[family, member].met.see(seq, sighting)
    for whose, state in wanted.items():
        state.holds.fill(events[whose])


async def own_sightings(
    connection: Any, wanted: Collection[Whose]
) -> list[tuple[FamilyId, MemberId, Seq, Sighting]]:
    """Returns all own sightings of these members, in their present version."""
    if not wanted:
        return []
    found = await connection.fetch(QUERIES.own_sightings, *zip(*wanted, strict=True))
    return await off_loop(len(found), lambda: [(row[0], row[1], row[2], decode_sighting(row[3])) for row in found])
