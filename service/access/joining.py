"""Serves the routes that invite people, accept invites, and end memberships. `decide` checks permission.

Locks are always taken in this order: membership, invite, family's head. So these transactions cannot deadlock.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import Response, delete, post
from uuid_utils.compat import uuid7

from events.errors import RoleMayNot
from events.event import PERSONS, Draft, Precision, Role
from events.family import HouseholdOpened, MemberJoined, MemberLeft, Sees
from events.ids import EventId, FamilyId, HouseholdId, MemberId
from events.surprise import SurpriseChosen
from events.wire import DeviceBody
from projections.roster import member_of
from service.access.decide import INVITE_LIVES, MEMBERS_MAX, OPEN_INVITES_MAX, RosterMember, decide_invite, may_remove
from service.access.errors import (
    AlreadyMember,
    CannotSeeThat,
    ChoiceRefused,
    CodeUnusable,
    LastParent,
    NotForRole,
    NotYourHousehold,
    NotYoursToRemove,
    TooMany,
)
from service.access.founding import QUERIES, lock_membership, person_of
from service.access.guard import Membership, hash_of, new_code
from service.access.shapes import AcceptInvite, Admitted, Invite, Invited, JoinerChoice
from service.daycare.leaving import forget_daycare, forget_parents_files, require_removable
from service.http.endpoint import CallerKind, Endpoint
from service.http.problems import NotFound
from service.http.rate_limit import Kind
from service.http.request import RouteRequest, nothing
from service.log.transaction import LogTransaction

INVITE = Endpoint(
    summary="Invite a person or a daycare. The code works once, within seven days",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=201, request=Invite, response=Invited,
    errors=(NotForRole, NotYourHousehold, CannotSeeThat, TooMany),
)  # fmt: skip
ACCEPT = Endpoint(
    summary="Accept an invite, as a new person, or with a token as the same one",
    caller=CallerKind.ANYONE_OR_DEVICE, kind=Kind.ACCESS, status=201, request=AcceptInvite, response=Admitted,
    errors=(CodeUnusable, AlreadyMember, RoleMayNot, ChoiceRefused, TooMany),
)  # fmt: skip
REMOVE = Endpoint(
    summary="Leave, or remove a caregiver or a daycare of one's own household",
    caller=CallerKind.MEMBER, kind=Kind.ACCESS, status=204, errors=(NotYoursToRemove, LastParent),
)  # fmt: skip


@post("/v1/families/{family:uuid}/invites", opt=INVITE.opt())
async def invite(request: RouteRequest) -> Response[bytes]:
    """Makes an invite. Only the hash of its code is stored."""
    body = await request.read(Invite)
    caller = request.member
    granted = decide_invite(body, inviter=_roster_member(caller))
    code = new_code()
    async with request.runtime.log.transaction() as transaction:
        await lock_membership(transaction, caller)
        await transaction.conn.execute(QUERIES.drop_dead_invites, caller.family, caller.member, transaction.now)
        if await transaction.conn.fetchval(QUERIES.count_invites, caller.family, caller.member) >= OPEN_INVITES_MAX:
            raise TooMany(f"A member has at most {OPEN_INVITES_MAX} open invites.")
        expires_at = transaction.now + INVITE_LIVES
        await transaction.conn.execute(
            QUERIES.add_invite, hash_of(code), caller.family, caller.member, granted.role, granted.sees,
            granted.household, granted.new_household, body.name, expires_at,
        )  # fmt: skip
    return request.answer(Invited(code=code, url=_join_url(request, code), expires_at=expires_at), status=201)


def _join_url(request: RouteRequest, code: str) -> str:
    """Returns the link of an invite. The code is in the URL's fragment, which browsers do not send, so no proxy logs the code."""
    base = request.runtime.settings.public_url or f"{request.scope['scheme']}://{request.headers.get('host', 'localhost')}"
    return f"{base.rstrip('/')}/join#{code}"


