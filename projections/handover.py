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


def keep_quiet(
    case: Case, *, author: MemberId, meant: Collection[MemberId], roster: Roster, waiting: Mapping[MemberId, Waiting]
) -> tuple[str, ...]:
    """The names, sorted, of those for whom an event is `meant` and who wait for what it tells, as far as its author may know."""
    if case.kind not in MAY_SPOIL or not (case.subjects or case.is_unsorted):
        return ()
    reader = roster.members.get(author) if author not in waiting else None
    unnamed = roster.unnamed.get(author, ()) if roster.unnamed else ()
    quiet = []
    for member, waits in waiting.items():
        if (reader is not None or member != author) and member in meant and _waits(case, waits, roster, unnamed, reader):
            quiet.append(roster.members[member].name)
    return tuple(sorted(quiet))


def _waits(case: Case, waits: Waiting, roster: Roster, unnamed: Collection[str], reader: Member | None) -> bool:
    """Say whether a member waits for what an event tells, as far as its author may know.

    Choices are declared, so that others can keep quiet. Whether the member has met it by now counts only where everybody was
    told so, or the `reader`'s own home was. It does not count for an author who waits themselves, who is no `reader`: of the
    other's firsts some may be held from them, or what became of one, and no receipt may depend on that (law 8).
    """
    met = _known_to(reader, waits.member, roster)
    if not unnamed:
        return is_kept(case, waits, roster, met)
    why = reasons(case, waits, roster, has_met=met)
    return any(reason.choice.scope.removeprefix("milestone:") not in unnamed for reason in why)


def _known_to(reader: Member | None, member: MemberId, roster: Roster) -> HasMet:
    """What a reader may know of what a member has met."""
    if reader is None or reader.sees is Sees.OWN:
        return _nothing
    return _MET_AT_HOME if roster.members[member].household == reader.household else _MET_BY_ALL


def _nothing(_: About) -> bool:
    return False
