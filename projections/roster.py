"""Folds roster facts into who is in the family, in which home, and what they are told at most.

Owns no names beyond what the log says. The state that visibility and admission ask; small, and copied on every change.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

import msgspec

from events.catalogue import CATALOGUE, Domain
from events.event import Event, Role
from events.family import (
    ROSTER_FACTS,
    ChildAdded,
    ChildCorrected,
    HouseholdOpened,
    HouseholdRenamed,
    MemberJoined,
    MemberLeft,
    MemberRenamed,
    Sees,
)
from events.ids import ChildId, EventId, HouseholdId, MemberId
from events.observations import MilestoneNamed


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member, as the roster knows them. Who has left stays: their words do."""

    member: MemberId
    household: HouseholdId
    name: str
    role: Role
    sees: Sees
    has_left: bool = False


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A child of the family."""

    child: ChildId
    name: str
    born: date | None


class OwnMilestone(msgspec.Struct, frozen=True, kw_only=True):
    """A milestone that the family named itself."""

    milestone: str
    title: str
    domain: Domain
    named_at: datetime
    """When the name was recorded: of two names the later one counts, in whatever order they arrive."""
    named_by: EventId


class Readers(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of what one member writes, by its audience; the author among them."""

    me: tuple[MemberId, ...]
    household: tuple[MemberId, ...]
    family: tuple[MemberId, ...]


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in the family. `present`, `parents` and `readers` follow from `members`: build it with `roster_of`."""

    members: dict[MemberId, Member]
    households: dict[HouseholdId, str]
    children: dict[ChildId, Child]
    own_milestones: dict[str, OwnMilestone]
    present: tuple[MemberId, ...]
    """Everybody who has not left, in order of id."""
    parents: tuple[MemberId, ...]
    """Those of them who are."""
    readers: dict[MemberId, Readers]
    """By author; of everybody who has not left."""
    unnamed: dict[MemberId, frozenset[str]] = {}
    """The family's own milestones whose names are held from a member. Follows from what is held, and is no row."""

    def milestone_is_known(self, key: str, *, by: MemberId) -> bool:
        """Say whether the catalogue has the milestone, or this family as far as a member was told."""
        return key in CATALOGUE.by_key or (key in self.own_milestones and key not in self.unnamed.get(by, ()))


def roster_of(
    *,
    members: dict[MemberId, Member],
    households: dict[HouseholdId, str],
    children: dict[ChildId, Child],
    own_milestones: dict[str, OwnMilestone],
) -> Roster:
    """Build a roster, with its lists of readers."""
    here = sorted((member for member in members.values() if not member.has_left), key=lambda member: member.member)
    told = [member for member in here if member.sees is not Sees.OWN]
    return Roster(
        members=members,
        households=households,
        children=children,
        own_milestones=own_milestones,
        present=tuple(member.member for member in here),
        parents=tuple(member.member for member in here if member.role is Role.PARENT),
        readers={author.member: _readers(author, told) for author in here},
    )


def _readers(author: Member, told: list[Member]) -> Readers:
    at_home = [member.member for member in told if member.household == author.household]
    everybody = [member.member for member in told]
    return Readers(
        me=(author.member,),
        household=tuple(at_home) if author.member in at_home else (*at_home, author.member),
        family=tuple(everybody) if author.member in everybody else (*everybody, author.member),
    )


EMPTY = roster_of(members={}, households={}, children={}, own_milestones={})


CHANGES_A_ROSTER: Final = frozenset({*(fact.__name__ for fact in ROSTER_FACTS), "MilestoneNamed"})


def step(roster: Roster, event: Event[Any]) -> Roster:
    """The roster after one more event; the same roster where the event's kind does not change one.

    Of two facts that the service wrote about one child, member or home, the one that stands later in the log counts: they are
    written under the lock of the family's head, by clocks of several machines.
    """
    match event.event:
        case HouseholdOpened(household=household, name=name) | HouseholdRenamed(household=household, name=name):
            return _with(roster, households=roster.households | {household: name})
        case ChildAdded(child=child, name=name, born=born) | ChildCorrected(child=child, name=name, born=born):
            return _with(roster, children=roster.children | {child: Child(child=child, name=name, born=born)})
        case MemberRenamed() as renamed:
            member = msgspec.structs.replace(roster.members[renamed.member], name=renamed.name)
            return _with(roster, members=roster.members | {renamed.member: member})
        case MemberJoined() as joined:
            return _with(roster, members=roster.members | {joined.member: member_of(joined)})
        case MemberLeft() as left:
            gone = msgspec.structs.replace(roster.members[left.member], has_left=True)
            return _with(roster, members=roster.members | {left.member: gone})
        case MilestoneNamed(milestone=key):
            own_milestones = named_after(roster.own_milestones, event)
            if own_milestones[key] is roster.own_milestones.get(key):
                return roster
            return _with(roster, own_milestones=own_milestones)
        case _:
            return roster


def named_after(names: Mapping[str, OwnMilestone], event: Event[MilestoneNamed]) -> dict[str, OwnMilestone]:
    """Returns the family's own milestones after one more naming: of two names the one recorded later counts."""
    named, (named_at, named_by) = event.event, event.order
    before = names.get(named.milestone)
    if before is not None and (before.named_at, before.named_by) > (named_at, named_by):
        return dict(names)
    own = OwnMilestone(milestone=named.milestone, title=named.title, domain=named.domain, named_at=named_at, named_by=named_by)
    return {**names, named.milestone: own}


def member_of(joined: MemberJoined) -> Member:
    """The member whom a MemberJoined brings in."""
    return Member(member=joined.member, household=joined.household, name=joined.name, role=joined.role, sees=joined.sees)


def _with(roster: Roster, **changed: Any) -> Roster:
    kept = {name: getattr(roster, name) for name in ("members", "households", "children", "own_milestones")}
    return msgspec.structs.replace(roster_of(**(kept | changed)), unnamed=roster.unnamed)
