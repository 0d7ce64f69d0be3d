"""Says which reasons for holding an event an act lifts: an opened envelope, or days that have passed.

Owns what an envelope holds, and how days are counted. What is let go once no reason is left, `visibility` decides.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from events.surprise import EnvelopeOpened
from projections.roster import Roster
from projections.subjects import Case
from projections.visibility import Reason, domain_of


def opened_by(opened: EnvelopeOpened, roster: Roster) -> Callable[[Case, Reason], bool]:
    """What an opened envelope lifts: reasons whose subject lies in it, by the event's own milestone; everyday notes by `all`."""
    kind, _, key = opened.scope.partition(":")

    def is_lifted(case: Case, reason: Reason) -> bool:
        child, milestone = reason.subject or (case.subjects[0] if case.subjects else (case.child, None))
        if opened.child is not None and child is not None and child != opened.child:
            return False
        match kind:
            case "all":
                return True
            case "domain":
                return milestone is not None and domain_of(milestone, roster) == key
            case _:
                return milestone == key

    return is_lifted


def passed_at(now: datetime) -> Callable[[Case, Reason], bool]:
    """What time lifts: reasons of choices that wait at most so many days since the event was received."""

    def is_lifted(case: Case, reason: Reason) -> bool:
        days = reason.choice.at_most_days
        return days is not None and case.since + timedelta(days=days) <= now

    return is_lifted
