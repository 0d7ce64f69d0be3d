"""Describes events for the surprise rule with what a family's state knows: the author's role, and what the author was sent.

Owns which facts a description needs. Says nothing about any member who waits.
"""

from typing import Any

from events.amend import Amended
from events.event import Event
from events.family import Sees
from events.ids import ChildId, MemberId, Seq
from projections.family import Family
from projections.first_saw import SIGHTING_KINDS
from projections.logged_event import LoggedEvent
from projections.subjects import (
    DescribedEvent,
    Naming,
    brings_a_subject,
    change_of,
    describe,
    history_after,
    naming_of,
)


def describe_in(
    family: Family, event: Event[Any], logged: LoggedEvent, target: LoggedEvent | None, *, naming: Naming | None = None
) -> DescribedEvent:
    """Returns an event described for the rule. Call `note_subjects` afterwards. `naming`: if not as the roster has it."""
    author = family.roster.members.get(event.author)
    is_amendment = isinstance(event.event, Amended) and brings_a_subject(event.event)
    return describe(
        event,
        logged,
        target,
        role=author.role if author is not None else None,
        sent=_sent(family, target, logged.seq, event.author) if is_amendment else None,
        naming=naming_of(event, family.roster.own_milestones) if naming is None else naming,
    )


def note_subjects(family: Family, seq: Seq, event: Event[Any], target: LoggedEvent | None) -> None:
    """Remembers what later amendments may need of this event."""
    kind = type(event.event).__name__
    if kind in SIGHTING_KINDS:
        family.subjects[seq] = event
    elif kind == "Amended" and target is not None and target.kind in SIGHTING_KINDS and brings_a_subject(event.event):
        change = change_of(seq, event)
        family.subjects[target.seq] = history_after(family.subject_history(target.seq), change)


def _sent(
    family: Family, target: LoggedEvent | None, seq: Seq, author: MemberId
) -> tuple[frozenset[ChildId], frozenset[str]] | None:
    """Returns what the author of an amendment was sent of the sighting: their words state nothing that they were not sent."""
    if target is None or target.kind not in SIGHTING_KINDS:
        return None
    member, state = family.roster.members.get(author), family.surprises.get(author)
    return family.subject_history(target.seq).sent_to(
        author,
        sees_own=member is None or member.sees is Sees.OWN,
        held=() if state is None else state.holds.events,
        before=seq,
    )
