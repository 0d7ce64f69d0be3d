"""What an event tells by its own content, as far as the surprise rule asks: its subjects, and whether it is an everyday note.

Its own content is what its author says, and what the author was told of the event that it refers to: never what is held from
the author. Knows no member's wishes.
"""

from collections.abc import Container
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET

from events.amend import Amended
from events.event import Body, Event, Role
from events.ids import OWN_PREFIX, ChildId, MemberId, Seq
from events.observations import MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import Sorted
from projections.first_saw import SIGHTING_KINDS, touched
from projections.logged_event import Past
from projections.roster import OwnMilestone

Subject = tuple[ChildId | None, str]
"""A child and a milestone. None: whichever child, which is what the name of a family's own milestone is about."""

EVERYDAY_AUTHORS: Final = frozenset({Role.CAREGIVER, Role.DAYCARE})
EVERYDAY_KINDS: Final = frozenset({"NoteWritten", "ClipAttached"})
"""What an everyday note can be. A correction of one is none: its author says better what was said already."""

Naming = Literal["first", "moved", "again"]
"""How a MilestoneNamed names: for the first time, into another domain than before, or otherwise anew."""


class Thought(msgspec.Struct, frozen=True):
    """An amendment of a sighting, as far as it says of which child and milestone that was."""

    seq: Seq
    author: MemberId
    child: ChildId | None
    milestone: str | None


class Had(msgspec.Struct, frozen=True):
    """All children and milestones that a sighting was ever said to be about, and by which amendments."""

    child: ChildId
    milestones: tuple[str, ...]
    thoughts: tuple[Thought, ...] = ()

    def known(
        self, by: MemberId, *, sees_own: bool, held: Container[Seq], before: Seq
    ) -> tuple[frozenset[ChildId], frozenset[str]]:
        """Returns the children and milestones that a member knew of before a seq: by what they were sent, and what they wrote.

        `sees_own`: they are sent nothing that others write. `held`: the events that are held from them.
        """
        known = [
            thought
            for thought in self.thoughts
            if thought.seq < before and (thought.author == by or (not sees_own and thought.seq not in held))
        ]
        return (
            frozenset({self.child, *(thought.child for thought in known if thought.child is not None)}),
            frozenset({*self.milestones, *(thought.milestone for thought in known if thought.milestone is not None)}),
        )


