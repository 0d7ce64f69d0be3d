"""Serves GET /v1/families/{family}/handover: the milestones that the caller should not mention, and the members concerned.

Owns the queries, which read the caller's own feed, and the surprise choices of other members. They read no held event, and no
event that only other members received. So neither the response nor its time can depend on such events (laws 8 and 14).
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get

from events.event import Role
from events.ids import ChildId, EventId, FamilyId, MemberId
from events.observations import MilestoneNamed
from events.surprise import Sorted
from events.upcast import event_of_bytes
from projections import handover_card
from projections.first_saw import Sighting
from projections.handover_card import Card
from service.background import off_loop
from service.feed.timeline import sightings_visible_to
from service.http.body import encode, media_type_of
from service.http.compression import compressed
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.log.store.codec import decode_wishes
from service.log.store.families import read_roster
from service.postgres.queries import load
from service.surprise.clock import EVERY_S

QUERIES: Final = load(__package__, "handover_card.sql")
MEMBERS_A_PAGE: Final = 20
"""Bound on the members in one response. No usual family has so many members with surprise choices."""
TICK_DELAY: Final = timedelta(seconds=2 * EVERY_S)
"""The longest delay of a tick after its due time. A card shows a wait as over only after this delay. So a card never shows the
end of a wait before the tick."""
FIRST_ID: Final = UUID(int=0)


class HandoverQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The child whose cards are requested (default: all children), and the member after whom the page starts."""

    child: ChildId | None = None
    after: MemberId | None = None


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """The cards of one page. `next` is the member after whom the next page starts; null on the last page."""

    cards: tuple[Card, ...]
    next: MemberId | None


HANDOVER_QUERY: Final[dict[str, dict[str, Any]]] = {
    "child": {"type": "string", "format": "uuid"},
    "after": {"type": "string", "format": "uuid"},
}


@get(
    "/v1/families/{family:uuid}/handover",
    opt=Endpoint(
        summary="What to keep quiet, from whom, and a safe phrase, as far as the caller may know",
        caller=CallerKind.MEMBER,
        kind=Kind.READ,
        response=Handover,
        query=HANDOVER_QUERY,
    ).opt(),
)
async def read_handover(request: RouteRequest) -> Response[bytes]:
    """Returns the cards about the members with surprise choices."""
    query = request.read_query(HandoverQuery)
    member = request.member
    found = await handover(
        request.runtime.pool,
        family=member.family,
        reader=member.member,
        role=member.role,
        child=query.child,
        after=query.after,
        as_of=request.runtime.now() - TICK_DELAY,
    )
    media_type = media_type_of(request.asgi)
    return await compressed(request, encode(found, media_type), media_type=media_type)


async def handover(
    pool: Any,
    *,
    family: FamilyId,
    reader: MemberId,
    role: Role,
    child: ChildId | None,
    after: MemberId | None,
    as_of: datetime,
) -> Handover:
    """Returns the cards that the member `reader` may read. Reads all rows from one snapshot.

    Raises:
        NotFound: the family has no such child.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        roster = await read_roster(connection, family)
        if child is not None and child not in roster.children:
            raise NotFound(at="child")
        rows = await connection.fetch(QUERIES.wishes, family, reader, after or FIRST_ID, MEMBERS_A_PAGE + 1)
        wishes = {row["member_id"]: decode_wishes(row["body"]) for row in rows[:MEMBERS_A_PAGE]}
        has_limit = any(choice.at_most_days for one in wishes.values() for choice in one.choices.values())
        sightings = await sightings_visible_to(connection, family=family, member=reader, role=role, as_of=None)
        word_rows = await connection.fetch(QUERIES.words, family, reader)
        received = await _received(connection, family, sightings) if has_limit else {}

    def fold() -> list[Card]:
        words = [event_of_bytes(body, kind=kind, version=version) for kind, version, body in word_rows]
        known = handover_card.told_of(sightings, [event for event in words if isinstance(event.event, Sorted)], received)
        names = {event.event.milestone for event in words if isinstance(event.event, MilestoneNamed)}
        return list(handover_card.cards(wishes, known, names, reader=reader, roster=roster, as_of=as_of))

    found = await off_loop(len(sightings) + len(word_rows), fold)
    return Handover(
        cards=tuple(one for one in found if child is None or one.child == child),
        next=max(wishes) if len(rows) > MEMBERS_A_PAGE else None,
    )


async def _received(connection: Any, family: FamilyId, sightings: list[Sighting]) -> dict[tuple[MemberId, EventId], datetime]:
    keys = {key for sighting in sightings for key in handover_card.said_in(sighting)}
    authors, ids = [author for author, _ in keys], [event for _, event in keys]
    return {(row[0], row[1]): row[2] for row in await connection.fetch(QUERIES.received, family, authors, ids)}


ROUTES: Final = (read_handover,)
