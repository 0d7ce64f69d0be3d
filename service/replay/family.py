"""Replays one family: folds its log from the first event, compares, and swaps the rows if asked.

Owns the comparison. The fold is the very one that the append runs.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from events.event import Audience
from events.family import MemberJoined
from events.ids import FamilyId, MemberId, Seq
from events.wire import event_of_bytes
from projections import roster
from projections.first_saw import Sighting
from projections.fold import Folding
from projections.logged_event import Target
from projections.roster import Roster
from service.log import rows
from service.log.family_cache import read_roster, run_of_row, write_roster
from service.log.sighting_bytes import decode_sighting, encode_sighting, own_subject
from service.log.waiting_rows import at_most_days_of, case_of_bytes, choices_of, is_name
from service.postgres.queries import load

EVENTS_PER_PAGE: Final = 5_000
DIFFERENCES_SHOWN: Final = 20

QUERIES = load(__package__, "replay.sql")


class Difference(msgspec.Struct, frozen=True):
    """A row that is not what the log says. Ids and places only: no names, no words."""

    family: FamilyId
    table: str
    key: str
    what: str


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found."""

    families: int = 0
    events: int = 0
    differences: tuple[Difference, ...] = ()
    """At most `DIFFERENCES_SHOWN` a family."""

    def __add__(self, other: "ReplayResult") -> "ReplayResult":
        return ReplayResult(
            families=self.families + other.families,
            events=self.events + other.events,
            differences=self.differences + other.differences,
        )


async def replay_family(connection: Any, family: FamilyId, *, swap: bool) -> ReplayResult:
    """Fold one family's log afresh and compare; where `swap` is true and a row differs, put the folded rows in place.

    Raises:
        LookupError: the log has a hole, or holds a version that this release does not know.
    """
    if swap:
        async with connection.transaction():
            return await _replay(connection, family, QUERIES.hold_head, swap=True)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _replay(connection, family, QUERIES.head, swap=False)


async def _replay(connection: Any, family: FamilyId, head: str, *, swap: bool) -> ReplayResult:
    last = await connection.fetchval(head, family)
    folding = await fold(connection, family, last=last)
    differences = await _compare(connection, folding)
    if swap and differences:
        await _swap(connection, folding)
    return ReplayResult(families=1, events=last, differences=tuple(differences[:DIFFERENCES_SHOWN]))


async def fold(connection: Any, family: FamilyId, *, last: int) -> Folding:
    """Fold a log from seq 1 to `last`; the result's `changed_*` are all rows of its feeds and sightings.

    Raises:
        LookupError: a seq is missing.
    """
    folding = Folding(family, roster.EMPTY, {})
    told_by_seq: list[tuple[MemberId, ...]] = []
    page = []
    for seq in range(1, last + 1):
        at = (seq - 1) % EVENTS_PER_PAGE
        if at == 0:
            page = await connection.fetch(QUERIES.events, family, seq - 1, EVENTS_PER_PAGE)
        if at >= len(page) or page[at][0] != seq:
            raise LookupError(f"the log of family {family} has no event {seq}, though its head says {last}")
        _, _, kind, version, _, target_seq, commitment, body, *_ = page[at]
        event = event_of_bytes(body, kind=kind, version=version)
        if isinstance(event.event, MemberJoined) and seq > 1:
            joiner = event.event.member
            history = await rows.history(connection, family, before=Seq(seq), whole=joiner in folding.keeping.waiting)
            for told in folding.welcome(event, joiner, history):
                told_by_seq[told - 1] = (*told_by_seq[told - 1], joiner)
        target = None
        if target_seq is not None:
            target = await _target(connection, family, page, seq - at, target_seq, told_by_seq[target_seq - 1])
        stepped = folding.step(Seq(seq), event, commitment, target)
        told_by_seq.append(stepped.told)
        for release in stepped.releases:
            seqs = [case.seq for case in release.cases]
            folding.release(release, await rows.events_at(connection, family, seqs), event.received_at)
            for freed in seqs:
                told_by_seq[freed - 1] = (*told_by_seq[freed - 1], release.member)
    folding.settle()
    return folding


async def _target(
    connection: Any, family: FamilyId, page: list[Any], first_of_page: int, seq: Seq, told: tuple[MemberId, ...]
) -> Target:
    row = page[seq - first_of_page] if seq >= first_of_page else await connection.fetchrow(QUERIES.events, family, seq - 1, 1)
    return Target(
        seq=seq,
        author=row["author_id"],
        kind=row["kind"],
        audience=Audience(row["audience"]),
        target_seq=row["target_seq"],
        thread=row["thread_seq"],
        thread_kind=row["thread_kind"],
        thread_author=row["thread_author_id"],
        told=told,
    )


