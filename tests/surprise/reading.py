"""Reads from a log, as plainly as possible: the members, the references, and the choices and sightings of a member.

Each function follows the words of docs/surprise.md and reads the whole log again. The module shares no code with the projections,
and knows no feed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from events.amend import Amended, Withdrawn
from events.catalogue import CATALOGUE, Domain
from events.clips import ClipAttached
from events.event import Event, Role
from events.family import ChildAdded, MemberJoined, MemberLeft
from events.ids import ChildId, MemberId
from events.observations import MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import Mode, Sorted, SurpriseChosen

Subject = tuple[ChildId, str]
Choice = SurpriseChosen
Choices = dict[tuple[ChildId | None, str], Choice]


@dataclass(frozen=True)
class Line:
    """One event of a log, with the seq of the event that it refers to."""

    seq: int
    event: Event[Any]
    about: int | None
    knew: frozenset[int]
    """The seqs of all events that had been delivered to the line's author before this line."""
    chain: tuple[int, ...]
    """The seqs of the event, of its target, of the target's target, and so on."""

    @property
    def body(self) -> Any:
        """The event's content."""
        return self.event.event


Log = Sequence[Line]
"""All lines, in order of seq from 1."""


def top(log: Log, line: Line) -> Line:
    """Returns the first event of a thread. Its author began the thread."""
    return log[line.chain[-1] - 1]


def hangs_from(log: Log, line: Line, seq: int, held: set[int]) -> bool:
    """Checks whether a line is the held event `seq`, or refers to that event, directly or through other held events."""
    if seq not in held or seq not in line.chain:
        return False
    return all(link in held for link in line.chain[: line.chain.index(seq)])


def joined(log: Log) -> dict[MemberId, MemberJoined]:
    """Returns all present members with the facts of their joining."""
    here: dict[MemberId, MemberJoined] = {}
    for line in log:
        if isinstance(line.body, MemberJoined):
            here[line.body.member] = line.body
        if isinstance(line.body, MemberLeft):
            here.pop(line.body.member, None)
    return here


def is_helper(log: Log, author: MemberId) -> bool:
    """Checks whether a member is, or was, a caregiver or a daycare."""
    return any(
        isinstance(line.body, MemberJoined) and line.body.member == author and line.body.role is not Role.PARENT for line in log
    )


def children(log: Log) -> list[ChildId]:
    """Returns all children of the family."""
    return [line.body.child for line in log if isinstance(line.body, ChildAdded)]


def domain_of(log: Log, milestone: str) -> Domain:
    """Returns a milestone's domain. For a milestone of the family's own, the name that was recorded last decides."""
    if milestone in CATALOGUE.by_key:
        return CATALOGUE.by_key[milestone].domain
    namings = [line.event for line in log if isinstance(line.body, MilestoneNamed) and line.body.milestone == milestone]
    domain: Domain = max(namings, key=lambda naming: naming.order).event.domain
    return domain


def choices(log: Log, member: MemberId) -> Choices:
    """Returns a member's choices. Of two choices for the same child and scope, the choice that was recorded later counts."""
    chosen = [line.event for line in log if isinstance(line.body, SurpriseChosen) and line.event.author == member]
    return {(event.event.child, event.event.scope): event.event for event in sorted(chosen, key=lambda event: event.order)}


def met(log: Log, member: MemberId) -> set[Subject]:
    """Returns all subjects that a member has met.

    These are the subjects of the member's own sightings, after all amendments and without withdrawn sightings, and all subjects
    that these subjects imply.
    """
    found: set[Subject] = set()
    for line in log:
        if line.event.author != member or not isinstance(line.body, MilestoneObserved | ParentFirstSaw):
            continue
        if any(isinstance(other.body, Withdrawn) and other.about == line.seq for other in log):
            continue
        child, milestone = line.body.child, line.body.milestone
        thoughts = [other.event for other in log if isinstance(other.body, Amended) and other.about == line.seq]
        for amended in sorted(thoughts, key=lambda event: event.order):
            changes, named = amended.event.changes, amended.event.changes.named()
            child = changes.child if "child" in named else child
            milestone = changes.milestone if "milestone" in named else milestone
        found |= {(child, milestone), *((child, implied) for implied in CATALOGUE.implied_by(milestone))}
    return found


