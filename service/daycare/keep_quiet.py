"""Says again before whom a daycare's staff should keep quiet, of records that are in the log already.

Owns this for repeated and amended records: the answer to the first post may have been lost. By choices alone, as they are
declared now, and never by what anybody has seen or is kept from; so a repetition's receipt says what the first receipt said.
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
from projections.keep_quiet import QuietList
from projections.logged_event import logged
from projections.roster import Member, Roster, roster_of
from projections.subjects import describe
from projections.surprise_state import SurpriseState
from projections.visibility import readers_of
from service.daycare.translate import Said
from service.log.store.codec import decode_wishes
from service.postgres.queries import load

QUERIES: Final = load(__package__, "keep_quiet.sql")
NO_EVENT: Final = EventId(UUID(int=0))
ANY_WORDS: Final = "…"
"""Whether a note is an everyday one is not in its words."""

InFamily = tuple[FamilyId, MemberId, Said]
"""What a daycare's record says, in which family."""


async def quiet_before(pool: Any, records: Sequence[InFamily], *, now: datetime) -> list[tuple[str, ...]]:
    """Returns, for each record, the names of those who wait for what it tells."""
    families = list({family for family, _, _ in records})
    waiting: defaultdict[FamilyId, dict[MemberId, SurpriseState]] = defaultdict(dict)
    for family, member, body in await pool.fetch(QUERIES.wishes, families):
        waiting[family][member] = SurpriseState(member, decode_wishes(body))
    if not waiting:
        return [()] * len(records)
    rosters = await _rosters(pool, list(waiting))
    return [
        _names(said, author, rosters[family], waiting[family], now) if family in waiting else ()
        for family, author, said in records
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
    said: Said, author: MemberId, roster: Roster, waiting: dict[MemberId, SurpriseState], now: datetime
) -> tuple[str, ...]:
    quiet, names = QuietList(author, roster, waiting), set[str]()
    for body in _bodies(said):
        event = Event(
            id=NO_EVENT, author=author, occurred_at=now, precision=Precision.DAY, recorded_at=now, received_at=now,
            audience=Audience.FAMILY, event=body,
        )  # fmt: skip
        first = logged(Seq(1), event, None)
        described = describe(event, first, None, role=Role.DAYCARE, sent=None, naming="first")
        names.update(quiet.names((described,), readers_of(first.kind, author, Audience.FAMILY, roster)))
    return tuple(sorted(names))


def _bodies(said: Said) -> list[Body]:
    """What a record tells of, without its words."""
    if not said.milestones:
        return [NoteWritten(child=said.child, text=ANY_WORDS, may_tell_of=said.may_tell_of)] if said.events else []
    return [
        MilestoneObserved(
            child=said.child,
            milestone=one,
            found_in_prose=said.is_found,
            tells_of=(*said.milestones[1:], *said.may_tell_of) if part == 0 else (),
        )
        for part, one in enumerate(said.milestones)
    ]
