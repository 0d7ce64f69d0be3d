"""Serves the routes that found a family, add a child, and return the roster and the caller's data. `decide` checks permission."""

from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post

from events.errors import FieldInvalid
from events.event import Role
from events.family import ChildAdded, FamilyFounded, HouseholdOpened, MemberJoined, Sees
from events.ids import ChildId, DeviceId, FamilyId, HouseholdId, MemberId, PersonId
from service.access.decide import CHILDREN_MAX, DEVICES_MAX, may_add_child, may_found, require_sane_birth
from service.access.errors import BirthDateOutOfRange, FoundingClosed, NotForRole, TooMany
from service.access.guard import Caller, Membership, hash_of, new_token, token_in
from service.access.shapes import (
    ChildListed,
    DeviceListed,
    FamilyListed,
    Founded,
    FoundFamily,
    HouseholdListed,
    Me,
    MemberListed,
    MembershipListed,
    Named,
    NewChild,
)
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.log.transaction import LogTransaction
from service.postgres.queries import load

QUERIES: Final = load(__package__, "access.sql")

FOUND = Endpoint(
    summary="Found a family: the first parent, home and child. With a token, the same person founds another one",
    caller=CallerKind.ANYONE_OR_DEVICE, kind=Kind.ACCESS, status=201, request=FoundFamily, response=Founded,
    errors=(FoundingClosed, BirthDateOutOfRange),
)  # fmt: skip
ME = Endpoint(summary="Who the caller is: families and own devices", caller=CallerKind.DEVICE, kind=Kind.READ, response=Me)
ROSTER = Endpoint(
    summary="The family's homes, children and members", caller=CallerKind.MEMBER, kind=Kind.READ, response=FamilyListed
)
ADD_CHILD = Endpoint(
    summary="Add a child", caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=201, request=NewChild, response=ChildListed,
    errors=(NotForRole, BirthDateOutOfRange, TooMany),
)  # fmt: skip


@post("/v1/families", opt=FOUND.opt())
async def found(request: RouteRequest) -> Response[bytes]:
    """Founds a family. Its log begins with the founding, the founder's home, the founder and the child."""
    body = await request.read(FoundFamily)
    may_found(request.runtime.settings.founding, has_token=request.caller is not None)
    require_sane_birth(body.child.born, today=request.runtime.now().date(), at="child.born")
    family, member = FamilyId(uuid4()), MemberId(uuid4())
    household, child = HouseholdId(uuid4()), ChildId(uuid4())
    async with request.runtime.log.transaction() as transaction:
        person, device, token = await person_of(request, transaction, body.device)
        await transaction.open_family(family)
        await transaction.conn.execute(QUERIES.join_family, person, family, member)
        await transaction.write(
            family=family,
            author=member,
            facts=(
                FamilyFounded(),
                HouseholdOpened(household=household, name=body.household.name),
                MemberJoined(member=member, name=body.you.name, role=Role.PARENT, household=household, sees=Sees.ALL),
                ChildAdded(child=child, name=body.child.name, born=body.child.born),
            ),
        )
    return request.answer(
        Founded(family=family, member=member, household=household, child=child, device=device, token=token), status=201
    )


async def person_of(request: RouteRequest, transaction: LogTransaction, named: Named | None) -> tuple[PersonId, DeviceId, str]:
    """Returns the person, the device and the token of the caller.

    If the caller has no token, makes a new person, device and token.
    """
    if request.caller is not None:
        return request.caller.person, request.caller.device, token_in(request.asgi).decode()
    if named is None:
        raise FieldInvalid("Who brings no token names a device.", at="device")
    person = PersonId(uuid4())
    await transaction.conn.execute(QUERIES.add_person, person, transaction.now)
    device, token_text = await add_device(transaction, person, named.name)
    return person, device, token_text


async def add_device(transaction: LogTransaction, person: PersonId, name: str) -> tuple[DeviceId, str]:
    """Adds a device to a person.

    Raises:
        TooMany: the person has `DEVICES_MAX` devices already.
    """
    device_count = await transaction.conn.fetchval(QUERIES.take_person, person)
    if device_count is None or device_count >= DEVICES_MAX:
        raise TooMany(f"A person has at most {DEVICES_MAX} devices.", at="device")
    device, token = DeviceId(uuid4()), new_token()
    await transaction.conn.execute(QUERIES.add_device, device, person, name, hash_of(token), transaction.now)
    return device, token


async def lock_membership(transaction: LogTransaction, caller: Membership) -> Membership:
    """Locks the caller's membership until the transaction ends.

    The guard's answer is not enough, because it may come from a cache.

    Raises:
        NotFound: the caller has left in the meantime.
    """
    row = await transaction.conn.fetchrow(QUERIES.hold_membership, caller.person, caller.family)
    if row is None or row["member_id"] != caller.member:
        raise NotFound
    return caller


@get("/v1/me", opt=ME.opt())
async def me(request: RouteRequest) -> Response[bytes]:
    """Returns the memberships and devices of the caller."""
    caller: Caller = request.device
    memberships = await request.runtime.pool.fetch(QUERIES.memberships, caller.person)
    devices = await request.runtime.pool.fetch(QUERIES.own_devices, caller.person)
    return request.answer(
        Me(
            person=caller.person,
            memberships=tuple(
                MembershipListed(
                    family=row["family_id"],
                    member=row["member_id"],
                    name=row["name"],
                    role=Role(row["role"]),
                    household=row["household_id"],
                )
                for row in memberships
            ),
            devices=tuple(
                DeviceListed(
                    device=row["device_id"],
                    name=row["name"],
                    created_at=row["created_at"],
                    this=row["device_id"] == caller.device,
                )
                for row in devices
            ),
        )
    )


@get("/v1/families/{family:uuid}", opt=ROSTER.opt())
async def roster(request: RouteRequest) -> Response[bytes]:
    """Returns the roster of the family. Reads one snapshot, so that each member's home is in the list of homes."""
    family = request.member.family
    async with request.runtime.pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        return request.answer(
            FamilyListed(
                family=family,
                households=await _listed(connection, QUERIES.households, family, HouseholdListed),
                children=await _listed(connection, QUERIES.children, family, ChildListed),
                members=await _listed(connection, QUERIES.members, family, MemberListed),
            )
        )


async def _listed(connection: Any, query: str, family: UUID, shape: Any) -> tuple[Any, ...]:
    return tuple(msgspec.convert(dict(row), shape) for row in await connection.fetch(query, family))


@post("/v1/families/{family:uuid}/children", opt=ADD_CHILD.opt())
async def add_child(request: RouteRequest) -> Response[bytes]:
    """Adds a child to the family."""
    body = await request.read(NewChild)
    caller = request.member
    may_add_child(caller.role)
    require_sane_birth(body.born, today=request.runtime.now().date(), at="born")
    child = ChildId(uuid4())
    async with request.runtime.log.transaction() as transaction:
        await lock_membership(transaction, caller)
        added = ChildAdded(child=child, name=body.name, born=body.born)
        await transaction.write(family=caller.family, author=caller.member, facts=(added,))
        # Counted after the family's head was locked: of two concurrent requests, only one can add the last allowed child.
        counts = await transaction.conn.fetchrow(QUERIES.counts, caller.family)
        if counts["children"] > CHILDREN_MAX:
            raise TooMany(f"A family has at most {CHILDREN_MAX} children.")
    return request.answer(ChildListed(child=child, name=body.name, born=body.born), status=201)


ROUTES: Final = (found, me, roster, add_child)
