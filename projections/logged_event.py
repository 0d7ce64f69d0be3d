"""Describes an event of the log without its body, for the surprise rule: its place in the log, its references, what it reveals.

What an event reveals by its own content is what its author states, together with what the author was sent of the event to which
it refers. What is held from the author never counts. Knows no member's wishes.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET

from events.amend import Amended
from events.event import Audience, Body, Event, Role
from events.ids import OWN_PREFIX, ChildId, MemberId, Seq
from events.kinds import ABOUT_A_SUBJECT, EVERYDAY, POSSIBLY_TELLING, SIGHTING_CHANGES, SIGHTINGS
from events.observations import MilestoneNamed, MilestoneObserved, ParentFirstSaw
from projections.roster import OwnMilestone

Subject = tuple[ChildId | None, str]
"""A child and a milestone. None instead of a child means every child: the name of an own milestone is about no single child."""

EVERYDAY_AUTHORS: Final = frozenset({Role.CAREGIVER, Role.DAYCARE})

Naming = Literal["first", "moved", "again"]
"""The kind of a MilestoneNamed: a milestone's first name, a new name that moves the milestone to another domain, or any other."""


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of the log without its body: its seq, its author, its references and its recipients."""

    seq: Seq
    author: MemberId
    kind: str
    audience: Audience
    target_seq: Seq | None
    """The seq of the event to which this event refers."""
    thread: Seq
    """The seq of the event that began the thread: the end of the chain of references. Without a target, the event's own seq."""
    thread_kind: str
    thread_author: MemberId
    """The member who began the thread."""
    delivered_to: Collection[MemberId] = ()
    """The members who have this event in their feeds. It may be empty if no code needs the members."""
    is_found: bool = False
    """Whether the event's milestone was found in a daycare's words, and not chosen by a member."""


