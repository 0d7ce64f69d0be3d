"""Finds why an event is held from a member by its own content, as plainly as possible.

Owns the reasons in an event's own content: its subjects, a new name of a milestone, an everyday note that nobody sorted. The
oracle decides which events are held because of another held event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from events.amend import Amended
from events.catalogue import CATALOGUE
from events.ids import ChildId, MemberId
from events.observations import MilestoneNamed, MilestoneObserved, ParentFirstSaw
from events.surprise import EnvelopeOpened, Mode, TimePassed
from tests.surprise.reading import (
    Choice,
    Line,
    Log,
    Subject,
    child_named,
    children,
    choices,
    domain_of,
    governing,
    has_safety_note,
    is_everyday,
    is_found,
    is_kept,
    met,
    subjects,
    top,
)


@dataclass(frozen=True)
class Reason:
    """One reason to hold an event: a choice, and the subject, or the unsorted note, to which this choice applies."""

    child: ChildId | None
    """The child of the subject. None means that the event names no child."""
    milestone: str | None
    """The milestone of the subject. None means that the event is an everyday note that nobody has sorted."""
    choice: Choice
    found: str | None = None
    """The first milestone that was found in a daycare's words. Unsorted words are in the envelope of this milestone."""
    tells: frozenset[Subject] = frozenset()
    """All subjects of which a daycare's words certainly tell, with the implied subjects."""

    @property
    def is_hint(self) -> bool:
        """Whether the choice is `hint`."""
        return self.choice.mode is Mode.HINT

    def is_lifted_by(self, act: Line | None, received_at: datetime, log: Log) -> bool:
        """Checks whether an act (an opened envelope, a first, a tick) removes this reason to hold an event.

        `received_at` is the time at which the held event was received.
        """
        if act is not None and isinstance(act.body, EnvelopeOpened):
            return self._lies_in(act.body, log)
        if self.tells and act is not None and isinstance(act.body, MilestoneObserved | ParentFirstSaw | Amended):
            return not self.tells.isdisjoint(newly_met(log, act))
        if act is not None and isinstance(act.body, TimePassed):
            days = self.choice.at_most_days
            return days is not None and act.event.received_at - received_at >= timedelta(days=days)
        return False

    def _lies_in(self, opened: EnvelopeOpened, log: Log) -> bool:
        if self.child is not None and opened.child not in (None, self.child):
            return False
        milestone = self.milestone or self.found
        if opened.scope == "all" or milestone is None:
            return opened.scope == "all"
        return opened.scope in (f"milestone:{milestone}", f"domain:{domain_of(log, milestone)}")


def newly_met(log: Log, act: Line) -> set[Subject]:
    """Returns the subjects that the author of an act has met by this act, and had not met before."""
    return met(log, act.event.author) - met(log[: act.seq - 1], act.event.author)


class Wishes:
    """A member's choices, and the subjects that the member has met, both read from a log."""

    def __init__(self, log: Log, member: MemberId) -> None:
        self.log = log
        self.member = member
        self.standing = choices(log, member)
        self.met: set[Subject] = met(log, member) if self.standing else set()

    def of_subject(self, child: ChildId | None, milestone: str) -> list[Reason]:
        """Returns the reasons to hold an event that tells of a milestone of a child."""
        by_name = governing(self.log, self.standing, child, milestone, by_name_alone=True)
        if has_safety_note(milestone) and not is_kept(by_name):
            return []
        found = []
        for told in sorted({milestone} | CATALOGUE.implied_by(milestone)):
            choice = governing(self.log, self.standing, child, told, by_name_alone=has_safety_note(told))
            if choice is not None and is_kept(choice) and (child, told) not in self.met:
                found.append(Reason(child, milestone, choice))
        return found

    def of_event(self, line: Line, sortings: Sequence[Line] = (), *, is_sorted: bool = False) -> list[list[Reason]]:
        """Returns the reasons to hold an event, in groups. A group stops holding the event when one of its reasons is removed.

        `sortings` are the sortings of the event itself by members who may sort it. `is_sorted`: the event was sorted, or an event
        that it refers to.
        """
        if top(self.log, line).event.author == self.member and line.about is not None:
            return []  # nothing is held in a thread that the member began
        if isinstance(line.body, MilestoneNamed):
            # A name is held if its milestone is kept for every child. A new name for a known milestone is delivered, unless it
            # changes the domain.
            of_children = [self.of_subject(child, line.body.milestone) for child in children(self.log)]
            is_kept_of_all = is_news(self.log, line) and all(of_children)
            return [[reason for of_child in of_children for reason in of_child]] if is_kept_of_all else []
        about = subjects(self.log, line, sortings)
        groups = [[reason] for child, milestone in about for reason in self.of_subject(child, milestone)]
        if is_everyday(self.log, line) and not is_sorted:
            child = child_named(line)
            holding = [choice for choice in self.standing.values() if choice.hold_unsorted and is_kept(choice)]
            found = about if is_found(line) else []
            tells = frozenset((whose, told) for whose, key in found for told in (key, *CATALOGUE.implied_by(key)))
            groups += [
                [Reason(child, None, choice, about[0][1] if about else None, tells)]
                for choice in holding
                if None in (choice.child, child) or choice.child == child
            ]
        return groups


def is_news(log: Log, line: Line) -> bool:
    """Checks whether a line gives a family milestone its first name, or a new domain."""
    namings = [other.event for other in log[: line.seq - 1]
               if isinstance(other.body, MilestoneNamed) and other.body.milestone == line.body.milestone]  # fmt: skip
    if not namings:
        return True
    before = max(namings, key=lambda naming: naming.order)
    is_moved: bool = before.event.domain is not line.body.domain and line.event.order > before.order
    return is_moved
