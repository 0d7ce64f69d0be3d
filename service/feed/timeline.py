"""Reads the sightings that a member knows, and their timeline: from the rows of parents, or folded from the feed.

Owns the choice between the two. The timeline's content is decided in `projections.timeline`.
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
    """Returns a member's timeline; with `child` of that child alone, with `as_of` as it was at that time."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        roster = await read_roster(connection, family)
        sightings = await sightings_visible_to(connection, family=family, member=member, role=role, as_of=as_of)
    wanted = sightings if child is None else [sighting for sighting in sightings if sighting.child == child]
    return await off_loop(len(wanted), lambda: entries(wanted, viewer=member, own_milestones=roster.own_milestones))


async def sightings_visible_to(
    connection: Any, *, family: FamilyId, member: MemberId, role: Role, as_of: datetime | None
) -> list[Sighting]:
    """Returns a member's knowledge of each sighting: now, or at `as_of`."""
    if role is Role.PARENT and as_of is None:
        rows = await connection.fetch(QUERIES.sightings, family, member)
        return await off_loop(len(rows), lambda: [decode_sighting(row["body"]) for row in rows])
    events = await events_of_kinds(connection, SIGHTING_KINDS, family=family, member=member, as_of=as_of)
    return await off_loop(len(events), first_saw.of_feed, events)


async def events_of_kinds(
    connection: Any, kinds: Collection[str], *, family: FamilyId, member: MemberId, as_of: datetime | None = None
) -> list[Event[Any]]:
    """Returns the events of these kinds in a member's feed, in its order; with `as_of` those that were delivered up to then."""
    rows = await connection.fetch(QUERIES.entries_of_kinds, family, member, list(kinds), as_of)
    return await off_loop(
        len(rows), lambda: [event_of_bytes(body, kind=kind, version=version) for kind, version, body in rows]
    )
