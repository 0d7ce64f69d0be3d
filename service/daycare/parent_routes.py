"""Serves parents' requests about daycares: add a daycare, make a key or a code, link a reference, list daycares. Owns the routes.

Either parent may link and unlink the references of a daycare (law 16 protects members, not references). Only the importing parent
may link the references of an imported file. Before a reference is linked, a parent sees that records of this reference wait, but
not the content of these records.
"""

from datetime import timedelta
from typing import Final
from uuid import uuid4

from litestar import Response, get, post, put

from events.event import Role
from events.ids import FamilyId, MemberId, PersonId
from service.access.decide import may_found
from service.access.errors import FoundingClosed, NotForRole, TooMany
from service.access.founding import QUERIES as ACCESS
from service.access.founding import lock_membership
from service.access.guard import Membership, hash_of, new_code
from service.daycare.auth import DaycareKey
from service.daycare.intake import QUERIES, Intake
from service.daycare.prose_queue import NotesWaiting
from service.daycare.shapes import (
    CodeMade,
    DaycareAdded,
    DaycareListed,
    Daycares,
    ForChild,
    KeyMade,
    Link,
    NewDaycare,
    ReferenceListed,
)
from service.daycare.signed_routes import join
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest, nothing
from service.http.standard_webhooks import new_secret, shown
from service.log.transaction import LogTransaction

CODE_LIVES: Final = timedelta(days=7)
OPEN_CODES_MAX: Final = 50
KEYS_MAX: Final = 10

ADD = Endpoint(
    summary="Add a daycare with a key for this family alone. Its secret is told once",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=201, request=NewDaycare, response=DaycareAdded,
    errors=(NotForRole, TooMany),
)  # fmt: skip
MAKE = Endpoint(
    summary="A key for a daycare that serves many families, each by a parent's code. Its secret is told once",
    caller=CallerKind.ANYONE_OR_DEVICE, kind=Kind.ACCESS, status=201, request=NewDaycare, response=KeyMade,
    errors=(FoundingClosed,),
)  # fmt: skip
CODE = Endpoint(
    summary="A code by which a daycare links one child. It works once, within seven days",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=201, request=ForChild, response=CodeMade, errors=(NotForRole, TooMany),
)  # fmt: skip
LIST = Endpoint(
    summary="The family's daycares, their references for children, and whether records wait for a link",
    caller=CallerKind.MEMBER, kind=Kind.READ, response=Daycares, errors=(NotForRole,),
)  # fmt: skip
LINK = Endpoint(
    summary="Link a daycare's reference to a child, or unlink it",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=204, request=Link, errors=(NotForRole, NotesWaiting),
)  # fmt: skip


def _parent(caller: Membership) -> Membership:
    if caller.role is not Role.PARENT:
        raise NotForRole("Only parents see to daycares.")
    return caller


@post("/v1/families/{family:uuid}/daycares", opt=ADD.opt())
async def add_daycare(request: RouteRequest) -> Response[bytes]:
    """Adds a daycare to the caller's household, with a key for this family alone."""
    body = await request.read(NewDaycare)
    caller = _parent(request.member)
    async with request.runtime.log.transaction() as writing:
        await lock_membership(writing, caller)
        if await writing.conn.fetchval(QUERIES.count_keys, caller.family) >= KEYS_MAX:
            raise TooMany(f"A family has at most {KEYS_MAX} keys for daycares.")
        key, secret = await _key(writing, body.name, family=caller.family)
        member = await join(writing, key, family=caller.family, household=caller.household, by=caller.member)
    return request.answer(DaycareAdded(member=member, key_id=key.key_id, secret=shown(secret)), status=201)


@post("/v1/daycares", opt=MAKE.opt())
async def make_key(request: RouteRequest) -> Response[bytes]:
    """Makes a key for a daycare that serves several families. The key can write to a family only after a parent has given a code.

    Every caller who may found a family may make a key.
    """
    body = await request.read(NewDaycare)
    may_found(request.runtime.settings.founding, has_token=request.caller is not None)
    async with request.runtime.log.transaction() as writing:
        key, secret = await _key(writing, body.name, family=None)
    return request.answer(KeyMade(key_id=key.key_id, secret=shown(secret)), status=201)


