"""Serves the routes that correct the roster: a child's name or birth date, a member's name, a home's name.

`decide` checks permission. Each correction is visible to all members, like every roster fact. A request that changes nothing
writes nothing, so a client can repeat a request. The current row is read under the lock of the family's head. So a correction of
a child's name does not undo a concurrent correction of the child's birth date.
"""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, patch
from msgspec import UNSET

from events.errors import FieldInvalid
from events.family import ChildCorrected, HouseholdRenamed, MemberRenamed
from events.ids import ChildId, HouseholdId, MemberId
from events.wire import ServiceBody
from service.access.decide import RosterMember, may_correct_child, may_rename_household, may_rename_member, require_sane_birth
from service.access.errors import BirthDateOutOfRange, NotForRole, NotYoursToRename
from service.access.founding import QUERIES, lock_membership
from service.access.guard import Membership
from service.access.shapes import ChildChanges, ChildListed, HouseholdListed, MemberListed, Named
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.log.transaction import LogTransaction

CORRECT_CHILD: Final = Endpoint(
    summary="Put right a child's name or birth date. What is left out stays",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, request=ChildChanges, response=ChildListed,
    errors=(NotForRole, BirthDateOutOfRange),
)  # fmt: skip
RENAME_MEMBER: Final = Endpoint(
    summary="Take another name, or give one to a daycare of one's own home",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, request=Named, response=MemberListed, errors=(NotYoursToRename,),
)  # fmt: skip
RENAME_HOUSEHOLD: Final = Endpoint(
    summary="Give one's own home another name",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, request=Named, response=HouseholdListed, errors=(NotYoursToRename,),
)  # fmt: skip


@patch("/v1/families/{family:uuid}/children/{child:uuid}", opt=CORRECT_CHILD.opt())
async def correct_child(request: RouteRequest) -> Response[bytes]:
    """Corrects a child's name or birth date. The event contains the name and the birth date, even if only one of them changed."""
    body = await request.read(ChildChanges)
    caller, child = request.member, ChildId(request.ids["child"])
    may_correct_child(caller.role)
    if body.name is UNSET and body.born is UNSET:
        raise FieldInvalid("Say a `name`, or `born`, or both.", at=None)
    if body.born is not UNSET:
        require_sane_birth(body.born, today=request.runtime.now().date(), at="born")
    async with request.runtime.log.transaction() as transaction:
        before = await _lock_and_read(transaction, caller, QUERIES.child, child, ChildListed)
        after = msgspec.structs.replace(
            before,
            name=before.name if body.name is UNSET else body.name,
            born=before.born if body.born is UNSET else body.born,
        )
        if after != before:
            await _write(transaction, caller, ChildCorrected(child=child, name=after.name, born=after.born))
    return request.answer(after)


@patch("/v1/families/{family:uuid}/members/{member:uuid}", opt=RENAME_MEMBER.opt())
async def rename_member(request: RouteRequest) -> Response[bytes]:
    """Renames a member. A member can rename themselves, and a parent can also rename the daycares of the parent's home."""
    body = await request.read(Named)
    caller, member = request.member, MemberId(request.ids["member"])
    async with request.runtime.log.transaction() as transaction:
        before = await _lock_and_read(transaction, caller, QUERIES.member, member, MemberListed)
        may_rename_member(RosterMember(member=member, role=before.role, household=before.household), by=_roster_member(caller))
        if body.name != before.name:
            await _write(transaction, caller, MemberRenamed(member=member, name=body.name))
    return request.answer(msgspec.structs.replace(before, name=body.name))


@patch("/v1/families/{family:uuid}/households/{household:uuid}", opt=RENAME_HOUSEHOLD.opt())
async def rename_household(request: RouteRequest) -> Response[bytes]:
    """Renames a home. Only a person who belongs to the home may rename it."""
    body = await request.read(Named)
    caller, household = request.member, HouseholdId(request.ids["household"])
    async with request.runtime.log.transaction() as transaction:
        before = await _lock_and_read(transaction, caller, QUERIES.household, household, HouseholdListed)
        may_rename_household(household, by=_roster_member(caller))
        if body.name != before.name:
            await _write(transaction, caller, HouseholdRenamed(household=household, name=body.name))
    return request.answer(msgspec.structs.replace(before, name=body.name))


async def _lock_and_read(transaction: LogTransaction, caller: Membership, query: str, id: UUID, shape: type[Any]) -> Any:
    """Locks the family's head until the transaction ends, and returns the present roster row with this id.

    Raises:
        NotFound: the family has no row with this id, or the caller has left.
    """
    await lock_membership(transaction, caller)
    await transaction.conn.fetchval(QUERIES.hold_head, caller.family)
    row = await transaction.conn.fetchrow(query, caller.family, id)
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row), shape)


async def _write(transaction: LogTransaction, caller: Membership, fact: ServiceBody) -> None:
    await transaction.write(family=caller.family, author=caller.member, facts=(fact,))


def _roster_member(caller: Membership) -> RosterMember:
    return RosterMember(member=caller.member, role=caller.role, household=caller.household)


ROUTES: Final = (correct_child, rename_member, rename_household)
