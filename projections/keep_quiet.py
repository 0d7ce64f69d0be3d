"""Names the members who wait for what an author wrote about, as far as the author may know.

Owns the content of a receipt's `keep_quiet`. The names follow from three things: what the author wrote, what the author was sent
of the events to which this refers, and declared choices. They never follow from what is held from the author (law 21), nor from
what another member saw alone or opened (law 14). Every member from whom the event is held is named (law 20). If the author cannot
know whether a member waits, that member is named as well.
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
    """Returns the events that reveal anything among an event, all that it refers to, and the sortings in its thread.

    A sorting gives an event one more subject. The event, and every event that refers to it, can be held because of that subject
    (law 20). Only sortings that the author was sent count, so that no other sorting changes the author's receipt (law 21).
    """
    if takes_back(logged, target):
        return ()  # such a withdrawal reveals nothing to anybody
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
    """Returns `above` with one more event before it, if the event reveals anything that those in `above` do not reveal.

    `above`: the events that reveal anything, among all that the event refers to.
    """
    if described.logged.kind == "MilestoneNamed":
        # Treated as the first name in all cases: whether it is the first depends on names that may be held from its author.
        named: tuple[Subject, ...] = tuple([(None, own) for own in described.content.own_milestones])
        content = Content(subjects=named, own_milestones=described.content.own_milestones)
        return (msgspec.structs.replace(described, content=content),)
    if not described.content.tells or any(_is_alike(described, other) for other in above):
        return above
    return (described, *above)


def _is_alike(one: DescribedEvent, other: DescribedEvent) -> bool:
    """Returns whether two events reveal the same. A thread of a thousand everyday notes reveals no more than its first note."""
    return one.logged.author == other.logged.author and (
        (one.content.stated, one.content.is_everyday, one.content.child)
        == (other.content.stated, other.content.is_everyday, other.content.child)
    )


def quiet_names(family: Family, telling: Collection[DescribedEvent], logged: LoggedEvent) -> tuple[str, ...]:
    """Returns the sorted names of an event's readers who wait for what the event reveals, as far as its author may know.

    `telling`: the result of `telling_of` for the event.

    The author may know choices, because these are declared. A member who has met the subject waits no longer. This counts only if
    the author may know of it: the member's sighting was for the family, or for the author's household. It never counts if the
    author waits as well. Then that sighting may be held from the author, and no receipt may depend on it (law 8).
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
    """Returns the subjects that a member has met, as far as a reader may know of them. Without a reader there are none."""
    if reader is None or reader.sees is Sees.OWN:
        return ()
    is_at_home = roster.members[state.member].household == reader.household
    return state.met.known_at_home if is_at_home else state.met.known_by_all


def _waits(
    described: DescribedEvent, state: SurpriseState, met: Container[Subject], roster: Roster, unnamed: Collection[str]
) -> bool:
    """Returns whether a member waits for what an event reveals.

    `met`: the subjects that the member has met, as far as the event's author may know. `unnamed`: the milestones whose names are
    held from the author.
    """
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