def content(log: Log, line: Line) -> list[Subject]:
    """Returns the subjects of which an event tells by its own content.

    An amendment is read together with the target, and with the target's amendments that were delivered to the author.
    """
    body = line.body
    if isinstance(body, MilestoneObserved | ParentFirstSaw):
        return [(body.child, milestone) for milestone in (body.milestone, *getattr(body, "tells_of", ()))]
    if isinstance(body, NoteWritten):
        return [(body.child, milestone) for milestone in body.may_tell_of]
    if isinstance(body, Sorted):
        return [] if body.milestone is None else [(body.child, body.milestone)]
    if not isinstance(body, Amended) or line.about is None:
        return []
    had = [log[line.about - 1].body, body.changes]
    had += [other.body.changes for other in log[: line.seq - 1] if _amends(other, line.about) and other.seq in line.knew]
    had_children = {one.child for one in had if getattr(one, "child", UNSET) is not UNSET}
    had_milestones = {one.milestone for one in had if getattr(one, "milestone", UNSET) is not UNSET}
    had_milestones |= {milestone for one in had for milestone in getattr(one, "tells_of", ())}
    return [
        (child, milestone)
        for child in sorted(had_children)
        for milestone in sorted(had_milestones)
        if child == body.changes.child or milestone == body.changes.milestone
    ]


def subjects(log: Log, line: Line, sortings: Sequence[Line] = ()) -> list[Subject]:
    """Returns the subjects of which an event tells by its own content or by its sortings.

    The last sorting counts, but the sorting by the event's own author is final. A sorting replaces the subjects of which the
    words only may tell.
    """
    found = content(log, line)
    if not sortings:
        return found
    own = [sorting for sorting in sortings if sorting.event.author == line.event.author]
    counts = (own or list(sortings))[-1]
    if isinstance(line.body, NoteWritten):
        found = []
    return list(dict.fromkeys((*found, *content(log, counts))))


def may_sort(log: Log, sorter: MemberId, line: Line) -> bool:
    """Checks whether a member may sort an event. A parent's own words can be sorted by that parent alone."""
    return sorter == line.event.author or is_helper(log, line.event.author)


def _amends(line: Line, seq: int) -> bool:
    return isinstance(line.body, Amended) and line.about == seq


def is_everyday(log: Log, line: Line) -> bool:
    """Checks whether an event is an everyday note or clip of a helper, no matter whether it was sorted."""
    if is_found(line):
        return True
    is_word = isinstance(line.body, NoteWritten | ClipAttached) and isinstance(top(log, line).body, NoteWritten)
    return is_word and is_helper(log, line.event.author)


def is_found(line: Line) -> bool:
    """Checks whether an event is an observation that was found in a daycare's words. The words may tell of more milestones."""
    return isinstance(line.body, MilestoneObserved) and line.body.found_in_prose


def child_named(line: Line) -> ChildId | None:
    """Returns the child that an event names; None if the event names no child."""
    child: ChildId | None = getattr(line.body, "child", None)
    return child


def has_safety_note(milestone: str) -> bool:
    """Checks whether a milestone has a safety note."""
    return milestone in CATALOGUE.by_key and CATALOGUE.by_key[milestone].safety is not None


def is_kept(choice: Choice | None) -> bool:
    """Checks whether a choice is `keep` or `hint`."""
    return choice is not None and choice.mode is not Mode.TELL


def governing(log: Log, standing: Choices, child: ChildId | None, milestone: str, *, by_name_alone: bool) -> Choice | None:
    """Returns the most specific choice for a milestone of a child. With `by_name_alone`, only choices that name the milestone."""
    scopes = [f"milestone:{milestone}"]
    if not by_name_alone:
        scopes += [f"domain:{domain_of(log, milestone)}", "all"]
    return next((standing[who, scope] for scope in scopes for who in (child, None) if (who, scope) in standing), None)