class Content(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The part of an event's content that the surprise rule needs: the subjects that it reveals, and whether it is everyday."""

    subjects: tuple[Subject, ...] = ()
    """The subjects that the event reveals by its own content or by a sorting. Those of its target are not included."""
    own_milestones: tuple[str, ...] = ()
    """The family's own milestones that the event uses or names."""
    is_everyday: bool = False
    """Whether the event is an everyday note or clip that nobody has sorted. It may reveal anything."""
    child: ChildId | None = None
    """The child of an everyday note; None if it is about every child."""
    stated: tuple[Subject, ...] = ()
    """The subjects that the event reveals by its own content, without any sorting."""
    is_possible: bool = False
    """Whether the event's subjects are uncertain: its words only may reveal them. A sorting replaces such subjects."""

    @property
    def tells(self) -> bool:
        """Whether the event can reveal anything by this content."""
        return bool(self.subjects) or self.is_everyday


NOTHING: Final = Content()


class DescribedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of the log, described for the surprise rule."""

    logged: LoggedEvent
    content: Content
    received_at: datetime
    sighting: Seq | None = None
    """The seq of the sighting that the event makes or changes."""
    takes_back: bool = False
    """Whether it is a withdrawal whose author also wrote the withdrawn event."""
    is_sorted_by_author: bool = False
    """Whether its author has sorted it. The author's sorting is final."""
    naming: Naming = "first"
    """The kind of a MilestoneNamed; without meaning for other types of events."""

    @property
    def seq(self) -> Seq:
        """The event's place in the family's log."""
        return self.logged.seq

    @property
    def is_first_name(self) -> bool:
        """Whether the event gives a milestone of the family's own its first name."""
        return self.naming == "first" and self.logged.kind == "MilestoneNamed"


def logged(seq: Seq, event: Event[Any], target: LoggedEvent | None) -> LoggedEvent:
    """Returns an event without its body, and without its recipients. `target`: the event that it refers to."""
    body, author, audience = event.event, event.author, event.audience
    kind = type(body).__name__
    is_found = type(body) is MilestoneObserved and body.found_in_prose
    if target is None:
        return LoggedEvent(seq, author, kind, audience, None, seq, kind, author, (), is_found)
    began = target.thread, target.thread_kind, target.thread_author
    return LoggedEvent(seq, author, kind, audience, target.seq, *began, (), is_found)


def sighting_of(logged: LoggedEvent, target: LoggedEvent | None) -> Seq | None:
    """Returns the seq of the sighting that an event makes or changes; None if the event concerns no sighting."""
    if logged.kind in SIGHTINGS:
        return logged.seq
    if target is None or logged.kind not in SIGHTING_CHANGES:
        return None
    if target.kind in SIGHTINGS:
        return target.seq
    return target.target_seq if logged.kind == "Withdrawn" and target.kind == "ClipAttached" else None


def takes_back(logged: LoggedEvent, target: LoggedEvent | None) -> bool:
    """Returns whether an event is a withdrawal whose author also wrote the withdrawn event."""
    return logged.kind == "Withdrawn" and target is not None and target.author == logged.author


def describe(
    event: Event[Any],
    logged: LoggedEvent,
    target: LoggedEvent | None,
    *,
    role: Role | None,
    sent: Sequence[Body] = (),
    naming: Naming = "first",
) -> DescribedEvent:
    """Returns an event, described for the surprise rule.

    `role`: the author's role; None before the author has joined. `sent`: for an amendment of a sighting, the sighting and its
    earlier amendments, as far as the author was sent them. `naming`: the kind of a MilestoneNamed.
    """
    body = event.event
    content = _content(body, sent, naming)
    if logged.kind in EVERYDAY and role in EVERYDAY_AUTHORS and logged.thread_kind == "NoteWritten":
        content = msgspec.structs.replace(content, is_everyday=True, child=getattr(body, "child", None))
    return DescribedEvent(
        logged, content, event.received_at, sighting_of(logged, target), takes_back(logged, target), False, naming
    )  # fmt: skip


def milestones_in(body: Any) -> tuple[str, ...]:
    """Returns the milestones that a body states or that its words may be about, in the fields that its type declares for this."""
    kind = type(body).__name__
    if kind in ABOUT_A_SUBJECT:
        stated = () if body.milestone is None else (body.milestone,)
        return (*stated, *getattr(body, "tells_of", ()))
    return body.may_tell_of if kind in POSSIBLY_TELLING else ()


def _content(body: Any, sent: Sequence[Body], naming: Naming) -> Content:
    kind = type(body).__name__
    if kind in ABOUT_A_SUBJECT:
        return _content_of_subject(body)
    if kind in POSSIBLY_TELLING and body.may_tell_of:
        return _about(tuple([(body.child, key) for key in body.may_tell_of]), is_possible=True)
    match body:
        case Amended() if sent:
            return _about(_brought(body, sent))
        case MilestoneNamed(milestone=milestone):
            named: tuple[Subject, ...] = ((None, milestone),) if naming != "again" else ()
            return Content(subjects=named, own_milestones=(milestone,), stated=named)
        case _:
            return NOTHING


def _content_of_subject(body: Any) -> Content:
    """Returns the content of an event that states a child and a milestone. Most events that can be held do so."""
    if body.milestone is None:
        return NOTHING
    if type(body) is MilestoneObserved and body.found_in_prose:
        # Its words may reveal more than was found, so it counts as an everyday note as well.
        subjects = tuple([(body.child, key) for key in milestones_in(body)])
        own = _own_of(subjects[:1])
        return Content(subjects=subjects, own_milestones=own, is_everyday=True, child=body.child, stated=subjects)
    return _about(((body.child, body.milestone),))


def _about(subjects: tuple[Subject, ...], *, is_possible: bool = False) -> Content:
    return Content(subjects=subjects, own_milestones=_own_of(subjects), stated=subjects, is_possible=is_possible)


def _own_of(subjects: tuple[Subject, ...]) -> tuple[str, ...]:
    return tuple({milestone: None for _, milestone in subjects if milestone.startswith(OWN_PREFIX)})


def _brought(amended: Amended, sent: Sequence[Body]) -> tuple[Subject, ...]:
    """Returns the subjects that an amendment of a sighting reveals: each has a child or a milestone that the amendment states.

    The other half of a subject may be new or earlier. If "Noah crawls" becomes "Mia speaks", the pairs are Mia's speaking,
    Mia's crawling and Noah's speaking, but not Noah's crawling.

    `sent`: the sighting and its earlier amendments, as far as the amendment's author was sent them.
    """
    own_children, own_milestones = stated_by(amended)
    children, milestones = own_children, own_milestones
    for body in sent:
        also_children, also_milestones = stated_by(body)
        children, milestones = children | also_children, milestones | also_milestones
    return tuple(
        (child, key)
        for child in sorted(children)
        for key in sorted(milestones)
        if child in own_children or key in own_milestones
    )  # fmt: skip


def stated_by(body: Body) -> tuple[frozenset[ChildId], frozenset[str]]:
    """Returns the children and the milestones that a sighting or an amendment of one states; none for other bodies."""
    match body:
        case MilestoneObserved():
            return frozenset({body.child}), frozenset({body.milestone, *body.tells_of})
        case ParentFirstSaw():
            return frozenset({body.child}), frozenset({body.milestone})
        case Amended(changes=changes):
            child, milestone = changes.child, changes.milestone
            return frozenset(() if child is UNSET else (child,)), frozenset(() if milestone is UNSET else (milestone,))
        case _:
            return frozenset(), frozenset()


def naming_of(event: Event[Any], own_milestones: dict[str, OwnMilestone]) -> Naming:
    """Returns the kind of a MilestoneNamed; `first` for every other event."""
    if type(event.event) is not MilestoneNamed:
        return "first"
    before = own_milestones.get(event.event.milestone)
    if before is None:
        return "first"
    is_later = event.order > (before.named_at, before.named_by)
    return "moved" if is_later and before.domain is not event.event.domain else "again"


def as_sorted(described: DescribedEvent, subject: Subject | None, *, by: MemberId) -> DescribedEvent:
    """Returns an event after a member has sorted it to a subject, or to none.

    The last sorting counts, but the sorting by the event's own author is final.
    """
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
    """Returns an event after its target was sorted. Now it is held with its target, and no longer because it is everyday."""
    if not described.content.is_everyday:
        return described
    return msgspec.structs.replace(
        described, content=msgspec.structs.replace(described.content, is_everyday=False, child=None)
    )
