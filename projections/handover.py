"""What to keep quiet, and from whom, as far as somebody may know. Never by what another member saw alone or opened (law 14)."""

from collections.abc import Mapping
from typing import Final

from events.event import Audience
from events.ids import MemberId
from projections.roster import Roster
from projections.subjects import Case
from projections.visibility import meant_for, waits_as_known
from projections.waiting import Waiting

MAY_SPOIL: Final = frozenset({"MilestoneObserved", "ParentFirstSaw", "Sorted", "NoteWritten", "ClipAttached"})


def keep_quiet(
    case: Case, *, author: MemberId, audience: Audience, roster: Roster, waiting: Mapping[MemberId, Waiting]
) -> tuple[str, ...]:
    """The names, sorted, of those for whom an event is meant and who wait for what it tells, as far as its author may know."""
    if case.kind not in MAY_SPOIL:
        return ()
    reader = roster.members[author]
    held = waiting[author].held if author in waiting else ()
    return tuple(
        sorted(
            roster.members[member].name
            for member in meant_for(case.kind, author, audience, roster)
            if member != author
            and member in waiting
            and waits_as_known(case, waiting[member], roster, reader=reader, held=held)
        )
    )
