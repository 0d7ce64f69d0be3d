"""Reads one member's timeline, and what they know of sightings: from the rows that are kept for parents, or folded from the feed.

Owns which of the two. What a timeline says is `projections.timeline`'s.
"""

from datetime import datetime
from typing import Any, Final

from events.amend import Amended, Withdrawn
from events.clips import ClipAttached
from events.event import Body, Event, Role
from events.ids import ChildId, FamilyId, MemberId
from events.observations import MilestoneObserved, ParentFirstSaw
from events.wire import event_of_bytes
from projections import first_saw
from projections.first_saw import Sighting
from projections.timeline import TimelineEntry, entries
from service.background import off_loop
from service.log.family_cache import read_roster
from service.log.sighting_bytes import decode_sighting
from service.postgres.queries import load

QUERIES = load(__package__, "timeline.sql")
SIGHTING_WORDS: Final = (MilestoneObserved, ParentFirstSaw, Amended, ClipAttached, Withdrawn)
"""What makes or changes a sighting."""


async def timeline(
    pool: Any, *, family: FamilyId, member: MemberId, role: Role, child: ChildId | None, as_of: datetime | None
) -> tuple[TimelineEntry, ...]:
    """A member's timeline; of one child, if asked so; as their screen stood at `as_of`, if asked so."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        roster = await read_roster(connection, family)
        sightings = await sightings_told_to(connection, family=family, member=member, role=role, as_of=as_of)
    wanted = sightings if child is None else [sighting for sighting in sightings if sighting.child == child]
    return await off_loop(len(wanted), lambda: entries(wanted, viewer=member, own_milestones=roster.own_milestones))


async def sightings_told_to(
    connection: Any, *, family: FamilyId, member: MemberId, role: Role, as_of: datetime | None
) -> list[Sighting]:
    """What a member knows of sightings: as it stands, or as it stood."""
    if role is Role.PARENT and as_of is None:
        rows = await connection.fetch(QUERIES.sightings, family, member)
        return await off_loop(len(rows), lambda: [decode_sighting(row["body"]) for row in rows])
    told = await told_of(connection, SIGHTING_WORDS, family=family, member=member, as_of=as_of)
    return await off_loop(len(told), first_saw.of_feed, told)


async def told_of(
    connection: Any, kinds: tuple[type[Body], ...], *, family: FamilyId, member: MemberId, as_of: datetime | None = None
) -> list[Event[Any]]:
    """What a member was told of these kinds, in the order of their feed: up to now, or up to `as_of`."""
    rows = await connection.fetch(QUERIES.entries_of_kinds, family, member, [kind.__name__ for kind in kinds], as_of)
    return await off_loop(
        len(rows), lambda: [event_of_bytes(body, kind=kind, version=version) for kind, version, body in rows]
    )
