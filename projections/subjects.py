"""What an event is about, as far as the rule asks: its subjects, its thread, and whether anybody said what it is about.

A thread is an event and all that refers to it, directly or not. Knows no member's wishes.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from events.amend import Amended
from events.clips import ClipAttached
from events.event import Body, Event, Role
from events.ids import OWN_PREFIX, ChildId, Seq
from events.moments import MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import Sorted
from projections.first_saw import SIGHTING_KINDS, touched
from projections.past import Past

Subject = tuple[ChildId | None, str]
"""A child and a milestone. None: whichever child, which is what the name of a family's own milestone is about."""

EVERYDAY_AUTHORS: Final = frozenset({Role.CAREGIVER, Role.DAYCARE})
EVERYDAY_KINDS: Final = frozenset({"NoteWritten", "ClipAttached", "Amended"})
"""What an everyday note can be, or can be said by."""


class Had(msgspec.Struct, frozen=True):
    """All children and milestones that a sighting was ever said to be about."""

    children: frozenset[ChildId]
    milestones: frozenset[str]


class Case(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event, as far as the rule asks whether to keep it from somebody."""

    seq: Seq
    kind: str
    thread: Seq
    target_seq: Seq | None
    touches: Seq | None
    """The sighting that it makes or changes."""
    subjects: tuple[Subject, ...]
    """Those that it brings itself; what it refers to has its own."""
    own: tuple[str, ...]
    """The family's own milestones that it names."""
    is_unsorted: bool
    """An everyday note or clip of which nobody has said what it is about."""
    child: ChildId | None
    """Of an unsorted one, where it names a child."""
    since: datetime
    """When it was received."""

    @property
    def alters(self) -> bool:
        """Whether it changes what its thread is about, so that what is said of that later may tell of the change."""
        return self.kind in ("Amended", "Sorted")


def case_of(
    seq: Seq,
    body: Body,
    *,
    since: datetime,
    target: Past | None,
    role: Role | None,
    had: Had | None,
    is_new_name: bool,
    is_sorted: bool,
) -> Case:
    """Describe an event for the rule.

    `role` is its author's, None before they have joined; `had` of the sighting that an Amended changes; `is_sorted`: somebody
    sorted its thread.
    """
    kind = type(body).__name__
    if kind in SIGHTING_KINDS and target is None:
        return case_of_sighting(seq, body, since=since, is_sorted=is_sorted)
    subjects, named = _subjects(body, had, is_new_name)
    is_unsorted = not is_sorted and kind in EVERYDAY_KINDS and role in EVERYDAY_AUTHORS and _is_everyday(body, target)
    return Case(
        seq=seq,
        kind=kind,
        thread=seq if target is None else target.thread,
        target_seq=None if target is None else target.seq,
        touches=touched(kind=kind, seq=seq, target=target),
        subjects=subjects,
        own=named,
        is_unsorted=is_unsorted,
        child=_child(body) if is_unsorted else None,
        since=since,
    )


def case_of_sighting(seq: Seq, said: Any, *, since: datetime, is_sorted: bool) -> Case:
    """Describe a sighting that refers to nothing: most of what can be held.

    One that was found in an everyday note is one as well: its words may tell of more than was found.
    """
    milestone, child = said.milestone, said.child
    own = (milestone,) if milestone.startswith(OWN_PREFIX) else ()
    subjects: tuple[Subject, ...] = ((child, milestone),)
    if type(said) is MilestoneObserved and said.found_in_prose:
        subjects += tuple([(child, also) for also in said.tells_of])
        return Case(seq, type(said).__name__, seq, None, seq, subjects, own, not is_sorted, child, since)
    return Case(seq, type(said).__name__, seq, None, seq, subjects, own, False, None, since)


def _subjects(body: Body, had: Had | None, is_new_name: bool) -> tuple[tuple[Subject, ...], tuple[str, ...]]:
    """The subjects that an event brings, and the own milestones among them."""
    subjects: tuple[Subject, ...] = ()
    match body:
        case ParentFirstSaw(child=child, milestone=milestone) | Sorted(child=child, milestone=str() as milestone):
            subjects = ((child, milestone),)
        case Amended(changes=changes) if had is not None:
            after = had_after(had, body)
            new_child, new_milestone = changes.child, changes.milestone
            subjects = tuple(
                (child, milestone)
                for child in sorted(after.children)
                for milestone in sorted(after.milestones)
                if child == new_child or milestone == new_milestone
            )
        case MilestoneNamed(milestone=milestone):
            return (((None, milestone),) if is_new_name else ()), (milestone,)
        case _:
            pass
    return subjects, tuple({milestone: None for _, milestone in subjects if milestone.startswith(OWN_PREFIX)})


def had_after(had: Had, amended: Amended) -> Had:
    """What a sighting was ever about, with an amendment of it."""
    child, milestone = amended.changes.child, amended.changes.milestone
    return Had(
        had.children if child is UNSET else had.children | {child},
        had.milestones if milestone is UNSET else had.milestones | {milestone},
    )


def brings_a_subject(amended: Amended) -> bool:
    """Whether an amendment names another child or milestone."""
    return amended.changes.child is not UNSET or amended.changes.milestone is not UNSET


def had_of(event: Event[Any]) -> Had:
    """What a sighting is about before anything is amended."""
    said = event.event
    also = said.tells_of if type(said) is MilestoneObserved else ()
    return Had(frozenset({said.child}), frozenset({said.milestone, *also}))


def _is_everyday(body: Any, target: Past | None) -> bool:
    if target is None:
        return isinstance(body, NoteWritten)
    if target.thread_kind != "NoteWritten":
        return False
    match body:
        case NoteWritten() | ClipAttached():
            return True
        case Amended(changes=changes):
            return changes.text is not UNSET or changes.child is not UNSET
        case _:
            return False


def _child(body: Any) -> ChildId | None:
    if isinstance(body, Amended):
        return None if body.changes.child is UNSET else body.changes.child
    child: ChildId | None = getattr(body, "child", None)
    return child
