"""Folds roster facts into the members, homes, children and own milestones of a family. Decides who reads each author's words.

The roster is a value: it is small, and built again on every change.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from events.catalogue import CATALOGUE, Domain, Milestone
from events.event import Audience, Event, Role
from events.family import (
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
    """A member, as the roster knows them. A member who has left stays in the roster, because their words stay in the log."""

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
    """When the name was recorded. Of two names the one recorded later counts, in any order of arrival."""
    named_by: EventId


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """The members and children of a family. Build it with `roster_of`: `present`, `parents`, `readers` follow from `members`."""

    members: dict[MemberId, Member]
    households: dict[HouseholdId, str]
    children: dict[ChildId, Child]
    own_milestones: dict[str, OwnMilestone]
    present: tuple[MemberId, ...]
    """The members who have not left, in order of id."""
    parents: tuple[MemberId, ...]
    """The parents among `present`."""
    readers: dict[MemberId, dict[Audience, tuple[MemberId, ...]]]
    """Author and audience -> the readers in order of id, the author included. The authors are the members in `present`."""

    def domain_of(self, milestone: str) -> str:
        """Returns the domain of a milestone; see `milestone_of`."""
        return milestone_of(milestone, self.own_milestones).domain

    def role_of(self, member: MemberId) -> Role | None:
        """Returns the role of a member; None before they have joined."""
        return known.role if (known := self.members.get(member)) is not None else None


def milestone_of(key: str, own_milestones: Mapping[str, OwnMilestone]) -> Milestone | OwnMilestone:
    """Returns the milestone with a key: one of the catalogue, or one of the family's own.

    Raises:
        KeyError: there is no such milestone.
    """
    return CATALOGUE.by_key.get(key) or own_milestones[key]


def roster_of(
    *,
    members: dict[MemberId, Member],
    households: dict[HouseholdId, str],
    children: dict[ChildId, Child],
    own_milestones: dict[str, OwnMilestone],
) -> Roster:
    """Returns a roster, with the fields that follow from `members` filled in."""
    here = sorted((member for member in members.values() if not member.has_left), key=lambda member: member.member)
    return Roster(
        members=members,
        households=households,
        children=children,
        own_milestones=own_milestones,
        present=tuple(member.member for member in here),
        parents=tuple(member.member for member in here if member.role is Role.PARENT),
        readers={
            author.member: {
                audience: tuple(one.member for one in here if is_reader(one, audience, author=author)) for audience in Audience
            }
            for author in here
        },
    )


def is_reader(reader: Member, audience: Audience, *, author: Member) -> bool:
    """Returns whether a member is in the audience of an author's words. Authors always read their own words."""
    if reader.member == author.member:
        return True
    if reader.sees is Sees.OWN:
        return False
    match audience:
        case Audience.ME:
            return False
        case Audience.HOUSEHOLD:
            return reader.household == author.household
        case Audience.FAMILY:
            return True


def may_sort(sorter: MemberId, author: MemberId, roster: Roster) -> bool:
    """Returns whether a member may sort an author's words. A parent's words are sorted only by that parent."""
    return sorter == author or roster.role_of(author) is not Role.PARENT


EMPTY = roster_of(members={}, households={}, children={}, own_milestones={})


def step(roster: Roster, event: Event[Any]) -> Roster:
    """Returns the roster after one more event; the same object if the event does not change it.

    The service writes facts about children, members and homes. Of two facts about the same child, member or home, the later one
    in the log counts, whatever their times are. The times come from the clocks of several machines, but seqs are assigned under
    the lock of the family's head. Of two names of a milestone the one recorded later counts.
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
        case MilestoneNamed() as named:
            before, (named_at, named_by) = roster.own_milestones.get(named.milestone), event.order
            if before is not None and (before.named_at, before.named_by) > (named_at, named_by):
                return roster
            own = OwnMilestone(
                milestone=named.milestone, title=named.title, domain=named.domain, named_at=named_at, named_by=named_by
            )  # fmt: skip
            return _with(roster, own_milestones=roster.own_milestones | {named.milestone: own})
        case _:
            return roster


def member_of(joined: MemberJoined) -> Member:
    """Returns the member that a MemberJoined adds."""
    return Member(member=joined.member, household=joined.household, name=joined.name, role=joined.role, sees=joined.sees)


def _with(roster: Roster, **changed: Any) -> Roster:
    kept = {name: getattr(roster, name) for name in ("members", "households", "children", "own_milestones")}
    return roster_of(**(kept | changed))
