"""Serves GET /v1/families/{family}/tips: tips and safety notes by the age of each child.

Owns the type and the date of the response. The response does not depend on the caller, on recorded events or on choices: all
members of a family receive the same bytes.
"""

from datetime import date
from typing import Any, Final

import msgspec
from litestar import Response, get

from events.catalogue import CATALOGUE
from events.ids import ChildId
from projections.tips import SafetyNote, Tip, tips
from service.http.body import encode, media_type_of
from service.http.compression import compressed
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.postgres.queries import load

QUERIES: Final = load(__package__, "tips.sql")


class TipsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The child whose tips are requested, and today's date in the device's time zone.

    Without a child, the tips for all children are returned. Without a date, today's date in UTC is used.
    """

    child: ChildId | None = None
    on: date | None = None


class TipsOfChild(msgspec.Struct, frozen=True, kw_only=True):
    """The tips for one child. `age_months` is the age in whole months: negative before birth, null without a birth date."""

    child: ChildId
    age_months: int | None
    soon: tuple[Tip, ...]
    now: tuple[Tip, ...]
    safety: tuple[SafetyNote, ...]


class TipsByAge(msgspec.Struct, frozen=True, kw_only=True):
    """The tips for each child of the family on one date."""

    on: date
    children: tuple[TipsOfChild, ...]


TIPS_QUERY: Final[dict[str, dict[str, Any]]] = {
    "child": {"type": "string", "format": "uuid"},
    "on": {"type": "string", "format": "date"},
}


@get(
    "/v1/families/{family:uuid}/tips",
    opt=Endpoint(
        summary="What to look out for and to make safe at a child's age. The same for every member, whatever happened",
        caller=CallerKind.MEMBER,
        kind=Kind.READ,
        response=TipsByAge,
        query=TIPS_QUERY,
    ).opt(),
)
async def read_tips(request: RouteRequest) -> Response[bytes]:
    """Returns the tips for all children of the family, or for one child."""
    query = request.read_query(TipsQuery)
    on = query.on or request.runtime.now().date()
    rows = await request.runtime.pool.fetch(QUERIES.children, request.member.family, query.child)
    if query.child is not None and not rows:
        raise NotFound(at="child")
    children = tuple(_of_child(row["child_id"], row["born"], on) for row in rows)
    media_type = media_type_of(request.asgi)
    return await compressed(request, encode(TipsByAge(on=on, children=children), media_type), media_type=media_type)


def _of_child(child: ChildId, born: date | None, on: date) -> TipsOfChild:
    found = tips(CATALOGUE, born=born, today=on)
    return TipsOfChild(child=child, age_months=found.age_months, soon=found.soon, now=found.now, safety=found.safety)


ROUTES: Final = (read_tips,)
