"""Reads the state of a family: its roster, the ends of its feeds, and its surprise states."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import asyncpg
import msgspec

from events.catalogue import Domain
from events.event import Role
from events.family import Sees
from events.ids import FamilyId, MemberId
from projections.feed import Run
from projections.roster import Child, Member, OwnMilestone, Roster, roster_of
from projections.surprise_state import SurpriseState
from service.background import off_loop
from service.log.store.codec import decode_held, decode_hint, decode_wishes
from service.postgres.queries import load

QUERIES: Final = load(__package__, "families.sql")


async def read_roster(connection: Any, family: FamilyId) -> Roster:
    """Reads a family's roster.

    Raises:
        ValueError: a row is damaged; a replay repairs it.
    """
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


async def read_last_runs(connection: Any, family: FamilyId) -> dict[MemberId, Run]:
    """Reads the last run of every feed of a family that is not empty."""
    return {row["member_id"]: run_of_row(row) for row in await connection.fetch(QUERIES.last_runs, family)}


def run_of_row(row: asyncpg.Record) -> Run:
    """Returns the run of a row. The row's first column is the member."""
    _, *columns, seqs = row
    run: Run = Run(*columns)
    return msgspec.structs.replace(run, seqs=tuple(seqs)) if seqs else run


async def read_surprises(connection: Any, family: FamilyId) -> dict[MemberId, SurpriseState]:
    """Reads the surprise states of a family. Most families have none, and cost one look-up.

    Of the held events only those that name a milestone are read, and no met subjects: `load_met` and `load_whole` read the rest
    if it is needed. Therefore the time of a push that concerns no held event does not grow with the number of events held from
    its author (I-20). Nor does it grow with the sightings of others, which are what is held.

    Raises:
        msgspec.DecodeError: a row is damaged; a replay repairs it.
    """
    wishes = await connection.fetch(QUERIES.wishes, family)
    states = {member: SurpriseState(member, decode_wishes(body)) for member, body in wishes}
    if not states:
        return states
    for member, body in await connection.fetch(QUERIES.held_names, family):
        if member in states:
            states[member].holds.hold(decode_held(body))
    hints = await connection.fetch(QUERIES.hints, family)
    await off_loop(len(hints), _note_hints, states, hints)
    return states


def _note_hints(states: Mapping[MemberId, SurpriseState], hints: Iterable[Any]) -> None:
    """Adds to each member's state the day of the last hint for each child and domain."""
    for member, body in hints:
        if member in states:
            hint, hinted = decode_hint(body), states[member].hinted
            key = (hint.child, str(hint.domain))
            hinted[key] = max(hint.day, hinted.get(key, hint.day))
