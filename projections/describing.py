"""Describes events for the surprise rule, with facts from the family's state: the author's role, and what the author was sent.

Owns which facts a description needs. Knows nothing about the members who wait.
"""

from typing import Any

from events.amend import Amended
from events.event import Event
from events.family import Sees
from events.ids import ChildId, MemberId, Seq
from events.kinds import SIGHTINGS
from projections.family import Family
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
    """Returns an event, described for the rule. Call `note_subjects` afterwards.

    `naming`: how a MilestoneNamed names, where that does not follow from the roster.
    """
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
    """Stores in the family what later amendments may need of this event."""
    kind = type(event.event).__name__
    if kind in SIGHTINGS:
        family.subjects[seq] = event
    elif kind == "Amended" and target is not None and target.kind in SIGHTINGS and brings_a_subject(event.event):
        change = change_of(seq, event)
        family.subjects[target.seq] = history_after(family.subject_history(target.seq), change)


def _sent(
    family: Family, target: LoggedEvent | None, seq: Seq, author: MemberId
) -> tuple[frozenset[ChildId], frozenset[str]] | None:
    """Returns the children and milestones of the sighting that the author of an amendment was sent.

    An author's words state nothing that the author was not sent.
    """
    if target is None or target.kind not in SIGHTINGS:
        return None
    member, state = family.roster.members.get(author), family.surprises.get(author)
    return family.subject_history(target.seq).sent_to(
        author,
        sees_own=member is None or member.sees is Sees.OWN,
        held=() if state is None else state.holds.events,
        before=seq,
    )
