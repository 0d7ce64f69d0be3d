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
from events.observations import MilestoneNamed, MilestoneObserved, NoteWritten, ParentFirstSaw
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
    knew: frozenset[int]
    """The seqs of all that its author had been told when they said it."""
    chain: tuple[int, ...]
    """Its own seq, that of what it refers to, of what that refers to, and so on to the top."""

    @property
    def body(self) -> Any:
        """What the event says."""
        return self.event.event


Log = Sequence[Line]
"""By seq, from 1 on."""


def top(log: Log, line: Line) -> Line:
    """The event at the top of the chain of references: whose author began the thread."""
    return log[line.chain[-1] - 1]


def hangs_from(log: Log, line: Line, seq: int, held: set[int]) -> bool:
    """Whether a line is, or refers to, directly or through others that are held, the event `seq`, which is held."""
    if seq not in held or seq not in line.chain:
        return False
    return all(link in held for link in line.chain[: line.chain.index(seq)])


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


def content(log: Log, line: Line) -> list[Subject]:
    """What an event tells by its own content: what its author says, of what the author knows."""
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
    """What an event tells by its own content, or was sorted to.

    The last of its sortings counts, but what its author says of it is final. What words only may tell of, a sorting replaces.
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
    """Whether somebody may say what an event is about: of a parent's own words only that parent."""
    return sorter == line.event.author or is_helper(log, line.event.author)


def _amends(line: Line, seq: int) -> bool:
    return isinstance(line.body, Amended) and line.about == seq


def is_everyday(log: Log, line: Line) -> bool:
    """Whether an event is an everyday note or clip of a helper, whatever was said of it since."""
    if is_found(line):
        return True
    is_word = isinstance(line.body, NoteWritten | ClipAttached) and isinstance(top(log, line).body, NoteWritten)
    return is_word and is_helper(log, line.event.author)


def is_found(line: Line) -> bool:
    """Whether an event is a milestone that stood in a daycare's words, which may tell of more."""
    return isinstance(line.body, MilestoneObserved) and line.body.found_in_prose


def child_named(line: Line) -> ChildId | None:
    """The child that an event names, if it names one."""
    child: ChildId | None = getattr(line.body, "child", None)
    return child


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
