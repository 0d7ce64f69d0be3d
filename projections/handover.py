"""What to keep quiet, and from whom, as far as somebody may know. Never by what another member saw alone or opened (law 14)."""

from collections.abc import Mapping
from typing import Final

from events.event import Audience
from events.family import Sees
from events.ids import MemberId
from projections.roster import Member, Roster
from projections.subjects import Case, Subject
from projections.visibility import meant_for, reasons
from projections.waiting import Waiting

MAY_SPOIL: Final = frozenset({"MilestoneObserved", "ParentFirstSaw", "Sorted", "NoteWritten", "ClipAttached"})


def keep_quiet(
    case: Case, *, author: MemberId, audience: Audience, roster: Roster, waiting: Mapping[MemberId, Waiting]
) -> tuple[str, ...]:
    """The names, sorted, of those for whom an event is meant and who wait for what it tells, as far as its author may know."""
    if case.kind not in MAY_SPOIL or not (case.subjects or case.is_unsorted):
        return ()
    meant = meant_for(case.kind, author, audience, roster)
    reader = None if author in waiting else roster.members[author]
    return tuple(
        sorted(
            roster.members[member].name
            for member, waits in waiting.items()
            if member != author and member in meant and _waits(case, waits, roster, author=author, reader=reader)
        )
    )


def _waits(case: Case, waits: Waiting, roster: Roster, *, author: MemberId, reader: Member | None) -> bool:
    """Say whether a member waits for what an event tells, as far as its author may know.

    Choices are declared, so that others can keep quiet. Whether the member has met it by now counts only where everybody was
    told so, or the `reader`'s own home was. It does not count for an author who waits themselves, who is no `reader`: of the
    other's firsts some may be held from them, or what became of one, and no receipt may depend on that (law 8).
    """
    unnamed = roster.unnamed.get(author, frozenset())

    def has_met(subject: Subject) -> bool:
        return reader is not None and any(
            _may_know(waits.own[seq].audience, waits.member, reader, roster) for seq in waits.met.get(subject, ())
        )

    return any(
        reason.choice.scope.removeprefix("milestone:") not in unnamed for reason in reasons(case, waits, roster, has_met=has_met)
    )


def _may_know(audience: Audience, member: MemberId, reader: Member, roster: Roster) -> bool:
    if reader.sees is Sees.OWN or audience is Audience.ME:
        return False
    return audience is Audience.FAMILY or roster.members[member].household == reader.household
