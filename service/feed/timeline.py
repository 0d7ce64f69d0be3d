"""Reads one member's timeline, and what they know of sightings: from the rows that are kept for parents, or folded from the feed.

Owns which of the two. What a timeline says is `projections.timeline`'s.
"""

from datetime import datetime
from typing import Any

from events.event import Role
from events.ids import ChildId, FamilyId, MemberId
from events.wire import event_of_bytes
from projections import first_saw
from projections.first_saw import Sighting
from projections.timeline import Entry, entries
from service.log.sighting_bytes import decode_sighting
from service.log.state import read_roster
from service.postgres.queries import load

QUERIES = load(__package__, "timeline.sql")


async def timeline(
    pool: Any, *, family: FamilyId, member: MemberId, role: Role, child: ChildId | None, as_of: datetime | None
) -> tuple[Entry, ...]:
    """A member's timeline; of one child, if asked so; as their screen stood at `as_of`, if asked so."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        roster = await read_roster(connection, family)
        sightings = await sightings_told_to(connection, family=family, member=member, role=role, as_of=as_of)
    wanted = sightings if child is None else [sighting for sighting in sightings if sighting.child == child]
    return entries(wanted, viewer=member, own_milestones=roster.own_milestones)


async def sightings_told_to(
    connection: Any, *, family: FamilyId, member: MemberId, role: Role, as_of: datetime | None
) -> list[Sighting]:
    """What a member knows of sightings: as it stands, or as it stood."""
    if role is Role.PARENT and as_of is None:
        return [decode_sighting(row["body"]) for row in await connection.fetch(QUERIES.sightings, family, member)]
    rows = await connection.fetch(QUERIES.told_of_sightings, family, member, as_of)
    return first_saw.of_feed(event_of_bytes(body, kind=kind, version=version) for kind, version, body in rows)