class Case(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event, as far as the rule asks whether to keep it from somebody. Rows hold it: new fields come last, with a default."""

    seq: Seq
    kind: str
    thread: Seq
    target_seq: Seq | None
    touches: Seq | None
    """The sighting that it makes or changes."""
    subjects: tuple[Subject, ...]
    """What it tells of: by its own content, or by how somebody sorted it. What it refers to has its own."""
    own: tuple[str, ...]
    """The family's own milestones that it names."""
    is_unsorted: bool
    """An everyday note or clip of which nobody has said what it is about."""
    child: ChildId | None
    """Of an unsorted one, where it names a child."""
    since: datetime
    """When it was received."""
    author: MemberId | None = None
    """None in rows of before."""
    began: MemberId | None = None
    """The author of its thread's first event."""
    said: tuple[Subject, ...] = ()
    """What it tells of by its own content, however it was sorted."""
    is_perhaps: bool = False
    """Its subjects are what its words may tell of: how somebody sorts it takes their place."""
    is_sorted_by_author: bool = False
    """Its author's sorting is final."""
    takes_back: bool = False
    """A withdrawal by the author of what it takes back."""
    names_first: bool = True
    """Of a MilestoneNamed: nobody was told of the milestone before, so it is unknown to a member from whom the name is held."""

    @property
    def tells(self) -> bool:
        """Whether it can tell anybody of anything by its own content."""
        return bool(self.subjects) or self.is_unsorted


def case_of(
    seq: Seq,
    body: Body,
    *,
    author: MemberId,
    since: datetime,
    target: Past | None,
    role: Role | None,
    known: tuple[frozenset[ChildId], frozenset[str]] | None,
    naming: Naming,
) -> Case:
    """Describes an event for the rule, by its own content.

    `role` is its author's, None before they have joined; `known`: what the author knew of the sighting that an Amended changes,
    as `Had.known` says; `naming`: of a MilestoneNamed.
    """
    kind = type(body).__name__
    if kind in SIGHTING_KINDS and target is None:
        return case_of_sighting(seq, body, author=author, since=since)
    subjects, own, is_perhaps = _subjects(body, known, naming)
    is_unsorted = kind in EVERYDAY_KINDS and role in EVERYDAY_AUTHORS and _is_everyday(body, target)
    return Case(
        seq=seq,
        kind=kind,
        thread=seq if target is None else target.thread,
        target_seq=None if target is None else target.seq,
        touches=touched(kind=kind, seq=seq, target=target),
        subjects=subjects,
        own=own,
        is_unsorted=is_unsorted,
        child=getattr(body, "child", None) if is_unsorted else None,
        since=since,
        author=author,
        began=author if target is None else target.thread_author,
        said=subjects,
        is_perhaps=is_perhaps,
        takes_back=kind == "Withdrawn" and target is not None and target.author == author,
        names_first=naming == "first",
    )


def case_of_sighting(seq: Seq, said: Any, *, author: MemberId, since: datetime) -> Case:
    """Describes a sighting that refers to nothing: most of what can be held.

    One that was found in an everyday note is one as well: its words may tell of more than was found.
    """
    milestone, child = said.milestone, said.child
    own = (milestone,) if milestone.startswith(OWN_PREFIX) else ()
    subjects: tuple[Subject, ...] = ((child, milestone),)
    is_found = type(said) is MilestoneObserved and said.found_in_prose
    if is_found:
        subjects += tuple([(child, also) for also in said.tells_of])
    return Case(
        seq, type(said).__name__, seq, None, seq, subjects, own, is_found, child if is_found else None, since,
        author, author, subjects,
    )  # fmt: skip


def as_sorted(case: Case, subject: Subject | None, *, by: MemberId) -> Case:
    """Returns an event as somebody sorted it: to a subject, or to none. The last sorting counts, but its author's is final."""
    is_by_author = by == case.author
    if case.is_sorted_by_author and not is_by_author:
        return case
    said = () if case.is_perhaps else case.said
    subjects = tuple(dict.fromkeys((*said, *((subject,) if subject is not None else ()))))
    return msgspec.structs.replace(
        case, subjects=subjects, own=_own_of(subjects), is_unsorted=False, child=None, is_sorted_by_author=is_by_author
    )


def as_part_of_sorted(case: Case) -> Case:
    """Returns an event that hangs from one that somebody sorted: it waits with that one, and no longer by itself."""
    return msgspec.structs.replace(case, is_unsorted=False, child=None) if case.is_unsorted else case


def naming_of(event: Event[Any], own_milestones: dict[str, OwnMilestone]) -> Naming:
    """Returns how a MilestoneNamed names; `first` for every other event."""
    if type(event.event) is not MilestoneNamed:
        return "first"
    before = own_milestones.get(event.event.milestone)
    if before is None:
        return "first"
    is_later = event.order > (before.named_at, before.named_by)
    return "moved" if is_later and before.domain is not event.event.domain else "again"


def _subjects(
    body: Body, known: tuple[frozenset[ChildId], frozenset[str]] | None, naming: Naming
) -> tuple[tuple[Subject, ...], tuple[str, ...], bool]:
    """Returns the subjects that an event brings, the own milestones among them, and whether it perhaps tells of them."""
    subjects: tuple[Subject, ...] = ()
    match body:
        case ParentFirstSaw(child=child, milestone=milestone) | Sorted(child=child, milestone=str() as milestone):
            subjects = ((child, milestone),)
        case NoteWritten(child=child, may_tell_of=keys) if keys:
            subjects = tuple([(child, key) for key in keys])
            return subjects, _own_of(subjects), True
        case Amended() if known is not None:
            subjects = _brought(body, *known)
        case MilestoneNamed(milestone=milestone):
            return (((None, milestone),) if naming != "again" else ()), (milestone,), False
        case _:
            pass
    return subjects, _own_of(subjects), False


def _brought(amended: Amended, children: frozenset[ChildId], milestones: frozenset[str]) -> tuple[Subject, ...]:
    """Returns the subjects to which an amendment brings a sighting: "not walking, it was clapping" tells of walking, too."""
    child, milestone = amended.changes.child, amended.changes.milestone
    if child is not UNSET:
        children |= {child}
    if milestone is not UNSET:
        milestones |= {milestone}
    return tuple(
        (one, key) for one in sorted(children) for key in sorted(milestones) if one == child or key == milestone
    )  # fmt: skip


def _own_of(subjects: tuple[Subject, ...]) -> tuple[str, ...]:
    return tuple({milestone: None for _, milestone in subjects if milestone.startswith(OWN_PREFIX)})


def thought_of(seq: Seq, event: Event[Any]) -> Thought:
    """Returns what an amendment states about the child and the milestone."""
    child, milestone = event.event.changes.child, event.event.changes.milestone
    return Thought(seq, event.author, None if child is UNSET else child, None if milestone is UNSET else milestone)


def brings_a_subject(amended: Amended) -> bool:
    """Whether an amendment names another child or milestone."""
    return amended.changes.child is not UNSET or amended.changes.milestone is not UNSET


def had_of(event: Event[Any]) -> Had:
    """Returns what a sighting is about before anything is amended."""
    said = event.event
    also = said.tells_of if type(said) is MilestoneObserved else ()
    return Had(said.child, (said.milestone, *also))


def had_after(had: Had, thought: Thought) -> Had:
    """Returns what a sighting was ever about, with one more amendment of it."""
    return Had(had.child, had.milestones, (*had.thoughts, thought))


def _is_everyday(body: Any, target: Past | None) -> bool:
    if target is None:
        return isinstance(body, NoteWritten)
    return target.thread_kind == "NoteWritten"
