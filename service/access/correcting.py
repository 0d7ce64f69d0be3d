"""Puts the roster right: a child's name and birth date, a member's name, a home's name. Owns the routes; `decide` says who may.

Everybody in the family is told, as of every roster fact. What is asked for and is so already writes nothing: a request may be
sent again. A change is made of the row as it is under the lock of the family's head, so that of two at once, one of a name and
one of a birth date, neither undoes the other.
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
from service.access.decide import Standing, may_correct_child, may_rename_household, may_rename_member, require_sane_birth
from service.access.errors import BirthDateOutOfRange, NotForRole, NotYoursToRename
from service.access.founding import QUERIES, held_membership
from service.access.guard import Membership
from service.access.shapes import ChildChanges, ChildListed, HouseholdListed, MemberListed, Named
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest
from service.log.log import LogTransaction

CORRECT_CHILD: Final = Endpoint(
    summary="Put right a child's name or birth date. What is left out stays",
    who=CallerKind.MEMBER, kind=Kind.ACCESS, takes=ChildChanges, answers=ChildListed, refuses=(NotForRole, BirthDateOutOfRange),
)  # fmt: skip
RENAME_MEMBER: Final = Endpoint(
    summary="Take another name, or give one to a daycare of one's own home",
    who=CallerKind.MEMBER, kind=Kind.ACCESS, takes=Named, answers=MemberListed, refuses=(NotYoursToRename,),
)  # fmt: skip
RENAME_HOUSEHOLD: Final = Endpoint(
    summary="Give one's own home another name",
    who=CallerKind.MEMBER, kind=Kind.ACCESS, takes=Named, answers=HouseholdListed, refuses=(NotYoursToRename,),
)  # fmt: skip


@patch("/v1/families/{family:uuid}/children/{child:uuid}", opt=CORRECT_CHILD.opt())
async def correct_child(request: RouteRequest) -> Response[bytes]:
    """The event says all that is known of the child from then on."""
    asked = await request.read(ChildChanges)
    caller, child = request.member, ChildId(request.ids["child"])
    may_correct_child(caller.role)
    if asked.name is UNSET and asked.born is UNSET:
        raise FieldInvalid("Say a `name`, or `born`, or both.", at=None)
    if asked.born is not UNSET:
        require_sane_birth(asked.born, today=request.runtime.now().date(), at="born")
    async with request.runtime.log.transaction() as writing:
        before = await _as_it_is(writing, caller, QUERIES.child, child, ChildListed)
        after = msgspec.structs.replace(
            before,
            name=before.name if asked.name is UNSET else asked.name,
            born=before.born if asked.born is UNSET else asked.born,
        )
        if after != before:
            await _write(writing, caller, ChildCorrected(child=child, name=after.name, born=after.born))
    return request.answer(after)


@patch("/v1/families/{family:uuid}/members/{member:uuid}", opt=RENAME_MEMBER.opt())
async def rename_member(request: RouteRequest) -> Response[bytes]:
    """Nobody renames another person: the other parent's sitter neither."""
    asked = await request.read(Named)
    caller, member = request.member, MemberId(request.ids["member"])
    async with request.runtime.log.transaction() as writing:
        before = await _as_it_is(writing, caller, QUERIES.member, member, MemberListed)
        may_rename_member(Standing(member=member, role=before.role, household=before.household), by=_standing(caller))
        if asked.name != before.name:
            await _write(writing, caller, MemberRenamed(member=member, name=asked.name))
    return request.answer(msgspec.structs.replace(before, name=asked.name))


@patch("/v1/families/{family:uuid}/households/{household:uuid}", opt=RENAME_HOUSEHOLD.opt())
async def rename_household(request: RouteRequest) -> Response[bytes]:
    """A home is named by those who belong to it."""
    asked = await request.read(Named)
    caller, household = request.member, HouseholdId(request.ids["household"])
    async with request.runtime.log.transaction() as writing:
        before = await _as_it_is(writing, caller, QUERIES.household, household, HouseholdListed)
        may_rename_household(household, by=_standing(caller))
        if asked.name != before.name:
            await _write(writing, caller, HouseholdRenamed(household=household, name=asked.name))
    return request.answer(msgspec.structs.replace(before, name=asked.name))


async def _as_it_is(writing: LogTransaction, caller: Membership, query: str, id: UUID, shape: type[Any]) -> Any:
    """What stands in the roster, which nobody else changes until the transaction ends.

    Raises:
        NotFound: the family has nothing of this id; or the caller has left.
    """
    await held_membership(writing, caller)
    await writing.conn.fetchval(QUERIES.hold_head, caller.family)
    row = await writing.conn.fetchrow(query, caller.family, id)
    if row is None:
        raise NotFound
    return msgspec.convert(dict(row), shape)


async def _write(writing: LogTransaction, caller: Membership, fact: ServiceBody) -> None:
    await writing.write(family=caller.family, author=caller.member, facts=(fact,))


def _standing(caller: Membership) -> Standing:
    return Standing(member=caller.member, role=caller.role, household=caller.household)


ROUTES: Final = (correct_child, rename_member, rename_household)
