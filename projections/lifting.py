"""Decides which reasons to hold an event are lifted by an act: an opened envelope, days that have passed, or an own first.

Owns what an envelope contains, and how days are counted. `visibility` decides what is released once no reason is left.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from events.kinds import SIGHTINGS
from events.surprise import EnvelopeOpened
from projections.roster import Roster
from projections.subjects import DescribedEvent
from projections.visibility import Reason
from projections.wishes import Choice

IsLifted = Callable[[DescribedEvent, Reason], bool]


def opened_by(opened: EnvelopeOpened, roster: Roster) -> IsLifted:
    """Returns the check for what an opened envelope lifts: the reasons with a subject in its scope.

    A reason without a subject counts as about its event's first subject; where there is none, only `all` lifts it.
    """
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
    """Returns the check for what time lifts: the reasons by choices whose days have passed since the event was received."""
    return lambda described, reason: has_passed(reason.choice, since=described.received_at, now=now)


def has_passed(choice: Choice, *, since: datetime, now: datetime) -> bool:
    """Returns whether the days of a choice have passed, so that it waits no longer. A choice without days never passes."""
    return choice.at_most_days is not None and since + timedelta(days=choice.at_most_days) <= now


def found_in_met_words(described: DescribedEvent, reason: Reason) -> bool:
    """Returns whether an own first lifts a reason without a subject: one that holds a sighting found in a daycare's words.

    Those words may reveal more than the subject that the member has now met.
    """
    return reason.subject is None and described.logged.kind in SIGHTINGS


def named(milestone: str) -> IsLifted:
    """Returns the check for what naming an own milestone lifts: every reason to hold its names from the member who names it."""
    return lambda described, _: described.logged.kind == "MilestoneNamed" and milestone in described.content.own_milestones
