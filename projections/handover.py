"""What to keep quiet, and from whom, as far as somebody may know. Never by what another member saw alone or opened (law 14)."""

from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import Final

from events.family import Sees
from events.ids import MemberId
from projections.roster import Member, Roster
from projections.subjects import Case
from projections.visibility import HasMet, is_kept, reasons
from projections.waiting import About, Waiting

_MET_AT_HOME: Final = attrgetter("met_at_home")
_MET_BY_ALL: Final = attrgetter("met_by_all")

MAY_SPOIL: Final = frozenset({"MilestoneObserved", "ParentFirstSaw", "Sorted", "NoteWritten", "ClipAttached"})


class Quiet:
    """Whom one author has to keep from what they say, as far as that author may know: looked up once for all of it."""

    __slots__ = ("_author", "_roster", "_unnamed", "_waiting", "_who")

    def __init__(self, author: MemberId, roster: Roster, waiting: Mapping[MemberId, Waiting]) -> None:
        self._author, self._roster, self._waiting = author, roster, len(waiting)
        self._unnamed = roster.unnamed.get(author, frozenset())
        reader = roster.members.get(author) if author not in waiting else None
        self._who = [
            (member, waits, _known_to(reader, member, roster), roster.members[member].name)
            for member, waits in waiting.items()
            if member != author and member in roster.members
        ]

    def is_of(self, author: MemberId, roster: Roster, waiting: Mapping[MemberId, Waiting]) -> bool:
        """Whether this was made of these. Nobody ceases to wait while the roster stays what it is."""
        return self._author is author and self._roster is roster and self._waiting == len(waiting)

    def names(self, case: Case, meant: Collection[MemberId]) -> tuple[str, ...]:
        """The names, sorted, of those for whom an event is `meant` and who wait for what it tells."""
        if case.kind not in MAY_SPOIL or not (case.subjects or case.is_unsorted):
            return ()
        quiet = [name for one, waits, met, name in self._who if one in meant and self._waits(case, waits, met)]
        return tuple(sorted(quiet)) if quiet else ()

    def _waits(self, case: Case, waits: Waiting, has_met: HasMet) -> bool:
        """Say whether a member waits for what an event tells, as far as its author may know.

        Choices are declared, so that others can keep quiet. Whether the member has met it by now counts only where everybody
        was told so, or the author's own home was. It does not count for an author who waits themselves: of the other's firsts
        some may be held from them, or what became of one, and no receipt may depend on that (law 8).
        """
        if not self._unnamed:
            return is_kept(case, waits, self._roster, has_met)
        why = reasons(case, waits, self._roster, has_met=has_met)
        return any(reason.choice.scope.removeprefix("milestone:") not in self._unnamed for reason in why)


def _known_to(reader: Member | None, member: MemberId, roster: Roster) -> HasMet:
    """What a reader may know of what a member has met; without a reader nothing."""
    if reader is None or reader.sees is Sees.OWN:
        return _nothing
    return _MET_AT_HOME if roster.members[member].household == reader.household else _MET_BY_ALL


def _nothing(_: About) -> bool:
    return False