@post("/v1/invites/accept", opt=ACCEPT.opt())
async def accept(request: RouteRequest) -> Response[bytes]:
    """Makes the caller a member of the inviting family. Writes the caller's surprise choices before any history is delivered."""
    body = await request.read(AcceptInvite)
    member = MemberId(uuid4())
    async with request.runtime.log.transaction() as transaction:
        row = await transaction.conn.fetchrow(QUERIES.use_invite, hash_of(body.code), transaction.now)
        if row is None:
            raise CodeUnusable
        family, role = FamilyId(row["family_id"]), Role(row["role"])
        if body.surprise and role not in PERSONS:
            raise RoleMayNot(f"A {role} chooses no surprises.", at="surprise")
        person, device, token = await person_of(request, transaction, body.device)
        if await transaction.conn.fetchval(QUERIES.join_family, person, family, member) is None:
            raise AlreadyMember("The person of this token is a member of that family already.")
        facts = _facts_of(row, member=member, name=body.name)
        await _write_choices(transaction, body.surprise, family=family, joined=facts[-1])
        await transaction.write(family=family, author=MemberId(row["invited_by"]), facts=facts)
        counts = await transaction.conn.fetchrow(QUERIES.counts, family)
        if counts["members"] > MEMBERS_MAX:
            raise TooMany(f"A family has at most {MEMBERS_MAX} members.")
    return request.answer(Admitted(family=family, member=member, device=device, token=token), status=201)


def _facts_of(row: Any, *, member: MemberId, name: str) -> tuple[*tuple[HouseholdOpened, ...], MemberJoined]:
    """Returns the roster facts to append: the new home if the invite names a new home, then the new member."""
    new_home: tuple[HouseholdOpened, ...] = ()
    household = row["household_id"]
    if household is None:
        household = HouseholdId(uuid4())
        new_home = (HouseholdOpened(household=household, name=row["household_name"]),)
    joined = MemberJoined(
        member=member, name=name, role=Role(row["role"]), household=HouseholdId(household), sees=Sees(row["sees"])
    )
    return (*new_home, joined)


async def _write_choices(
    transaction: LogTransaction, choices: Sequence[JoinerChoice], *, family: FamilyId, joined: MemberJoined
) -> None:
    """Writes the joiner's surprise choices before the join, in the same transaction. So the choices apply to the history, too.

    Raises:
        ChoiceRefused: a choice is invalid. `at` names the invalid field of the first such choice.
    """
    if not choices:
        return
    drafts = tuple(_draft_of(choice, transaction.now) for choice in choices)
    joiner = member_of(joined)
    for index, receipt in enumerate(await transaction.choose(family=family, joiner=joiner, drafts=drafts)):
        if receipt.problem is not None:
            field = (receipt.problem.at or "").rpartition("event.")[2]
            raise ChoiceRefused(receipt.problem.detail, at=f"surprise[{index}].{field}".rstrip("."))


def _draft_of(choice: JoinerChoice, now: datetime) -> Draft[DeviceBody]:
    chosen = SurpriseChosen(**msgspec.structs.asdict(choice))
    return Draft(id=EventId(uuid7()), occurred_at=now, precision=Precision.MINUTE, recorded_at=now, event=chosen)


@delete("/v1/families/{family:uuid}/members/{member:uuid}", status_code=204, opt=REMOVE.opt())
async def remove(request: RouteRequest) -> Response[None]:
    """Ends a membership.

    The events of the former member stay in the log, and the open invites that this member made are deleted.
    """
    caller = request.member
    target = MemberId(request.ids["member"])
    async with request.runtime.log.transaction() as transaction:
        row = await transaction.conn.fetchrow(QUERIES.member, caller.family, target)
        if row is None:
            raise NotFound
        may_remove(
            RosterMember(member=target, role=Role(row["role"]), household=HouseholdId(row["household"])),
            by=_roster_member(caller),
        )
        if target != caller.member:
            await lock_membership(transaction, caller)
            await require_removable(transaction, family=caller.family, member=target, by=caller.member)
        person = await transaction.conn.fetchval(QUERIES.leave_family, caller.family, target)
        if person is None:
            raise NotFound
        await transaction.conn.execute(QUERIES.drop_invites, caller.family, target)
        if row["role"] == Role.DAYCARE:
            await forget_daycare(transaction, family=caller.family, member=target, person=person)
        else:
            await forget_parents_files(transaction, family=caller.family, member=target)
        await transaction.write(family=caller.family, author=caller.member, facts=(MemberLeft(member=target),))
        # Counted after the family's head was locked: if the last two parents leave at the same time, one of them stays.
        counts = await transaction.conn.fetchrow(QUERIES.counts, caller.family)
        if counts["parents"] == 0:
            raise LastParent("Invite another parent first: without one, nobody could invite, export or erase.")
    request.runtime.guard.forget()
    request.runtime.notifier.members_left(caller.family, (target,))
    return nothing()


def _roster_member(caller: Membership) -> RosterMember:
    return RosterMember(member=caller.member, role=caller.role, household=caller.household)


ROUTES: Final = (invite, accept, remove)
