"""Names the members who should not hear of what somebody said, as far as its author may know.

Owns what a receipt's `keep_quiet` says. It follows from what the author said, what they were told of that this refers to, and
from declared choices: never from what is held from the author (law 21), nor from what another member saw alone or opened (law
14). It names at least every member from whom the event is held (law 20); where its author cannot know, it errs to silence.
"""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Final

import msgspec

from events.family import Sees
from events.ids import MemberId, Seq
from projections.roster import Member, Roster
from projections.subjects import Case, Subject
from projections.surprise_state import About, Waiting
from projections.visibility import HasMet, asks_to_wait, choice_for, is_kept, reasons

_MET_AT_HOME: Final = attrgetter("met_at_home")
_MET_BY_ALL: Final = attrgetter("met_by_all")

TELLING: Final = frozenset(
    {"MilestoneObserved", "ParentFirstSaw", "Sorted", "NoteWritten", "ClipAttached", "Amended", "MilestoneNamed"}
)  # fmt: skip
"""The types that can tell of something by their own content."""


class Sorting(msgspec.Struct, frozen=True, gc=False):
    """A sorting of an event in a thread, and the members who were sent it."""

    case: Case
    sent_to: frozenset[MemberId]


def sorted_by_then(sortings: Sequence[Sorting], *, author: MemberId, before: Seq) -> list[Case]:
    """Returns the sortings that an author knew of before a seq.

    An event is held for what it was sorted to as well, and what refers to it is held with it (law 20). A sorting that the author
    was not sent changes no receipt of theirs (law 21).
    """
    return [one.case for one in sortings if one.case.seq < before and author in one.sent_to]


def spoken_with(case: Case, above: tuple[Case, ...]) -> tuple[Case, ...]:
    """Returns what an event tells together with what it refers to tells, everything once."""
    if case.kind == "MilestoneNamed":  # whether it is the first name depends on names that may be held from its author
        named: tuple[Subject, ...] = tuple([(None, own) for own in case.own])
        return (Case(case.seq, case.kind, case.thread, None, None, named, case.own, False, None, case.since, case.author),)
    if not case.tells or any(_is_alike(case, other) for other in above):
        return above
    return (case, *above)


def _is_alike(one: Case, other: Case) -> bool:
    """Whether two events tell the same: a thread of a thousand everyday notes tells no more than its first."""
    return (one.author, one.said, one.is_unsorted, one.child) == (other.author, other.said, other.is_unsorted, other.child)


class Quiet:
    """Whom one author has to keep from what they say, as far as that author may know: looked up once for all of it."""

    __slots__ = ("_author", "_roster", "_unnamed", "_waiting", "_who")

    def __init__(self, author: MemberId, roster: Roster, waiting: Mapping[MemberId, Waiting]) -> None:
        self._author, self._roster, self._waiting = author, roster, len(waiting)
        self._unnamed = roster.unnamed.get(author, frozenset())
        reader = None if author in waiting else roster.members.get(author)
        self._who = [
            (member, waits, _known_to(reader, member, roster), roster.members[member].name)
            for member, waits in waiting.items()
            if member != author and member in roster.members
        ]

    def is_of(self, author: MemberId, roster: Roster, waiting: Mapping[MemberId, Waiting]) -> bool:
        """Whether this was made of these. Nobody ceases to wait while the roster stays what it is."""
        return self._author is author and self._roster is roster and self._waiting == len(waiting)

    def names(self, spoken: Collection[Case], meant: Collection[MemberId]) -> tuple[str, ...]:
        """Returns the names, sorted, of those for whom an event is `meant` and who wait for what it tells.

        `spoken`: its own case and those of all that it refers to, as far as they tell anything.
        """
        quiet = [
            name
            for one, waits, met, name in self._who
            if one in meant and any(case.author != one and self._waits(case, waits, met) for case in spoken)
        ]
        return tuple(sorted(quiet)) if quiet else ()

    def _waits(self, case: Case, waits: Waiting, has_met: HasMet) -> bool:
        """Say whether a member waits for what an event tells, as far as its author may know.

        Choices are declared, so that others can keep quiet. Whether the member has met it by now counts only where everybody
        was told so, or the author's own home was. It does not count for an author who waits themselves: of the other's firsts
        some may be held from them, or what became of one, and no receipt may depend on that (law 8).
        """
        if any(self._keeps_own(own, waits, has_met) for own in case.own):  # held with its name, in whatever thread
            return True
        if not self._unnamed:
            return is_kept(case, waits, self._roster, has_met)
        why = reasons(case, waits, self._roster, has_met=has_met)
        return any(reason.choice.scope.removeprefix("milestone:") not in self._unnamed for reason in why)

    def _keeps_own(self, milestone: str, waits: Waiting, has_met: HasMet) -> bool:
        """Whether a member may wait for the name of a milestone of the family's own.

        With a name everything is held that speaks of it, of whichever child.
        """
        if any(has_met(waits.of((child, milestone))) for child in self._roster.children):
            return False  # they know its name, or they could not have recorded it
        if milestone not in self._roster.own_milestones:
            return False
        children = self._roster.children or (None,)
        return any(asks_to_wait(choice_for(child, milestone, waits, self._roster)) for child in children)


def _known_to(reader: Member | None, member: MemberId, roster: Roster) -> HasMet:
    """What a reader may know of what a member has met; without a reader nothing."""
    if reader is None or reader.sees is Sees.OWN:
        return _nothing
    return _MET_AT_HOME if roster.members[member].household == reader.household else _MET_BY_ALL


def _nothing(_: About) -> bool:
    return False
