"""Names the members who should not learn of what an author wrote, as far as the author may know.

Owns what a receipt's `keep_quiet` states. It follows from three things: what the author wrote, what the author was sent of the
events that this refers to, and declared choices. It never follows from what is held from the author (law 21), nor from what
another member saw alone or opened (law 14). It names at least every member from whom the event is held (law 20). Where the
author cannot know, it names one member too many rather than one too few.
"""

from collections.abc import Collection, Container, Mapping
from typing import Any

import msgspec

from events.event import Event
from events.family import Sees
from events.ids import MemberId, Seq
from events.kinds import TELLING
from projections.family import Family
from projections.logged_event import Content, DescribedEvent, LoggedEvent, Subject, logged
from projections.roster import Member, Roster
from projections.surprise_state import SurpriseState, asks_to_wait, choice_for
from projections.visibility_fast import is_kept, reasons


def telling_of(
    family: Family, seq: Seq, event: Event[Any], target: LoggedEvent | None, described: DescribedEvent | None = None
) -> tuple[DescribedEvent, ...]:
    """Returns what an event and all that it refers to reveal by their own content, and by sortings that its author was sent.

    A sorting gives an event one more subject. The event, and every event that refers to it, can be held because of that subject
    (law 20). A sorting that the author was not sent changes no receipt of theirs (law 21).
    """
    kind = type(event.event).__name__
    if kind == "Withdrawn" and target is not None and target.author == event.author:
        return ()  # it reveals nothing to anybody
    found = family.telling.get(target.seq, ()) if target is not None else ()
    if described is None and kind in TELLING:
        described = family.describe(event, logged(seq, event, target), target, naming="first")
    if described is not None:
        found = telling_with(described, found)
    if found:
        family.telling[seq] = found
    for sorting in family.sortings.get(target.thread, ()) if target is not None else ():
        if sorting.seq < seq and event.author in sorting.logged.delivered_to:
            found = telling_with(sorting, found)
    return found


def telling_with(described: DescribedEvent, above: tuple[DescribedEvent, ...]) -> tuple[DescribedEvent, ...]:
    """Returns an event and those that it refers to, as far as they reveal anything, without any that reveal the same."""
    if described.logged.kind == "MilestoneNamed":
        # Always treated as the first name: whether it is depends on names that may be held from its author.
        named: tuple[Subject, ...] = tuple([(None, own) for own in described.content.own_milestones])
        content = Content(subjects=named, own_milestones=described.content.own_milestones)
        return (msgspec.structs.replace(described, content=content),)
    if not described.content.tells or any(_is_alike(described, other) for other in above):
        return above
    return (described, *above)


def _is_alike(one: DescribedEvent, other: DescribedEvent) -> bool:
    """Returns whether two events reveal the same: a thread of a thousand everyday notes reveals no more than its first one."""
    return one.logged.author == other.logged.author and (
        (one.content.stated, one.content.is_everyday, one.content.child)
        == (other.content.stated, other.content.is_everyday, other.content.child)
    )


class QuietList:
    """The members to whom one author should not mention what they write, as far as that author may know."""

    __slots__ = ("_author", "_count", "_others", "_roster")

    def __init__(self, author: MemberId, roster: Roster, surprises: Mapping[MemberId, SurpriseState]) -> None:
        self._author, self._roster, self._count = author, roster, len(surprises)
        reader = None if author in surprises else roster.members.get(author)
        self._others = [
            (state, _known_to(reader, state, roster), roster.members[member].name)
            for member, state in surprises.items()
            if member != author and member in roster.members
        ]

    def is_of(self, author: MemberId, roster: Roster, surprises: Mapping[MemberId, SurpriseState]) -> bool:
        """Returns whether this list was made of these arguments. No member stops waiting while the roster stays the same."""
        return self._author == author and self._roster is roster and self._count == len(surprises)

    def names(
        self, telling: Collection[DescribedEvent], readers: Collection[MemberId], *, unnamed: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Returns the sorted names of the readers who wait for what an event reveals.

        `telling`: the event and all that it refers to, as far as they reveal anything. `unnamed`: the family's own milestones
        whose names are held from the author.
        """
        quiet = [
            name
            for state, met, name in self._others
            if state.member in readers
            and any(one.logged.author != state.member and self._waits(one, state, met, unnamed) for one in telling)
        ]
        return tuple(sorted(quiet)) if quiet else ()

    def _waits(
        self, described: DescribedEvent, state: SurpriseState, met: Container[Subject], unnamed: Collection[str]
    ) -> bool:
        """Returns whether a member waits for what an event reveals, as far as its author may know.

        Choices are declared, so that others can keep quiet. That the member has met the subject counts only where everybody was
        sent that sighting, or the author's own household was. It does not count for an author who waits themselves: sightings of
        the member, or their amendments, may be held from that author, and no receipt may depend on those (law 8).
        """
        if any(self._keeps_own(own, state, met) for own in described.content.own_milestones):
            return True  # an event is held together with the name that it uses, in any thread
        if not unnamed:
            return is_kept(described, state, self._roster, met)
        why = reasons(described, state, self._roster, met)
        return any(reason.choice.scope.removeprefix("milestone:") not in unnamed for reason in why)

    def _keeps_own(self, milestone: str, state: SurpriseState, met: Container[Subject]) -> bool:
        """Returns whether a member may wait for the name of a milestone of the family's own.

        While a name is held, all events about its milestone are held as well, for every child.
        """
        if any((child, milestone) in met for child in self._roster.children):
            return False  # the member recorded it, so they know its name
        if milestone not in self._roster.own_milestones:
            return False
        children = self._roster.children or (None,)
        return any(asks_to_wait(choice_for(child, milestone, state.wishes, self._roster)) for child in children)


def _known_to(reader: Member | None, state: SurpriseState, roster: Roster) -> Container[Subject]:
    """Returns the subjects that a member has met, as far as a reader may know. Without a reader, there are none."""
    if reader is None or reader.sees is Sees.OWN:
        return ()
    is_at_home = roster.members[state.member].household == reader.household
    return state.met.known_at_home if is_at_home else state.met.known_by_all
