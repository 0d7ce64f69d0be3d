"""Writes events, and the changes that they make to the projections: collects the rows first, then writes all in one round trip.

Owns the rows, and the bytes in them. The module `codec` decodes these bytes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from events.ids import ChildId, FamilyId, MemberId, Seq
from projections.changes import (
    Change,
    Delivered,
    Held,
    LetGo,
    Released,
    RosterSet,
    SightingGone,
    SightingSet,
    SurprisesForgotten,
    WishesSet,
)
from projections.feed import Run
from projections.first_saw import Sighting
from projections.logged_event import DescribedEvent
from projections.roster import Roster
from projections.surprise_state import Wishes
from service.background import WORTH_IT, in_turns, off_loop
from service.log.store.codec import HeldRow
from service.postgres.pool import ROWS_AT_ONCE, Row, Statement, of_rows, together
from service.postgres.queries import load

QUERIES: Final = load(__package__, "write.sql")

EVENT_COLUMNS: Final = (
    "family_id", "seq", "event_id", "author_id", "kind", "version", "audience", "target_seq", "received_at",
    "digest", "commitment", "salt", "body", "thread_seq",
)  # fmt: skip
RUN_COLUMNS: Final = (
    "family_id", "member_id", "first_place", "first_seq", "length", "released", "told_at", "chain_before", "chain",
    "hint", "seqs",
)  # fmt: skip
SIGHTING_COLUMNS: Final = ("family_id", "member_id", "seq", "body", "child_id", "milestone")

BRACES: Final = str.maketrans("[]", "{}")

COPIED_FROM: Final = 24
"""The smallest number of rows for which a COPY is faster than an INSERT with arrays. A COPY costs one more round trip. But for
arrays, asyncpg checks of every element whether it is an array itself, which takes 0.3 us an element."""

_encode: Final = msgspec.json.Encoder().encode
"""The encoder of stored bytes. JSON, because MessagePack loses a time's offset from UTC."""
encode_sighting: Final = _encode

Place = tuple[FamilyId, MemberId, Seq]


class PendingRows:
    """The rows to be written. A row that has changed several times is written once, in its last state."""

    def __init__(self) -> None:
        self.events: list[Row] = []
        """The rows of events, each in the order of `EVENT_COLUMNS`."""
        self.attachments: list[Row] = []
        """The family, the clip and the seq of each event that attaches a clip."""
        self.runs: dict[FamilyId, Mapping[MemberId, Sequence[Run]]] = {}
        self._sightings: defaultdict[tuple[FamilyId, Seq], dict[MemberId, Sighting | None]] = defaultdict(dict)
        self._held: dict[Place, DescribedEvent | None] = {}
        self._wishes: dict[tuple[FamilyId, MemberId], Wishes | None] = {}
        self.rosters: dict[FamilyId, Roster] = {}
        """The last roster of each family."""

    def add(self, family: FamilyId, changes: Iterable[Change]) -> None:
        """Adds the rows of changes, except those of deliveries: the caller adds deliveries to `runs`."""
        for change in changes:
            match change:
                case Delivered():  # the most frequent change: a delivery is written as a run
                    pass
                case SightingSet():
                    self._sightings[family, change.seq].update(dict.fromkeys(change.members, change.sighting))
                case SightingGone():
                    self._sightings[family, change.seq].update(dict.fromkeys(change.members))
                case Held():
                    self._held[family, change.member, change.described.seq] = change.described
                case Released() | LetGo():
                    self._held.update(((family, change.member, seq), None) for seq in change.seqs)
                case WishesSet():
                    self._wishes[family, change.member] = change.wishes
                case SurprisesForgotten():
                    self._wishes[family, change.member] = None
                case RosterSet():
                    self.rosters[family] = change.roster
                case _:
                    pass

    async def write(
        self, connection: Any, *, written: Mapping[FamilyId, tuple[int, Roster]], beside: Sequence[Statement] = ()
    ) -> None:
        """Writes all rows. Call it once: collect later changes in a new `PendingRows`.

        `written`: for each family, the last seq of the write before, and the roster that is stored. Rows that begin after that
        seq are new, and are copied in if there are many; other rows are updated. All statements for few rows go in one round
        trip, together with `beside`, the caller's own statements.
        """
        after_seq = {family: seq for family, (seq, _) in written.items()}
        size = len(self._sightings) + len(self._held)
        rows = self._encoded(after_seq) if size < WORTH_IT else await off_loop(size, self._encoded, after_seq)
        new, changed, gone, surprises, forgotten = rows
        for family, after in self.rosters.items():
            await together(connection, roster_rows(family, written[family][1], after))
        few = [
            *await _added(connection, "event", EVENT_COLUMNS, QUERIES.add_events, self.events),
            *of_rows(QUERIES.add_attachments, self.attachments),
            *await _put_runs(connection, self.runs, after_seq),
            *await _put_sightings(connection, new, changed, gone),
            *surprises,
            *beside,
        ]
        await together(connection, few)
        await together(connection, forgotten)

    def _encoded(
        self, after_seq: Mapping[FamilyId, int]
    ) -> tuple[list[Row], list[Row], list[Row], list[Statement], list[Statement]]:
        """Returns three lists, with the rows of new and of changed sightings and the keys of withdrawn ones, and the result of
        `_surprise_rows`."""
        new: list[Row] = []
        changed: list[Row] = []
        gone: list[Row] = []
        for (family, seq), by_member in self._sightings.items():
            encoded: dict[int, bytes] = {}
            for member, sighting in by_member.items():
                if sighting is None:
                    gone.append((family, member, seq))
                    continue
                if id(sighting) not in encoded:
                    encoded[id(sighting)] = encode_sighting(sighting)
                row = (family, member, seq, encoded[id(sighting)], *own_subject(sighting, member))
                (new if seq > after_seq[family] else changed).append(row)
        return new, changed, gone, *self._surprise_rows()

    def _surprise_rows(self) -> tuple[list[Statement], list[Statement]]:
        """Returns two lists: the statements for wishes and held events, and those that drop all such rows of members who left."""
        left = [whose for whose, wishes in self._wishes.items() if wishes is None]
        wishes = [(*whose, at_most_days_of(one), encode_wishes(one)) for whose, one in self._wishes.items() if one is not None]
        held = [
            (*place, one.received_at, is_name(one), encode_held(one)) for place, one in self._held.items() if one is not None
        ]
        gone = [place for place, one in self._held.items() if one is None]
        return (
            [*of_rows(QUERIES.put_waiting, wishes), *of_rows(QUERIES.put_held, held), *of_rows(QUERIES.drop_held, gone)],
            [*of_rows(QUERIES.drop_waiting, left), *of_rows(QUERIES.drop_all_held, left)],
        )


