"""Names the members who should not learn of what an author wrote, as far as the author may know.

Owns what a receipt's `keep_quiet` states. It follows from three things: what the author wrote, what the author was sent of the
events that this refers to, and declared choices. It never follows from what is held from the author (law 21), nor from what
another member saw alone or opened (law 14). It names at least every member from whom the event is held (law 20). Where the
author cannot know, it names one member too many rather than one too few.
"""

from collections.abc import Collection, Container
from typing import Any

import msgspec

from events.event import Event
from events.family import Sees
from events.kinds import TELLING
from projections.family import Family
from projections.logged_event import Content, DescribedEvent, LoggedEvent, Subject, takes_back
from projections.roster import Member, Roster
from projections.surprise_state import SurpriseState, asks_to_wait, choice_for
from projections.visibility import readers_of
from projections.visibility_fast import is_kept, reasons


def telling_of(
    family: Family, logged: LoggedEvent, event: Event[Any], target: LoggedEvent | None, described: DescribedEvent | None = None
) -> tuple[DescribedEvent, ...]:
    """Returns what an event and all that it refers to reveal by their own content, and by sortings that its author was sent.

    A sorting gives an event one more subject. The event, and every event that refers to it, can be held because of that subject
    (law 20). A sorting that the author was not sent changes no receipt of theirs (law 21).
    """
    if takes_back(logged, target):
        return ()  # it reveals nothing to anybody
    found = family.telling.get(target.seq, ()) if target is not None else ()
    if described is None and logged.kind in TELLING:
        described = family.describe(event, logged, target)
    if described is not None:
        found = telling_with(described, found)
    if found:
        family.telling[logged.seq] = found
    for sorting in family.sortings.get(logged.thread, ()):
        if sorting.seq < logged.seq and logged.author in sorting.logged.delivered_to:
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


def quiet_names(family: Family, telling: Collection[DescribedEvent], logged: LoggedEvent) -> tuple[str, ...]:
    """Returns the sorted names of an event's readers who wait for what it reveals, as far as its author may know.

    `telling`: the event and all that it refers to, as far as they reveal anything.

    Choices are declared, so that others can keep quiet. That a member has met the subject counts only where everybody was sent
    that sighting, or the author's own household was. It does not count for an author who waits themselves: sightings of the
    member, or their amendments, may be held from that author, and no receipt may depend on those (law 8).
    """
    author, roster = logged.author, family.roster
    if not telling or not family.surprises:
        return ()
    readers = readers_of(logged.kind, author, logged.audience, roster)
    reader, unnamed = None if author in family.surprises else roster.members.get(author), family.unnamed_to(author)
    quiet = []
    for member, state in family.surprises.items():
        if member == author or member not in readers:
            continue
        met = _known_to(reader, state, roster)
        if any(one.logged.author != member and _waits(one, state, met, roster, unnamed) for one in telling):
            quiet.append(roster.members[member].name)
    return tuple(sorted(quiet))


def _known_to(reader: Member | None, state: SurpriseState, roster: Roster) -> Container[Subject]:
    """Returns the subjects that a member has met, as far as a reader may know. Without a reader, there are none."""
    if reader is None or reader.sees is Sees.OWN:
        return ()
    is_at_home = roster.members[state.member].household == reader.household
    return state.met.known_at_home if is_at_home else state.met.known_by_all


def _waits(
    described: DescribedEvent, state: SurpriseState, met: Container[Subject], roster: Roster, unnamed: Collection[str]
) -> bool:
    """Returns whether a member waits for what an event reveals. `unnamed`: the names that are held from its author."""
    if any(_keeps_own(own, state, met, roster) for own in described.content.own_milestones):
        return True  # an event is held together with the name that it uses, in any thread
    if not unnamed:
        return is_kept(described, state, roster, met)
    why = reasons(described, state, roster, met)
    return any(reason.choice.scope.removeprefix("milestone:") not in unnamed for reason in why)


def _keeps_own(milestone: str, state: SurpriseState, met: Container[Subject], roster: Roster) -> bool:
    """Returns whether a member may wait for the name of a milestone of the family's own.

    While a name is held, all events about its milestone are held as well, for every child.
    """
    if milestone not in roster.own_milestones or any((child, milestone) in met for child in roster.children):
        return False  # a member who recorded it knows its name
    return any(asks_to_wait(choice_for(child, milestone, state.wishes, roster)) for child in roster.children or (None,))
