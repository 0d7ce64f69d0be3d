"""Serves the routes for the caller's webhooks: make, list, drop, resume, and change a webhook's secret. Sends nothing.

A webhook belongs to one member. For a webhook of another member, the response is the same 404 as for an id that does not exist.
"""

from typing import Any, Final
from uuid import UUID, uuid4

from litestar import Response, delete, get, post

from events.event import PERSONS
from service.access.errors import NotForRole, TooMany
from service.access.guard import Membership
from service.feed.pages import QUERIES as FEED
from service.feed.pages import FeedAhead
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest, nothing
from service.http.standard_webhooks import new_secret, shown
from service.webhooks.egress_policy import Unreachable
from service.webhooks.errors import UrlNotAllowed
from service.webhooks.retry_policy import SECRETS_OVERLAP, WEBHOOKS_MAX, Disabled, Failure, State
from service.webhooks.shapes import From, NewWebhook, SecretMade, WebhookListed, WebhookMade, WebhooksListed
from service.webhooks.store import QUERIES

MAKE = Endpoint(
    summary="Post the caller's feed to an address, from now on or from a place on. The secret is shown once",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=201, request=NewWebhook, response=WebhookMade,
    query={"after": {"type": "integer", "minimum": 0, "maximum": 2**62}},
    errors=(NotForRole, UrlNotAllowed, FeedAhead, TooMany),
)  # fmt: skip
LIST = Endpoint(
    summary="The caller's own webhooks, and how each of them is",
    caller=CallerKind.MEMBER, kind=Kind.READ, response=WebhooksListed, errors=(NotForRole,),
)  # fmt: skip
DROP = Endpoint(
    summary="Drop a webhook; within a second nothing more is sent", caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=204,
    errors=(NotForRole,),
)  # fmt: skip
ROTATE = Endpoint(
    summary="A new secret for a webhook. For 24 hours it and the last one both sign",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, response=SecretMade, errors=(NotForRole,),
)  # fmt: skip
RESUME = Endpoint(
    summary="Let a disabled webhook go on where it stopped", caller=CallerKind.MEMBER, kind=Kind.ACCESS, response=WebhookListed,
    errors=(NotForRole,),
)  # fmt: skip


@post("/v1/families/{family:uuid}/webhooks", opt=MAKE.opt())
async def make(request: RouteRequest) -> Response[bytes]:
    """Makes a webhook. Resolves the host of its URL, so that a mistyped URL is refused at once."""
    caller = _human_caller(request)
    query, body = request.read_query(From), await request.read(NewWebhook)
    egress = request.runtime.egress
    try:
        await egress.find(egress.read(body.url))
    except Unreachable:
        raise UrlNotAllowed from None
    webhook, secret = uuid4(), new_secret()
    async with request.runtime.log.transaction() as writing:
        if await writing.conn.fetchval(QUERIES.take_member, caller.family, caller.member) is None:
            raise NotFound
        if await writing.conn.fetchval(QUERIES.count_own, caller.family, caller.member) >= WEBHOOKS_MAX:
            raise TooMany(f"A member has at most {WEBHOOKS_MAX} webhooks.")
        _, last, _ = await writing.conn.fetchrow(FEED.head, caller.family, caller.member)
        place = last if query.after is None else query.after
        if place > last:
            raise FeedAhead(after=place, place=last)
        await writing.conn.execute(
            QUERIES.add, caller.family, caller.member, webhook, body.url, body.name, secret, writing.now, place
        )
    return request.answer(WebhookMade(webhook=webhook, url=body.url, secret=shown(secret), place=place), status=201)


@get("/v1/families/{family:uuid}/webhooks", opt=LIST.opt())
async def list_own(request: RouteRequest) -> Response[bytes]:
    """Returns the caller's own webhooks. The webhooks of other members are private."""
    caller = _human_caller(request)
    rows = await request.runtime.pool.fetch(QUERIES.own, caller.family, caller.member, None)
    return request.answer(WebhooksListed(webhooks=tuple(_listed(row) for row in rows)))


@delete("/v1/families/{family:uuid}/webhooks/{webhook:uuid}", status_code=204, opt=DROP.opt())
async def drop(request: RouteRequest) -> Response[None]:
    """Deletes a webhook. Sending to its URL ends within a second."""
    if await request.runtime.pool.fetchval(QUERIES.drop, *_webhook_key(request)) is None:
        raise NotFound
    return nothing()


@post("/v1/families/{family:uuid}/webhooks/{webhook:uuid}/secret", status_code=200, opt=ROTATE.opt())
async def rotate(request: RouteRequest) -> Response[bytes]:
    """Makes a new secret for a webhook.

    For `SECRETS_OVERLAP`, the new and the previous secret both sign each request. Older secrets no longer sign.
    """
    secret, both_until = new_secret(), request.runtime.log.now() + SECRETS_OVERLAP
    webhook = await request.runtime.pool.fetchval(QUERIES.rotate, *_webhook_key(request), secret, both_until)
    if webhook is None:
        raise NotFound
    return request.answer(SecretMade(webhook=webhook, secret=shown(secret), both_until=both_until))


@post("/v1/families/{family:uuid}/webhooks/{webhook:uuid}/resume", status_code=200, opt=RESUME.opt())
async def resume(request: RouteRequest) -> Response[bytes]:
    """Enables a disabled webhook. If the webhook is not disabled, changes nothing, not even the time of its next attempt."""
    key = _webhook_key(request)
    await request.runtime.pool.execute(QUERIES.resume, *key, request.runtime.log.now())
    row = await request.runtime.pool.fetchrow(QUERIES.own, *key)
    if row is None:
        raise NotFound
    return request.answer(_listed(row))


def _human_caller(request: RouteRequest) -> Membership:
    """Returns the caller. Raises NotForRole for a daycare, because daycares have no webhooks."""
    caller = request.member
    if caller.role not in PERSONS:
        raise NotForRole(f"A {caller.role} has no webhooks.")
    return caller


def _webhook_key(request: RouteRequest) -> tuple[UUID, UUID, UUID]:
    caller = _human_caller(request)
    return caller.family, caller.member, request.ids["webhook"]


def _listed(row: Any) -> WebhookListed:
    state = State.ACTIVE
    since = next_attempt_at = None
    if row["disabled_at"] is not None:
        state, since = State.DISABLED, row["disabled_at"]
    elif row["failing_since"] is not None:
        state, since, next_attempt_at = State.FAILING, row["failing_since"], row["next_at"]
    return WebhookListed(
        webhook=row["webhook_id"],
        url=row["url"],
        name=row["name"],
        created_at=row["created_at"],
        place=row["place"],
        state=state,
        since=since,
        next_attempt_at=next_attempt_at,
        last=None if row["failed_as"] is None else Failure(row["failed_as"]),
        why=None if row["disabled_as"] is None else Disabled(row["disabled_as"]),
    )


ROUTES: Final = (make, list_own, drop, rotate, resume)