async def _key(writing: LogTransaction, name: str, *, family: FamilyId | None) -> tuple[DaycareKey, bytes]:
    key = DaycareKey(key_id=uuid4(), person=PersonId(uuid4()), name=name, family=family)
    secret = new_secret()
    await writing.conn.execute(ACCESS.add_person, key.person, writing.now)
    await writing.conn.execute(QUERIES.add_key, key.key_id, key.person, name, family, secret, writing.now)
    return key, secret


@post("/v1/families/{family:uuid}/daycare-codes", opt=CODE.opt())
async def make_code(request: RouteRequest) -> Response[bytes]:
    """Makes a code with which a daycare links one child. Stores only the hash of the code."""
    body = await request.read(ForChild)
    caller = _parent(request.member)
    code = new_code()
    async with request.runtime.log.transaction() as writing:
        await lock_membership(writing, caller)
        await _require_child(writing, caller, body.child)
        await writing.conn.execute(QUERIES.drop_dead_codes, caller.family, writing.now)
        if await writing.conn.fetchval(QUERIES.count_codes, caller.family) >= OPEN_CODES_MAX:
            raise TooMany(f"A family has at most {OPEN_CODES_MAX} open codes for daycares.")
        expires_at = writing.now + CODE_LIVES
        await writing.conn.execute(
            QUERIES.add_code, hash_of(code), caller.family, body.child, caller.member, caller.household, expires_at
        )
    return request.answer(CodeMade(code=code, expires_at=expires_at), status=201)


async def _require_child(writing: LogTransaction, caller: Membership, child: object) -> None:
    if child not in {row["child"] for row in await writing.conn.fetch(ACCESS.children, caller.family)}:
        raise NotFound(at="child")


@get("/v1/families/{family:uuid}/daycares", opt=LIST.opt())
async def list_daycares(request: RouteRequest) -> Response[bytes]:
    """Lists the family's daycares and their references.

    If a key serves several families, the references that are not linked to this family are left out.
    """
    caller = _parent(request.member)
    async with request.runtime.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        daycares = await connection.fetch(QUERIES.daycares, caller.family, caller.member)
        # References of another parent's importer are left out: each reveals a record, which may be held from the caller.
        persons = [row["person_id"] for row in daycares if not row["is_anothers"]]
        own = [row["person_id"] for row in daycares if row["is_own"]]
        references = await connection.fetch(QUERIES.references_of, caller.family, persons, own)
    listed = (
        DaycareListed(
            member=row["member_id"],
            name=row["name"],
            imported_by=row["imported_by"],
            references=tuple(
                ReferenceListed(
                    reference=one["reference"],
                    shown_name=one["shown_name"],
                    child=one["child_id"],
                    also_called=tuple(one["also_called"] or ()),
                    is_waiting=one["is_waiting"],
                )
                for one in references
                if one["person_id"] == row["person_id"]
            ),
        )
        for row in daycares
    )
    return request.answer(Daycares(daycares=tuple(listed)))


@put("/v1/families/{family:uuid}/daycares/{member:uuid}/children", status_code=204, opt=LINK.opt())
async def link(request: RouteRequest) -> Response[None]:
    """Links a reference to a child, or unlinks the reference.

    If the daycare's key serves several families, a code must have linked the reference to this family before.
    """
    body = await request.read(Link)
    caller = _parent(request.member)
    runtime, member = request.runtime, MemberId(request.ids["member"])
    async with runtime.log.transaction() as writing:
        await lock_membership(writing, caller)
        daycares = await writing.conn.fetch(QUERIES.daycares, caller.family, caller.member)
        found = [row for row in daycares if row["member_id"] == member]
        if not found:
            raise NotFound
        person = PersonId(found[0]["person_id"])
        if body.child is not None:
            await _require_child(writing, caller, body.child)
        rows = await writing.conn.fetch(QUERIES.links, person, [body.reference])
        is_ours = rows[0]["family_id"] == caller.family if rows else found[0]["is_own"]
        if not is_ours or found[0]["is_anothers"]:
            raise NotFound(at="reference")
        await writing.conn.fetchval(QUERIES.link, person, body.reference, caller.family, member, body.child)
        if body.also_called is not None:
            await writing.conn.execute(QUERIES.call_also, person, body.reference, list(body.also_called))
    intake = Intake(pool=runtime.pool, log=runtime.log, reading=runtime.prose_queue, person=person)
    await intake.write_waiting(body.reference)
    return nothing()


ROUTES: Final = (add_daycare, make_key, make_code, list_daycares, link)
