"""Describes what an event reveals by its own content, for the surprise rule: its subjects, and whether it is an everyday note.

Its own content is what its author states, together with what the author was sent of the event that it refers to, but never what
is held from the author. Knows no member's wishes.
"""

from collections.abc import Container
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET

from events.amend import Amended
from events.event import Event, Role
from events.ids import OWN_PREFIX, ChildId, MemberId, Seq
from events.kinds import ABOUT_A_SUBJECT, EVERYDAY, POSSIBLY_TELLING
from events.observations import MilestoneNamed, MilestoneObserved
from projections.first_saw import sighting_of
from projections.logged_event import LoggedEvent
from projections.roster import OwnMilestone

Subject = tuple[ChildId | None, str]
"""A child and a milestone. None means every child: the name of a family's own milestone is about every child."""

EVERYDAY_AUTHORS: Final = frozenset({Role.CAREGIVER, Role.DAYCARE})

Naming = Literal["first", "moved", "again"]
"""The kind of a MilestoneNamed: the first name, a new name that moves it to another domain, or any other new name."""


class Content(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The subjects and notes that an event reveals: all that the surprise rule needs of its content."""

    subjects: tuple[Subject, ...] = ()
    """The subjects by its own content, or by a sorting. Those of the event that it refers to are not included."""
    own_milestones: tuple[str, ...] = ()
    """The family's own milestones among them."""
    is_everyday: bool = False
    """An everyday note or clip that nobody has sorted: it may reveal anything."""
    child: ChildId | None = None
    """The child of an everyday note; None: every child."""
    stated: tuple[Subject, ...] = ()
    """The subjects by its own content, without any sorting."""
    is_possible: bool = False
    """Whether its words only possibly reveal its subjects. A sorting replaces such subjects."""

    @property
    def tells(self) -> bool:
        """Whether it can reveal anything."""
        return bool(self.subjects) or self.is_everyday


NOTHING: Final = Content()


class DescribedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of the log, described for the rule."""

    logged: LoggedEvent
    content: Content
    received_at: datetime
    sighting: Seq | None = None
    """The sighting that it makes or changes."""
    takes_back: bool = False
    """A withdrawal by the author of the event that it withdraws."""
    is_sorted_by_author: bool = False
    """Whether its author sorted it: that sorting is final."""
    naming: Naming = "first"
    """The kind of a MilestoneNamed. A member from whom the first name is held does not know the milestone."""

    @property
    def seq(self) -> Seq:
        """Its place in the log."""
        return self.logged.seq

    @property
    def is_first_name(self) -> bool:
        """Whether it is the first name of a milestone of the family's own."""
        return self.naming == "first" and self.logged.kind == "MilestoneNamed"


class SubjectChange(msgspec.Struct, frozen=True):
    """An amendment of a sighting, as far as it states another child or milestone."""

    seq: Seq
    author: MemberId
    child: ChildId | None
    milestone: str | None


class SubjectHistory(msgspec.Struct, frozen=True):
    """All children and milestones that a sighting has ever been about, with the amendments that stated them."""

    child: ChildId
    milestones: tuple[str, ...]
    changes: tuple[SubjectChange, ...] = ()

    def sent_to(
        self, member: MemberId, *, sees_own: bool, held: Container[Seq], before: Seq
    ) -> tuple[frozenset[ChildId], frozenset[str]]:
        """Returns the children and milestones that a member was sent, or wrote, before a seq.

        `sees_own`: the member is sent nothing that others write. `held`: the events that are held from them.
        """
        sent = [
            change
            for change in self.changes
            if change.seq < before and (change.author == member or (not sees_own and change.seq not in held))
        ]
        return (
            frozenset({self.child, *(change.child for change in sent if change.child is not None)}),
            frozenset({*self.milestones, *(change.milestone for change in sent if change.milestone is not None)}),
        )


def describe(
    event: Event[Any],
    logged: LoggedEvent,
    target: LoggedEvent | None,
    *,
    role: Role | None,
    sent: tuple[frozenset[ChildId], frozenset[str]] | None,
    naming: Naming,
) -> DescribedEvent:
    """Returns an event, described for the rule.

    `role`: its author's, None before the author has joined. `sent`: for an Amended, what its author was sent of the amended
    sighting; see `SubjectHistory.sent_to`. `naming`: the kind of a MilestoneNamed.
    """
    body = event.event
    content = _content(body, sent, naming)
    if logged.kind in EVERYDAY and role in EVERYDAY_AUTHORS and logged.thread_kind == "NoteWritten":
        content = msgspec.structs.replace(content, is_everyday=True, child=getattr(body, "child", None))
    return DescribedEvent(
        logged,
        content,
        event.received_at,
        sighting_of(logged, target),
        logged.kind == "Withdrawn" and target is not None and target.author == event.author,
        False,
        naming,
    )


def milestones_in(body: Any) -> tuple[str, ...]:
    """Returns the milestones that an event states, or that its words may be about, in the fields that its type declares."""
    kind = type(body).__name__
    if kind in ABOUT_A_SUBJECT:
        stated = () if body.milestone is None else (body.milestone,)
        return (*stated, *getattr(body, "tells_of", ()))
    return body.may_tell_of if kind in POSSIBLY_TELLING else ()


def _content_of_subject(body: Any) -> Content:
    """Returns the content of an event that states a child and a milestone: most of what can be held.

    A sighting that was found in an everyday note counts as an everyday note as well: its words may reveal more than was found.
    """
    if body.milestone is None:
        return NOTHING
    subject: Subject = (body.child, body.milestone)
    if isinstance(body, MilestoneObserved) and body.found_in_prose:
        subjects = (subject, *((body.child, also) for also in body.tells_of))
        own = (body.milestone,) if body.milestone.startswith(OWN_PREFIX) else ()
        return Content(subjects=subjects, own_milestones=own, is_everyday=True, child=body.child, stated=subjects)
    return _about((subject,))


def as_sorted(described: DescribedEvent, subject: Subject | None, *, by: MemberId) -> DescribedEvent:
    """Returns an event after a member sorted it, to a subject or to none. The last sorting counts; its author's own is final."""
    is_by_author = by == described.logged.author
    if described.is_sorted_by_author and not is_by_author:
        return described
    before = described.content
    stated = () if before.is_possible else before.stated
    subjects = tuple(dict.fromkeys((*stated, *((subject,) if subject is not None else ()))))
    content = Content(
        subjects=subjects, own_milestones=_own_of(subjects), stated=before.stated, is_possible=before.is_possible
    )
    return msgspec.structs.replace(described, content=content, is_sorted_by_author=is_by_author)


def as_part_of_sorted(described: DescribedEvent) -> DescribedEvent:
    """Returns an event after its target was sorted: it is held together with its target, and no longer as an everyday note."""
    if not described.content.is_everyday:
        return described
    return msgspec.structs.replace(
        described, content=msgspec.structs.replace(described.content, is_everyday=False, child=None)
    )


def naming_of(event: Event[Any], own_milestones: dict[str, OwnMilestone]) -> Naming:
    """Returns the kind of a MilestoneNamed; `first` for every other event."""
    if type(event.event) is not MilestoneNamed:
        return "first"
    before = own_milestones.get(event.event.milestone)
    if before is None:
        return "first"
    is_later = event.order > (before.named_at, before.named_by)
    return "moved" if is_later and before.domain is not event.event.domain else "again"


def _content(body: Any, sent: tuple[frozenset[ChildId], frozenset[str]] | None, naming: Naming) -> Content:
    kind = type(body).__name__
    if kind in ABOUT_A_SUBJECT:
        return _content_of_subject(body)
    if kind in POSSIBLY_TELLING and body.may_tell_of:
        return _about(tuple([(body.child, key) for key in body.may_tell_of]), is_possible=True)
    match body:
        case Amended() if sent is not None:
            return _about(_brought(body, *sent))
        case MilestoneNamed(milestone=milestone):
            subjects: tuple[Subject, ...] = ((None, milestone),) if naming != "again" else ()
            return Content(subjects=subjects, own_milestones=(milestone,), stated=subjects)
        case _:
            return NOTHING


def _about(subjects: tuple[Subject, ...], *, is_possible: bool = False) -> Content:
    return Content(subjects=subjects, own_milestones=_own_of(subjects), stated=subjects, is_possible=is_possible)


def _brought(amended: Amended, children: frozenset[ChildId], milestones: frozenset[str]) -> tuple[Subject, ...]:
    """Returns the subjects that an amendment of a sighting reveals: "not walking, it was clapping" reveals walking, too."""
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


def change_of(seq: Seq, event: Event[Any]) -> SubjectChange:
    """Returns what an amendment states about the child and the milestone."""
    child, milestone = event.event.changes.child, event.event.changes.milestone
    return SubjectChange(seq, event.author, None if child is UNSET else child, None if milestone is UNSET else milestone)


def brings_a_subject(amended: Amended) -> bool:
    """Returns whether an amendment names another child or milestone."""
    return amended.changes.child is not UNSET or amended.changes.milestone is not UNSET


def history_of(event: Event[Any]) -> SubjectHistory:
    """Returns what a sighting is about before any amendment."""
    body = event.event
    also = body.tells_of if type(body) is MilestoneObserved else ()
    return SubjectHistory(body.child, (body.milestone, *also))


def history_after(history: SubjectHistory, change: SubjectChange) -> SubjectHistory:
    """Returns all that a sighting has been about, after one more amendment."""
    return SubjectHistory(history.child, history.milestones, (*history.changes, change))
