"""Replays one family: folds its log from the first event, and compares the stored rows with the folded rows.

Replaces the stored rows on request. Owns the comparison. The append runs the same fold.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from events.ids import FamilyId, MemberId, Place, Seq
from events.upcast import event_of_bytes
from projections import roster
from projections.changes import Change, Held, RosterSet, SightingSet, WishesSet
from projections.family import Family
from projections.feed import FeedWriter, Run
from projections.first_saw import Sighting
from projections.fold import Folded, NeedSightings, NewEvent, advance, fold
from projections.roster import Roster
from service.log.store import read
from service.log.store.codec import decode_held_row, decode_sighting, decode_wishes
from service.log.store.families import read_roster, run_of_row
from service.log.store.write import PendingRows, at_most_days_of, encode_sighting, held_row, is_name, own_subject
from service.postgres.queries import load

EVENTS_PER_PAGE: Final = 5_000
DIFFERENCES_SHOWN: Final = 20

QUERIES = load(__package__, "replay.sql")


class Difference(msgspec.Struct, frozen=True):
    """A difference between a stored row and the folded row. Contains ids and places in feeds only: no names, no words."""

    family: FamilyId
    table: str
    key: str
    what: str


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a replay."""

    families: int = 0
    events: int = 0
    differences: tuple[Difference, ...] = ()
    """At most `DIFFERENCES_SHOWN` differences of each family."""

    def __add__(self, other: "ReplayResult") -> "ReplayResult":
        return ReplayResult(
            families=self.families + other.families,
            events=self.events + other.events,
            differences=self.differences + other.differences,
        )


class FoldedLog:
    """A family and its members' feeds after the fold of the family's whole log."""

    def __init__(self, family: FamilyId) -> None:
        self.id = family
        self.family = Family()
        self.feeds = FeedWriter(family, {})
        self._runs: dict[MemberId, list[Run]] | None = None

    def runs(self) -> dict[MemberId, list[Run]]:
        """Returns all runs of all feeds, by member."""
        if self._runs is None:
            self._runs = self.feeds.take_changed()
        return self._runs

    def runs_by_place(self) -> dict[tuple[MemberId, Place], Run]:
        """Returns all runs of all feeds, by member and by the run's first place in the feed."""
        return {(member, run.first_place): run for member, runs in self.runs().items() for run in runs}

    def all_changes(self) -> Iterator[Change]:
        """Yields the changes that turn an empty family into this family. Leaves out the feeds."""
        yield RosterSet(self.family.roster)
        for seq, known in self.family.sightings.items():
            for member, sighting in known.items():
                yield SightingSet(seq, (member,), sighting)
        for member, state in self.family.surprises.items():
            yield WishesSet(member, state.wishes)
            for described in state.holds.events.values():
                yield Held(member, described)


async def replay_family(connection: Any, family: FamilyId, *, swap: bool) -> ReplayResult:
    """Folds the log of one family again, and compares the stored rows with the folded rows.

    If `swap` is true and a row differs, replaces all rows of the family's projections by the folded rows.

    Raises:
        LookupError: the log has a gap, or an event of a version that this release does not know.
    """
    if swap:
        async with connection.transaction():
            return await _replay(connection, family, QUERIES.hold_head, swap=True)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _replay(connection, family, QUERIES.head, swap=False)


async def _replay(connection: Any, family: FamilyId, head: str, *, swap: bool) -> ReplayResult:
    last = await connection.fetchval(head, family)
    folded = await fold_log(connection, family, last=last)
    differences = await _compare(connection, folded)
    if swap and differences:
        await _swap(connection, folded)
    return ReplayResult(families=1, events=last, differences=tuple(differences[:DIFFERENCES_SHOWN]))


async def fold_log(connection: Any, family: FamilyId, *, last: int) -> FoldedLog:
    """Folds a family's log from seq 1 to `last`. Returns the family after the last event, with all runs of its members' feeds.

    Raises:
        LookupError: a seq is missing.
    """
    folded = FoldedLog(family)
    page: list[Any] = []
    for seq in range(1, last + 1):
        at = (seq - 1) % EVENTS_PER_PAGE
        if at == 0:
            page = await connection.fetch(QUERIES.events, family, seq - 1, EVENTS_PER_PAGE)
        if at >= len(page) or page[at][0] != seq:
            raise LookupError(f"the log of family {family} has no event {seq}, though its head says {last}")
        _, kind, version, target_seq, commitment, body = page[at]
        new = NewEvent(Seq(seq), event_of_bytes(body, kind=kind, version=version), commitment, target_seq)
        folding = fold(folded.family, new)
        reached = advance(folding)
        while not isinstance(reached, Folded):
            # No sightings are read: the family already contains those of all members.
            answer = {} if isinstance(reached, NeedSightings) else await read.needed(connection, family, reached)
            reached = advance(folding, answer)
        folded.feeds.apply(reached.changes, author=new.event.author)
    return folded