def roster_rows(family: FamilyId, before: Roster, after: Roster) -> list[Statement]:
    """Returns the statements that write the changed rows of a roster."""
    homes = [(family, *home) for home in after.households.items() if before.households.get(home[0]) != home[1]]
    children = [
        (family, one.child, one.name, one.born) for one in after.children.values() if before.children.get(one.child) != one
    ]
    members = [
        (family, one.member, one.household, one.name, one.role, one.sees, one.has_left)
        for one in after.members.values()
        if before.members.get(one.member) != one
    ]
    own = [
        (family, one.milestone, one.title, one.domain, one.named_at, one.named_by)
        for one in after.own_milestones.values()
        if before.own_milestones.get(one.milestone) != one
    ]
    return [
        *of_rows(QUERIES.put_households, homes),
        *of_rows(QUERIES.put_children, children),
        *of_rows(QUERIES.put_members, members),
        *of_rows(QUERIES.put_own_milestones, own),
    ]


def own_subject(sighting: Sighting, member: MemberId) -> tuple[ChildId, str] | tuple[None, None]:
    """Returns the child and milestone by which a member's own sighting is found; None and None for another author's sighting."""
    return (sighting.child, sighting.milestone) if sighting.author == member else (None, None)


def at_most_days_of(wishes: Wishes) -> int | None:
    """Returns the smallest `at_most_days` among a member's choices; None if no choice limits the days."""
    return min((choice.at_most_days for choice in wishes.choices.values() if choice.at_most_days is not None), default=None)


def encode_wishes(wishes: Wishes) -> bytes:
    """Returns the bytes that a row stores for a member's wishes."""
    return _encode(sorted(wishes.choices.values(), key=lambda choice: (str(choice.child), choice.scope)))


def is_name(described: DescribedEvent) -> bool:
    """Returns whether a held event gives a milestone of the family's own a name."""
    return described.logged.kind == "MilestoneNamed"


def held_row(described: DescribedEvent) -> HeldRow:
    """Returns a held event in the form in which its row stores it."""
    logged, content = described.logged, described.content
    return HeldRow(
        logged.seq, logged.kind, logged.thread, logged.target_seq, described.sighting, content.subjects, content.own_milestones,
        content.is_everyday, content.child, described.received_at, logged.author, logged.thread_author, content.stated,
        content.is_possible, described.is_sorted_by_author, described.takes_back, described.naming == "first",
    )  # fmt: skip


def encode_held(described: DescribedEvent) -> bytes:
    """Returns the bytes that a row stores for a held event."""
    return _encode(held_row(described))


async def _added(
    connection: Any, table: str, columns: tuple[str, ...], insert: str, new: Sequence[Row]
) -> list[Statement]:
    """Copies new rows into a table if there are many; else returns the statements that insert them."""
    if len(new) >= COPIED_FROM:
        await connection.copy_records_to_table(table, records=in_turns(new) if len(new) > ROWS_AT_ONCE else new, columns=columns)
        return []
    return of_rows(insert, new)


async def _put_runs(
    connection: Any, runs: Mapping[FamilyId, Mapping[MemberId, Sequence[Run]]], after_seq: Mapping[FamilyId, int]
) -> list[Statement]:
    new: list[Row] = []
    grown: list[Row] = []
    for family, by_member in runs.items():
        for member, changed in by_member.items():
            for run in changed:
                row = (family, member, *msgspec.structs.astuple(run))
                (new if run.first_seq > after_seq[family] and run.told_at is None else grown).append(row)
    if len(new) < COPIED_FROM:  # then one round trip writes new and grown runs
        new, grown = [], new + grown
    few = await _added(connection, "feed_run", RUN_COLUMNS, QUERIES.put_runs, new)
    if grown:
        *columns, lists = zip(*grown, strict=True)
        few.append((QUERIES.put_runs, [*columns, [seqs and str(list(seqs)).translate(BRACES) for seqs in lists]]))
    return few


async def _put_sightings(connection: Any, new: list[Row], changed: list[Row], gone: list[Row]) -> list[Statement]:
    if len(new) < COPIED_FROM:
        new, changed = [], new + changed
    return [
        *await _added(connection, "sighting", SIGHTING_COLUMNS, QUERIES.put_sightings, new),
        *of_rows(QUERIES.put_sightings, changed),
        *of_rows(QUERIES.drop_sightings, gone),
    ]
