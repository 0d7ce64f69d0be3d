"""Why one event is kept from one member by its own words, naively.

Owns reasons of an event's own: its subjects, a new name, an everyday word that nobody sorted. What is held because something
else is, the oracle says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from events.catalogue import CATALOGUE
from events.ids import ChildId, MemberId
from events.moments import MilestoneNamed
from events.surprise import EnvelopeOpened, Mode
from tests.surprise.reading import (
    Choice,
    Line,
    Log,
    Subject,
    children,
    children_if_unsorted,
    choices,
    domain_of,
    governing,
    has_safety_note,
    is_kept,
    met,
    subjects,
)


@dataclass(frozen=True)
class Reason:
    """One choice that keeps one event."""

    child: ChildId | None
    """None: of the family's own milestone, for whichever child."""
    milestone: str | None
    """The direct subject's; None: nobody has sorted it."""
    choice: Choice

    @property
    def is_hint(self) -> bool:
        """Whether a hint is wished."""
        return self.choice.mode is Mode.HINT

    def is_over(self, received_at: datetime, now: datetime | None) -> bool:
        """Whether the days have passed after which the member wished to be told. `now`: of a clock's tick, else None."""
        days = self.choice.at_most_days
        return now is not None and days is not None and now - received_at >= timedelta(days=days)

    def lies_in(self, opened: EnvelopeOpened, log: Log) -> bool:
        """Whether an envelope that is opened has it in it."""
        if opened.child is not None and opened.child != self.child:
            return False
        if opened.scope == "all" or self.milestone is None:
            return opened.scope == "all"
        return opened.scope in (f"milestone:{self.milestone}", f"domain:{domain_of(log, self.milestone)}")


class Wishes:
    """A member's choices and sightings, as a log has them."""

    def __init__(self, log: Log, member: MemberId) -> None:
        self.log = log
        self.standing = choices(log, member)
        self.met: set[Subject] = met(log, member)

    def of_subject(self, child: ChildId | None, milestone: str) -> list[Reason]:
        """All that keeps one milestone of one child."""
        by_name = governing(self.log, self.standing, child, milestone, by_name_alone=True)
        if has_safety_note(milestone) and not is_kept(by_name):
            return []
        found = []
        for told in sorted({milestone} | CATALOGUE.implied_by(milestone)):
            choice = governing(self.log, self.standing, child, told, by_name_alone=has_safety_note(told))
            if choice is not None and is_kept(choice) and (child, told) not in self.met:
                found.append(Reason(child, milestone, choice))
        return found

    def of_event(self, line: Line) -> list[list[Reason]]:
        """What keeps an event, in groups: each group by itself keeps it, and does so while all of its parts stand."""
        if isinstance(line.body, MilestoneNamed):
            # A name is kept while it is kept for every child, and for one who is still to come.
            of_children = [self.of_subject(child, line.body.milestone) for child in (None, *children(self.log))]
            return [[reason for of_child in of_children for reason in of_child]] if all(of_children) else []
        groups = [[reason] for child, milestone in subjects(self.log, line) for reason in self.of_subject(child, milestone)]
        for child in children_if_unsorted(self.log, line):
            holding = [choice for choice in self.standing.values() if choice.hold_unsorted and is_kept(choice)]
            groups += [[Reason(child, None, choice)] for choice in holding if choice.child in (None, child)]
        return groups