async def _compare(connection: Any, folded: FoldedLog) -> list[Difference]:
    family, sightings = folded.id, folded.family.sightings
    differences = await _compare_rosters(connection, family, folded.family.roster)
    differences += await _compare_surprises(connection, folded)
    runs = {(row[0], row[1]): run_of_row(row) for row in await connection.fetch(QUERIES.runs, family)}
    differences += _compare_maps(family, "feed_run", runs, folded.runs_by_place())
    stored = await connection.fetch(QUERIES.sightings, family)
    if _are_all(stored, sightings):
        return differences
    fresh = {(member, seq): sighting for seq, known in sightings.items() for member, sighting in known.items()}
    live: dict[Any, Any] = {(member, seq): (body, own) for seq, member, body, *own in stored}
    for (member, seq), sighting in fresh.items():
        body, own = live.get((member, seq), (None, None))
        if body is not None and tuple(own) == own_subject(sighting, member) and _is_row_of(body, sighting):
            live[member, seq] = sighting
    return differences + _compare_maps(family, "sighting", live, fresh)


def _are_all(stored: Sequence[Any], sightings: Mapping[Seq, Mapping[MemberId, Sighting]]) -> bool:
    """Returns whether the stored rows are exactly the folded sightings.

    A sighting that several members share is encoded once for all of them.
    """
    if len(stored) != sum(map(len, sightings.values())):
        return False
    before, body_before = None, b""
    for seq, member, body, *own in stored:
        sighting = sightings[seq].get(member) if seq in sightings else None
        if sighting is None or tuple(own) != own_subject(sighting, member):
            return False
        if not ((sighting is before and body == body_before) or _is_row_of(body, sighting)):
            return False
        before, body_before = sighting, body
    return True


def _is_row_of(body: bytes, sighting: Sighting) -> bool:
    """Returns whether a row contains this sighting. Compares decoded values, because a map may be encoded in another order."""
    if body == encode_sighting(sighting):
        return True
    try:
        return decode_sighting(body) == sighting
    except msgspec.DecodeError:  # a damaged row counts as a difference, which the replay has to find
        return False


async def _compare_surprises(connection: Any, folded: FoldedLog) -> list[Difference]:
    """Compares the stored choices and held events with the folded choices and held events.

    Compares decoded values and not bytes.
    """
    family, states = folded.id, folded.family.surprises
    stored = {row[0]: (row[1], _read(decode_wishes, row[2])) for row in await connection.fetch(QUERIES.waiting, family)}
    fresh = {member: (at_most_days_of(state.wishes), state.wishes) for member, state in states.items()}
    held = {
        (row[0], row[1]): (*row[2:4], _read(decode_held_row, row[4])) for row in await connection.fetch(QUERIES.held, family)
    }
    fresh_held = {
        (member, seq): (described.received_at, is_name(described), held_row(described))
        for member, state in states.items()
        for seq, described in state.holds.events.items()
    }
    return _compare_maps(family, "waiting", stored, fresh) + _compare_maps(family, "held", held, fresh_held)


def _read(decode: Callable[[bytes], Any], body: bytes) -> Any:
    """Returns the decoded row, or None if the row is damaged. None differs from every folded value."""
    try:
        return decode(body)
    except msgspec.DecodeError:
        return None


async def _compare_rosters(connection: Any, family: FamilyId, folded: Roster) -> list[Difference]:
    try:
        kept = await read_roster(connection, family)
    except ValueError:  # only a domain can be wrong: the schema checks all other values of a roster
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


async def _swap(connection: Any, folded: FoldedLog) -> None:
    for drop in ("households", "children", "members", "own_milestones", "runs", "sightings", "waiting", "held"):
        await connection.execute(QUERIES[f"drop_{drop}"], folded.id)
    await connection.execute(QUERIES.note_mended, folded.id)
    rows = PendingRows()
    rows.add(folded.id, folded.all_changes())
    rows.runs[folded.id] = folded.runs()
    await rows.write(connection, written={folded.id: (0, roster.EMPTY)})
