"""Reads a member's sightings and timeline: from stored rows for a parent, by folding the member's feed for others.

Owns the choice between these two sources. `projections.timeline` decides the content of a timeline.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from events.event import Effect, Event, Role
from events.ids import ChildId, FamilyId, MemberId
from events.kinds import kinds_with
from events.upcast import event_of_bytes
from projections import first_saw
from projections.first_saw import Sighting
from projections.timeline import TimelineEntry, entries
from service.background import off_loop
from service.log.store.codec import decode_sighting
from service.log.store.families import read_roster
from service.postgres.queries import load

QUERIES = load(__package__, "timeline.sql")
SIGHTING_KINDS: Final = kinds_with(Effect.MAKES_SIGHTING, Effect.CHANGES_SIGHTING)
"""The types of events that make or change a sighting."""


async def timeline(
    pool: Any, *, family: FamilyId, member: MemberId, role: Role, child: ChildId | None, as_of: datetime | None
) -> tuple[TimelineEntry, ...]:
    """Returns a member's timeline as of the time `as_of` (None: now), of one child if `child` is given."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        roster = await read_roster(connection, family)
        sightings = await sightings_visible_to(connection, family=family, member=member, role=role, as_of=as_of)
    wanted = sightings if child is None else [sighting for sighting in sightings if sighting.child == child]
    return await off_loop(len(wanted), lambda: entries(wanted, viewer=member, own_milestones=roster.own_milestones))


async def sightings_visible_to(
    connection: Any, *, family: FamilyId, member: MemberId, role: Role, as_of: datetime | None
) -> list[Sighting]:
    """Returns the sightings that are visible to a member, as they were at the time `as_of` (None: as they are now)."""
    if role is Role.PARENT and as_of is None:
        rows = await connection.fetch(QUERIES.sightings, family, member)
        return await off_loop(len(rows), lambda: [decode_sighting(row["body"]) for row in rows])
    events = await events_of_kinds(connection, SIGHTING_KINDS, family=family, member=member, as_of=as_of)
    return await off_loop(len(events), first_saw.of_feed, events)


async def events_of_kinds(
    connection: Any, kinds: Collection[str], *, family: FamilyId, member: MemberId, as_of: datetime | None = None
) -> list[Event[Any]]:
    """Returns the events of these types in a member's feed, in the order of the feed.

    With `as_of`, returns only events that were delivered up to that time.
    """
    rows = await connection.fetch(QUERIES.entries_of_kinds, family, member, list(kinds), as_of)
    return await off_loop(
        len(rows), lambda: [event_of_bytes(body, kind=kind, version=version) for kind, version, body in rows]
    )
