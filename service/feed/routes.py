"""Serves pages of the feed, and the timeline. Parses requests and writes responses; decides nothing."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get

from events.errors import TimeOutOfRange
from events.event import Instant
from events.ids import ChildId
from events.surprise import Hint
from events.wire import AnyEvent
from projections.timeline import TimelineEntry
from service.feed.pages import PAGE_DEFAULT, PAGE_MAX, FeedAhead, bytes_of_page, page
from service.feed.timeline import timeline
from service.http.body import JSON, encode, media_type_of
from service.http.compression import compressed
from service.http.endpoint import CallerKind, Endpoint
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.log.admit import require_sane

EVENT: Final = "#/components/schemas/Event"
HINT: Final = "#/components/schemas/Hint"


class FeedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place in the feed after which a page begins, and the page's number of entries."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT


class TimelineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The child and the time for which a timeline is shown."""

    child: ChildId | None = None
    as_of: Instant | None = None


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a feed. This type is for the OpenAPI document; `pages` writes the bytes of an entry."""

    place: int
    told_at: Instant
    released: str | None
    event: Annotated[Any, msgspec.Meta(extra_json_schema={"anyOf": [{"$ref": EVENT}, {"$ref": HINT}]})]


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a feed, and the hash over all entries before the page (`chain_before`) and up to its end (`chain`)."""

    log: UUID
    chain_before: str
    entries: tuple[FeedEntry, ...]
    place: int
    more: bool
    chain: str


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A member's timeline, oldest first."""

    entries: tuple[TimelineEntry, ...]


FEED_QUERY: Final[dict[str, dict[str, Any]]] = {
    "after": {"type": "integer", "minimum": 0, "maximum": 2**62, "default": 0},
    "limit": {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT},
}
TIMELINE_QUERY: Final[dict[str, dict[str, Any]]] = {
    "child": {"type": "string", "format": "uuid"},
    "as_of": {"type": "string", "format": "date-time"},
}


@get(
    "/v1/families/{family:uuid}/feed",
    opt=Endpoint(
        summary="The caller's feed, in pages",
        caller=CallerKind.MEMBER,
        kind=Kind.READ,
        response=Feed,
        other_schemas=(AnyEvent, Hint),
        query=FEED_QUERY,
        errors=(FeedAhead,),
    ).opt(),
)
async def read_feed(request: RouteRequest) -> Response[bytes]:
    """Returns a page of the caller's feed."""
    query = request.read_query(FeedQuery)
    member = request.member
    found = await page(request.runtime.pool, family=member.family, member=member.member, after=query.after, limit=query.limit)
    media_type = media_type_of(request.asgi)
    body = bytes_of_page(found)
    if media_type != JSON:
        body = msgspec.msgpack.encode(msgspec.json.decode(body))
    return await compressed(request, body, media_type=media_type)


@get(
    "/v1/families/{family:uuid}/timeline",
    opt=Endpoint(
        summary="The first time I saw it: the caller's own timeline",
        caller=CallerKind.MEMBER,
        kind=Kind.READ,
        response=Timeline,
        query=TIMELINE_QUERY,
        errors=(TimeOutOfRange,),
    ).opt(),
)
async def read_timeline(request: RouteRequest) -> Response[bytes]:
    """Returns the caller's timeline."""
    query = request.read_query(TimelineQuery)
    if query.as_of is not None:
        require_sane(query.as_of, at="as_of")
    member = request.member
    found = await timeline(
        request.runtime.pool,
        family=member.family,
        member=member.member,
        role=member.role,
        child=query.child,
        as_of=query.as_of,
    )
    media_type = media_type_of(request.asgi)
    return await compressed(request, encode(Timeline(entries=found), media_type), media_type=media_type)
