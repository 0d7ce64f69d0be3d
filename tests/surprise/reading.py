"""What a log says, read naively: who is in the family, what refers to what, what a member wished and has met.

Every answer scans the whole log anew, by the words of the rule alone. Shares no code with the projections; knows no feed.
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
from events.moments import MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
from events.surprise import Mode, Sorted, SurpriseChosen

Subject = tuple[ChildId, str]
Choice = SurpriseChosen
Choices = dict[tuple[ChildId | None, str], Choice]


@dataclass(frozen=True)
class Line:
    """One event of a log, and the seq of what it refers to."""

    seq: int
    event: Event[Any]
    about: int | None

    @property
    def body(self) -> Any:
        """What the event says."""
        return self.event.event


Log = Sequence[Line]
"""By seq, from 1 on."""


def chain(log: Log, line: Line) -> list[Line]:
    """A line, what it refers to, what that refers to, and so on to the top."""
    found = [line]
    while found[-1].about is not None:
        found.append(log[found[-1].about - 1])
    return found


def top(log: Log, line: Line) -> Line:
    """The event at the top of the chain of references."""
    return chain(log, line)[-1]


def hangs_from(log: Log, line: Line, seq: int, held: set[int]) -> bool:
    """Whether a line is, or refers to, directly or through others that are held, the event `seq`, or that is its thread's top.

    What somebody was told in between stays told, and what refers to that stays about it.
    """
    for link in chain(log, line):
        if link.seq == seq:
            return True
        if link.seq not in held:
            break
    return top(log, line).seq == seq


def joined(log: Log) -> dict[MemberId, MemberJoined]:
    """Everybody who is present."""
    here: dict[MemberId, MemberJoined] = {}
    for line in log:
        if isinstance(line.body, MemberJoined):
            here[line.body.member] = line.body
        if isinstance(line.body, MemberLeft):
            here.pop(line.body.member, None)
    return here


def is_helper(log: Log, author: MemberId) -> bool:
    """Whether somebody is, or was, a caregiver or a daycare."""
    return any(
        isinstance(line.body, MemberJoined) and line.body.member == author and line.body.role is not Role.PARENT for line in log
    )


def children(log: Log) -> list[ChildId]:
    """All children of the family."""
    return [line.body.child for line in log if isinstance(line.body, ChildAdded)]


def domain_of(log: Log, milestone: str) -> Domain:
    """A milestone's domain; of two namings of the family's own, the one that was recorded later counts."""
    if milestone in CATALOGUE.by_key:
        return CATALOGUE.by_key[milestone].domain
    namings = [line.event for line in log if isinstance(line.body, MilestoneNamed) and line.body.milestone == milestone]
    domain: Domain = max(namings, key=lambda naming: naming.order).event.domain
    return domain


def choices(log: Log, member: MemberId) -> Choices:
    """What stands of a member's choices: of two for the same child and scope, the one that was recorded later."""
    chosen = [line.event for line in log if isinstance(line.body, SurpriseChosen) and line.event.author == member]
    return {(event.event.child, event.event.scope): event.event for event in sorted(chosen, key=lambda event: event.order)}


def met(log: Log, member: MemberId) -> set[Subject]:
    """All that a member's own standing sightings tell, as amended, with what they imply."""
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


def subjects(log: Log, line: Line) -> list[Subject]:
    """What an event is about: by its own words, and by what was said later of the thread that it stands in."""
    thread = [other for other in log[line.seq :] if isinstance(other.body, Sorted) and top(log, other) is top(log, line)]
    return list(dict.fromkeys(subject for said in (line, *thread) for subject in _said(log, said)))


def _said(log: Log, line: Line) -> list[Subject]:
    body = line.body
    if isinstance(body, MilestoneObserved | ParentFirstSaw):
        return [(body.child, milestone) for milestone in (body.milestone, *getattr(body, "tells_of", ()))]
    if isinstance(body, Sorted):
        return [] if body.milestone is None else [(body.child, body.milestone)]
    if not isinstance(body, Amended) or line.about is None:
        return []
    had = [log[line.about - 1].body, *(other.body.changes for other in log[: line.seq] if _amends(other, line.about))]
    had_children = {one.child for one in had if getattr(one, "child", UNSET) is not UNSET}
    had_milestones = {one.milestone for one in had if getattr(one, "milestone", UNSET) is not UNSET}
    had_milestones |= {milestone for one in had for milestone in getattr(one, "tells_of", ())}
    return [
        (child, milestone)
        for child in sorted(had_children)
        for milestone in sorted(had_milestones)
        if child == body.changes.child or milestone == body.changes.milestone
    ]


def _amends(line: Line, seq: int) -> bool:
    return isinstance(line.body, Amended) and line.about == seq


def is_unsorted(log: Log, line: Line) -> bool:
    """Whether an event is an everyday word of a helper, in a thread of which nobody said what it is about."""
    first = top(log, line)
    if any(isinstance(other.body, Sorted) and top(log, other) is first for other in log):
        return False
    if is_found(line):
        return True
    if not is_helper(log, line.event.author) or not isinstance(first.body, NoteWritten):
        return False
    changes = line.body.changes.named() if isinstance(line.body, Amended) else ()
    return isinstance(line.body, NoteWritten | ClipAttached) or "child" in changes or "text" in changes


def is_found(line: Line) -> bool:
    """Whether an event is a milestone that stood in a daycare's words, which may tell of more."""
    return isinstance(line.body, MilestoneObserved) and line.body.found_in_prose


def child_named(line: Line) -> ChildId | None:
    """The child that an event names, if it names one."""
    child = getattr(line.body.changes if isinstance(line.body, Amended) else line.body, "child", UNSET)
    return None if child is UNSET else child


def has_safety_note(milestone: str) -> bool:
    """Whether a home has to change on the day that the child can do it."""
    return milestone in CATALOGUE.by_key and CATALOGUE.by_key[milestone].safety is not None


def is_kept(choice: Choice | None) -> bool:
    """Whether a choice is one not to be told."""
    return choice is not None and choice.mode is not Mode.TELL


def governing(log: Log, standing: Choices, child: ChildId | None, milestone: str, *, by_name_alone: bool) -> Choice | None:
    """The choice that decides on a milestone of a child, or of every child."""
    scopes = [f"milestone:{milestone}"]
    if not by_name_alone:
        scopes += [f"domain:{domain_of(log, milestone)}", "all"]
    return next((standing[who, scope] for scope in scopes for who in (child, None) if (who, scope) in standing), None)
