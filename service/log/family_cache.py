"""What a committer remembers of families between transactions, and how that is read and written.

A remembered state is right exactly when the family's head still stands where it was left: whoever takes the head compares,
and reads the rows again if another process has written meanwhile. So nothing needs to be told of a change.
"""

from collections import OrderedDict
from typing import Any, Final

import asyncpg
import msgspec

from events.catalogue import Domain
from events.event import Role
from events.family import Sees
from events.ids import FamilyId, LogId, MemberId
from projections.feed import Run
from projections.roster import Child, Member, OwnMilestone, Roster, roster_of
from projections.surprise_state import Waiting
from service.log.waiting_rows import read_waiting
from service.postgres.queries import load

FAMILIES_MAX: Final = 10_000
"""A state of five members is about 10 KiB."""
HELD_PER_FAMILY: Final = 32
"""So many held events take about as much."""

QUERIES = load(__package__, "state.sql")


class Head(msgspec.Struct, frozen=True):
    """Where a family's log stands. Equal heads have equal rows behind them."""

    seq: int
    log: LogId
    mended: int
    """How often a replay has put rows of this family right."""


class FamilyState(msgspec.Struct, frozen=True):
    """A family as of a head."""

    head: Head
    roster: Roster
    last_runs: dict[MemberId, Run]
    waiting: dict[MemberId, Waiting]

    @property
    def weight(self) -> int:
        """How many families without anything held take as much memory."""
        return 1 + sum(len(waits.held) for waits in self.waiting.values()) // HELD_PER_FAMILY


class FamilyCache:
    """The states of the families that were written to last, together no heavier than `FAMILIES_MAX`."""

    def __init__(self) -> None:
        self._by_family: OrderedDict[FamilyId, FamilyState] = OrderedDict()
        self._weight = 0

    def take(self, family: FamilyId, head: Head) -> FamilyState | None:
        """The state as of this very head, if that is the one remembered.

        It is the caller's from now on, who changes it, and keeps what has become of it once that is committed.
        """
        state = self._by_family.pop(family, None)
        if state is None:
            return None
        self._weight -= state.weight
        return state if state.head == head else None

    def keep(self, family: FamilyId, state: FamilyState) -> None:
        """Remember a committed state."""
        if (before := self._by_family.pop(family, None)) is not None:
            self._weight -= before.weight
        self._by_family[family] = state
        self._weight += state.weight
        while self._weight > FAMILIES_MAX:
            self._weight -= self._by_family.popitem(last=False)[1].weight


async def read_roster(connection: Any, family: FamilyId) -> Roster:
    """Read a family's roster from its rows."""
    members = [
        Member(
            member=row["member_id"],
            household=row["household_id"],
            name=row["name"],
            role=Role(row["role"]),
            sees=Sees(row["sees"]),
            has_left=row["has_left"],
        )
        for row in await connection.fetch(QUERIES.members, family)
    ]
    children = await connection.fetch(QUERIES.children, family)
    own = await connection.fetch(QUERIES.own_milestones, family)
    return roster_of(
        members={member.member: member for member in members},
        households={row["household_id"]: row["name"] for row in await connection.fetch(QUERIES.households, family)},
        children={row["child_id"]: Child(child=row["child_id"], name=row["name"], born=row["born"]) for row in children},
        own_milestones={row["milestone"]: _own(row) for row in own},
    )


def _own(row: asyncpg.Record) -> OwnMilestone:
    return OwnMilestone(
        milestone=row["milestone"],
        title=row["title"],
        domain=Domain(row["domain"]),
        named_at=row["named_at"],
        named_by=row["named_by"],
    )


async def read_state(connection: Any, family: FamilyId, head: Head) -> FamilyState:
    """Read a family's state from its rows, inside of the transaction that holds its head."""
    roster = await read_roster(connection, family)
    runs = await connection.fetch(QUERIES.last_runs, family)
    waiting = await read_waiting(connection, family, {member: member for member in roster.members})
    unnamed = {member: frozenset(waits.unnamed) for member, waits in waiting.items() if waits.unnamed}
    return FamilyState(
        head,
        msgspec.structs.replace(roster, unnamed=unnamed),
        {row["member_id"]: run_of_row(row) for row in runs},
        waiting,
    )


def run_of_row(row: asyncpg.Record) -> Run:
    """A run, of a row that names its member first."""
    _, *columns, seqs = row
    run: Run = Run(*columns)
    return msgspec.structs.replace(run, seqs=tuple(seqs)) if seqs else run


async def write_roster(connection: Any, family: FamilyId, *, before: Roster, after: Roster) -> None:
    """Write the rows of a roster that changed."""
    if before is after:
        return
    if homes := [(family, *home) for home in after.households.items() if before.households.get(home[0]) != home[1]]:
        await connection.execute(QUERIES.put_households, *_columns(homes))
    if children := [
        (family, child.child, child.name, child.born)
        for child in after.children.values()
        if before.children.get(child.child) != child
    ]:
        await connection.execute(QUERIES.put_children, *_columns(children))
    if members := [
        (family, one.member, one.household, one.name, one.role, one.sees, one.has_left)
        for one in after.members.values()
        if before.members.get(one.member) != one
    ]:
        await connection.execute(QUERIES.put_members, *_columns(members))
    if own := [
        (family, one.milestone, one.title, one.domain, one.named_at, one.named_by)
        for one in after.own_milestones.values()
        if before.own_milestones.get(one.milestone) != one
    ]:
        await connection.execute(QUERIES.put_own_milestones, *_columns(own))


def _columns(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))
