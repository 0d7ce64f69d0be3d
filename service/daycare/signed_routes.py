"""Serves the signed calls of daycares' systems: post events, redeem a parent's code, change a key's secret. Owns the routes.

A daycare's system can write, and can read only the receipts of its own calls: no roster, no feed, and no links of references.
"""

from typing import Any, Final, TypeVar
from uuid import uuid4

from litestar import Response, post

from events.event import Role
from events.family import MemberJoined, Sees
from events.ids import FamilyId, HouseholdId, MemberId
from service.access.decide import MEMBERS_MAX
from service.access.errors import CodeUnusable, TooMany
from service.access.founding import QUERIES as ACCESS
from service.access.guard import hash_of
from service.daycare.auth import KEY_QUERY, ROTATION_LASTS, SIGNED_HEADERS, Call, DaycareKey, authenticate
from service.daycare.cloud_events import JSON, CloudEvent, PostedEvent, read_events, signed_at
from service.daycare.errors import OneFamilysKey, ReferenceTaken
from service.daycare.intake import QUERIES, Intake, RecordOutcome, SourcedRecord, TooManyWaiting
from service.daycare.prose_queue import NotesWaiting
from service.daycare.shapes import DaycareReceipt, DaycareReceipts, NewSecret, Nothing, Redeem, Redeemed
from service.daycare.signatures import SignatureWrong
from service.http.body import decode_json
from service.http.endpoint import CallerKind, Endpoint
from service.http.media_types import of_request
from service.http.problems import CallReplayed, MediaTypeUnsupported
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.http.standard_webhooks import new_secret, shown
from service.log.append_request import LogBusy, LogUnavailable, Overtaken, Problem
from service.log.transaction import LogTransaction

EVENTS_BYTES_MAX: Final = 2 * 1024 * 1024
SMALL_BYTES_MAX: Final = 4 * 1024

Shape = TypeVar("Shape")

POST = Endpoint(
    summary="Post 1 to 500 signed CloudEvents. Each is taken in or refused by itself, and once however often it comes",
    caller=CallerKind.SIGNED, kind=Kind.PUSH, request=CloudEvent | tuple[CloudEvent, ...],
    request_media_types=("application/cloudevents+json", "application/cloudevents-batch+json", "application/json"),
    response=DaycareReceipts, query=KEY_QUERY, headers=SIGNED_HEADERS,
    errors=(SignatureWrong, CallReplayed, TooManyWaiting, NotesWaiting, LogBusy, LogUnavailable, Overtaken),
)  # fmt: skip
REDEEM = Endpoint(
    summary="Link a child by a parent's code, and record what the daycare has posted about it",
    caller=CallerKind.SIGNED, kind=Kind.ACCESS, request=Redeem, request_media_types=("application/json",),
    response=Redeemed, query=KEY_QUERY, headers=SIGNED_HEADERS,
    errors=(SignatureWrong, CallReplayed, CodeUnusable, OneFamilysKey, ReferenceTaken, TooMany, NotesWaiting),
)  # fmt: skip
ROTATE = Endpoint(
    summary="A new secret; the one before is good for a day more",
    caller=CallerKind.SIGNED, kind=Kind.ACCESS, request=Nothing, request_media_types=("application/json",),
    response=NewSecret, query=KEY_QUERY, headers=SIGNED_HEADERS,
    errors=(SignatureWrong, CallReplayed),
)  # fmt: skip


@post("/v1/daycare/events", status_code=200, opt=POST.opt())
async def post_events(request: RouteRequest) -> Response[bytes]:
    """Records the events of a call. Responds after the events are committed."""
    call = await authenticate(request, bytes_max=EVENTS_BYTES_MAX)
    runtime = request.runtime
    at, now = signed_at(call.signed.at_s), runtime.now()
    events = await read_events(request.asgi, call.body, call_id=call.signed.id, at=at, now=now)
    runtime.limits.take(Kind.DRAFTS, call.key.key_id, count=len(events))
    read = [(number, event) for number, event in enumerate(events) if isinstance(event, PostedEvent)]
    intake = Intake(pool=runtime.pool, log=runtime.log, reading=runtime.prose_queue, person=call.key.person)
    outcomes = await intake.take([SourcedRecord(source=event.source, record=event.record) for _, event in read])
    by_number = {number: one for (number, _), one in zip(read, outcomes, strict=True)}
    receipts = (
        _receipt(number, event, by_number[number])
        if isinstance(event, PostedEvent)
        else DaycareReceipt(id=event.id, source=event.source, outcome="refused", problem=Problem.of(event.problem))
        for number, event in enumerate(events)
    )
    return request.answer(DaycareReceipts(receipts=tuple(receipts)))


