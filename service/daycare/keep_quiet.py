"""Finds the names in `keep_quiet` for records that are in the log already: members to whom staff should not mention a record.

Owns these names for repeated and amended records, because the response to the first post may have been lost. The names depend
only on the present choices of the members. They never depend on what a member has seen, or on what is held from a member (law
21).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from events.event import Audience, Body, Event, Precision, Role
from events.family import Sees
from events.ids import EventId, FamilyId, MemberId, Seq
from events.observations import MilestoneObserved, NoteWritten
from projections.family import Family
from projections.keep_quiet import quiet_names
from projections.logged_event import describe, logged
from projections.roster import Member, Roster, roster_of
from projections.surprise_state import SurpriseState
from service.daycare.translate import RecordState
from service.log.store.codec import decode_wishes
from service.postgres.queries import load

QUERIES: Final = load(__package__, "keep_quiet.sql")
NO_EVENT: Final = EventId(UUID(int=0))
ANY_WORDS: Final = "…"
"""A placeholder for the words of a note. The names in `keep_quiet` do not depend on the words."""

InFamily = tuple[FamilyId, MemberId, RecordState]
"""The family, the author and the recorded state of one record."""


async def quiet_before(pool: Any, records: Sequence[InFamily], *, now: datetime) -> list[tuple[str, ...]]:
    """Returns, for each record, the names of the members to whom staff should not mention the record."""
    families = list({family for family, _, _ in records})
    waiting: defaultdict[FamilyId, dict[MemberId, SurpriseState]] = defaultdict(dict)
    for family, member, body in await pool.fetch(QUERIES.wishes, families):
        waiting[family][member] = SurpriseState(member, decode_wishes(body))
    if not waiting:
        return [()] * len(records)
    rosters = await _rosters(pool, list(waiting))
    return [
        _names(state, author, rosters[family], waiting[family], now) if family in waiting else ()
        for family, author, state in records
    ]


async def _rosters(pool: Any, families: Sequence[FamilyId]) -> dict[FamilyId, Roster]:
    members: dict[FamilyId, dict[MemberId, Member]] = {family: {} for family in families}
    for family, member, household, name, role, sees, has_left in await pool.fetch(QUERIES.members, families):
        members[family][member] = Member(
            member=member, household=household, name=name, role=Role(role), sees=Sees(sees), has_left=has_left
        )
    return {
        family: roster_of(members=found, households={}, children={}, own_milestones={}) for family, found in members.items()
    }


def _names(
    state: RecordState, author: MemberId, roster: Roster, waiting: dict[MemberId, SurpriseState], now: datetime
) -> tuple[str, ...]:
    family, names = Family(roster, waiting), set[str]()
    for body in _bodies(state):
        event = Event(
            id=NO_EVENT, author=author, occurred_at=now, precision=Precision.DAY, recorded_at=now, received_at=now,
            audience=Audience.FAMILY, event=body,
        )  # fmt: skip
        first = logged(Seq(1), event, None)
        described = describe(event, first, None, role=Role.DAYCARE)
        names.update(quiet_names(family, (described,), first))
    return tuple(sorted(names))


def _bodies(state: RecordState) -> list[Body]:
    """Returns event bodies with the milestones of a record.

    The record's words are not known, so the bodies do not contain them.
    """
    if not state.milestones:
        return [NoteWritten(child=state.child, text=ANY_WORDS, may_tell_of=state.may_tell_of)] if state.events else []
    return [
        MilestoneObserved(
            child=state.child,
            milestone=one,
            found_in_prose=state.is_found,
            tells_of=(*state.milestones[1:], *state.may_tell_of) if part == 0 else (),
        )
        for part, one in enumerate(state.milestones)
    ]
