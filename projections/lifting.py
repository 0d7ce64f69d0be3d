"""Decides which reasons for holding an event an act lifts: an opened envelope, days that have passed, or an own first.

Owns what an envelope holds, and how days are counted. `visibility` decides what is let go once no reason is left.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from events.surprise import EnvelopeOpened
from projections.first_saw import SIGHTING_KINDS
from projections.roster import Roster
from projections.subjects import DescribedEvent
from projections.visibility import Reason
from projections.wishes import Choice

IsLifted = Callable[[DescribedEvent, Reason], bool]


def opened_by(opened: EnvelopeOpened, roster: Roster) -> IsLifted:
    """Returns what an opened envelope lifts: reasons whose subject is in its scope; of everyday notes by `all` alone."""
    kind, _, key = opened.scope.partition(":")

    def is_lifted(described: DescribedEvent, reason: Reason) -> bool:
        content = described.content
        child, milestone = reason.subject or (content.subjects[0] if content.subjects else (content.child, None))
        if opened.child is not None and child is not None and child != opened.child:
            return False
        match kind:
            case "all":
                return True
            case "domain":
                return milestone is not None and roster.domain_of(milestone) == key
            case _:
                return milestone == key

    return is_lifted


def passed_at(now: datetime) -> IsLifted:
    """Returns what time lifts: reasons of choices that wait at most so many days since the event was received."""
    return lambda described, reason: has_passed(reason.choice, since=described.received_at, now=now)


def has_passed(choice: Choice, *, since: datetime, now: datetime) -> bool:
    """Returns whether a choice has waited for as long as it waits at most."""
    return choice.at_most_days is not None and since + timedelta(days=choice.at_most_days) <= now


def found_in_met_words(described: DescribedEvent, reason: Reason) -> bool:
    """Returns whether an own first lifts a reason beside the subjects that it meets: that a daycare's words may tell of more."""
    return reason.subject is None and described.logged.kind in SIGHTING_KINDS


def named(milestone: str) -> IsLifted:
    """Returns what naming a milestone of the family's own lifts: every reason to hold its names from the member who names it."""
    return lambda described, _: described.logged.kind == "MilestoneNamed" and milestone in described.content.own_milestones