async def _compare(connection: Any, folding: Folding) -> list[Difference]:
    family = folding.family
    differences = await _compare_rosters(connection, family, folding.roster)
    differences += await _compare_waiting(connection, folding)
    runs = {(row[0], row[1]): run_of_row(row) for row in await connection.fetch(QUERIES.runs, family)}
    folded_runs = {(tail.member, place): run for tail in folding.tails.values() for place, run in tail.changed.items()}
    differences += _compare_maps(family, "feed_run", runs, folded_runs)
    kept = await connection.fetch(QUERIES.sightings, family)
    if _all_say(kept, folding):
        return differences
    folded = {(member, seq): sighting for seq, known in folding.sightings.items() for member, sighting in known.items()}
    said: dict[Any, Any] = {(member, seq): (body, own) for seq, member, body, *own in kept}
    for (member, seq), sighting in folded.items():
        body, own = said.get((member, seq), (None, None))
        if body is not None and tuple(own) == own_subject(sighting, member) and _says(body, sighting):
            said[member, seq] = sighting
    return differences + _compare_maps(family, "sighting", said, folded)


def _all_say(kept: Sequence[Any], folding: Folding) -> bool:
    """Whether these rows are the folded sightings, each once. Most members know the same, so most bytes are written once."""
    if len(kept) != sum(map(len, folding.sightings.values())):
        return False
    before, body_before = None, b""
    for seq, member, body, *own in kept:
        sighting = folding.sightings[seq].get(member) if seq in folding.sightings else None
        if sighting is None or tuple(own) != own_subject(sighting, member):
            return False
        if not ((sighting is before and body == body_before) or _says(body, sighting)):
            return False
        before, body_before = sighting, body
    return True


def _says(body: bytes, sighting: Sighting) -> bool:
    """Whether a row holds this sighting: in other bytes too, since a map may have been written in another order."""
    if body == encode_sighting(sighting):
        return True
    try:
        return decode_sighting(body) == sighting
    except msgspec.DecodeError:  # a damaged row is what a replay is here to find
        return False


async def _compare_waiting(connection: Any, folding: Folding) -> list[Difference]:
    """Who waits for what, and what is held from whom. Choices and cases are compared as what they say, not as bytes."""
    family, waiting = folding.family, folding.keeping.waiting
    kept = {row[0]: (row[1], _read(choices_of, row[2])) for row in await connection.fetch(QUERIES.waiting, family)}
    folded = {member: (at_most_days_of(waits), waits.choices) for member, waits in waiting.items()}
    held = {(row[0], row[1]): (*row[2:4], _read(case_of_bytes, row[4])) for row in await connection.fetch(QUERIES.held, family)}
    folded_held = {
        (member, seq): (case.since, is_name(case), case) for member, waits in waiting.items() for seq, case in waits.held.items()
    }
    return _compare_maps(family, "waiting", kept, folded) + _compare_maps(family, "held", held, folded_held)


def _read(decode: Callable[[bytes], Any], body: bytes) -> Any:
    """What a row says; None, which no log says, where it is damaged."""
    try:
        return decode(body)
    except msgspec.DecodeError:
        return None


async def _compare_rosters(connection: Any, family: FamilyId, folded: Roster) -> list[Difference]:
    try:
        kept = await read_roster(connection, family)
    except ValueError:  # of all that a roster holds, only this the schema leaves free
        return [Difference(family, "own_milestone", "", "names a domain that there is not")]
    pairs = (
        ("household", kept.households, folded.households),
        ("child", kept.children, folded.children),
        ("member", kept.members, folded.members),
        ("own_milestone", kept.own_milestones, folded.own_milestones),
    )
    return [difference for table, live, fresh in pairs for difference in _compare_maps(family, table, live, fresh)]


def _compare_maps(family: FamilyId, table: str, kept: Any, folded: Any) -> list[Difference]:
    if kept == folded:
        return []
    found = []
    for key in sorted(kept.keys() | folded.keys(), key=str):
        if key not in folded:
            found.append(Difference(family, table, _key(key), "stands there and does not follow from the log"))
        elif key not in kept:
            found.append(Difference(family, table, _key(key), "is missing"))
        elif kept[key] != folded[key]:
            found.append(Difference(family, table, _key(key), "differs from what the log says"))
    return found


def _key(key: Any) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


async def _swap(connection: Any, folding: Folding) -> None:
    for drop in ("households", "children", "members", "own_milestones", "runs", "sightings", "waiting", "held"):
        await connection.execute(QUERIES[f"drop_{drop}"], folding.family)
    await connection.execute(QUERIES.note_mended, folding.family)
    await write_roster(connection, folding.family, before=roster.EMPTY, after=folding.roster)
    await rows.put(connection, [], {folding.family: folding}, after_seq={folding.family: 0})