def _receipt(number: int, event: PostedEvent, outcome: RecordOutcome) -> DaycareReceipt:
    problem = outcome.problem and Problem(code=outcome.problem.code, at=f"events[{number}]", detail=outcome.problem.detail)
    return DaycareReceipt(
        id=event.id, source=event.source, outcome=outcome.outcome, keep_quiet=outcome.keep_quiet, problem=problem
    )


@post("/v1/daycare/links", status_code=200, opt=REDEEM.opt())
async def redeem(request: RouteRequest) -> Response[bytes]:
    """Links a reference to the child for whom a parent made the code. Adds the daycare to the child's family if necessary."""
    call = await authenticate(request, bytes_max=SMALL_BYTES_MAX)
    body = _read(request, call, Redeem)
    if call.key.family is not None:
        raise OneFamilysKey
    runtime = request.runtime
    async with runtime.log.transaction() as writing:
        row = await writing.conn.fetchrow(QUERIES.use_code, hash_of(body.code), writing.now)
        if row is None and not await _is_done(writing, call, body.reference):
            raise CodeUnusable
        if row is not None:
            await _link(writing, call.key, body.reference, row)
    intake = Intake(pool=runtime.pool, log=runtime.log, reading=runtime.prose_queue, person=call.key.person)
    await intake.write_waiting(body.reference)
    return request.answer(Redeemed(reference=body.reference))


def _read(request: RouteRequest, call: Call, shape: type[Shape]) -> Shape:
    """Decodes the JSON body of a call."""
    media_type = of_request(request.asgi, accepted=(JSON,))
    if media_type.name != JSON or not media_type.is_utf8:
        raise MediaTypeUnsupported((JSON,))
    return decode_json(call.body, shape)


async def _is_done(writing: LogTransaction, call: Call, reference: str) -> bool:
    """Returns whether an earlier attempt of this call has already linked the reference.

    This happens if only the response to that attempt was lost.
    """
    if not await writing.conn.fetchval(QUERIES.came_before, call.key.key_id, call.signed.id, call.signed.at_s):
        return False
    return bool(await writing.conn.fetch(QUERIES.links, call.key.person, [reference]))


async def _link(writing: LogTransaction, key: DaycareKey, reference: str, code: Any) -> None:
    family = FamilyId(code["family_id"])
    member = await writing.conn.fetchval(QUERIES.membership, key.person, family)
    if member is None:
        household, by = HouseholdId(code["household_id"]), MemberId(code["made_by"])
        member = await join(writing, key, family=family, household=household, by=by)
    if await writing.conn.fetchval(QUERIES.link, key.person, reference, family, member, code["child_id"]) is None:
        raise ReferenceTaken


async def join(writing: LogTransaction, key: DaycareKey, *, family: FamilyId, household: HouseholdId, by: MemberId) -> MemberId:
    """Adds a daycare to a family as a member of the household `household`. `by` is the parent who invited the daycare.

    Raises:
        TooMany: the family would have more than `MEMBERS_MAX` members.
    """
    member = MemberId(uuid4())
    await writing.conn.fetchval(ACCESS.join_family, key.person, family, member)
    joined = MemberJoined(member=member, name=key.name, role=Role.DAYCARE, household=household, sees=Sees.OWN)
    await writing.write(family=family, author=by, facts=(joined,))
    counts = await writing.conn.fetchrow(ACCESS.counts, family)
    if counts["members"] > MEMBERS_MAX:
        raise TooMany(f"A family has at most {MEMBERS_MAX} members.")
    return member


@post("/v1/daycare/secret", status_code=200, opt=ROTATE.opt())
async def rotate(request: RouteRequest) -> Response[bytes]:
    """Makes a new secret for a key. The previous secret stays valid for `ROTATION_LASTS`."""
    call = await authenticate(request, bytes_max=SMALL_BYTES_MAX)
    _read(request, call, Nothing)
    until = request.runtime.now() + ROTATION_LASTS
    row = await request.runtime.pool.fetchrow(QUERIES.rotate, call.key.key_id, new_secret(), until, call.signed.id)
    if row is None:  # the key was removed a moment ago
        raise SignatureWrong
    return request.answer(NewSecret(secret=shown(row["secret"]), before_until=row["before_until"]))


ROUTES: Final = (post_events, redeem, rotate)
