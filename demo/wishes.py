"""Defines Ben's choices: the domains whose firsts are held from him until he has seen them himself.

Also decides which events of other members these choices hold from Ben. The service owns the surprise rule. This module repeats a
small part of the rule, so that Ben writes only about entries that his phone can have.
"""

from datetime import timedelta
from typing import Final

from demo.cast import Who
from events.catalogue import CATALOGUE, Domain
from events.observations import MilestoneObserved
from events.surprise import Mode, SurpriseChosen
from events.wire import DeviceBody

WAITS: Final = Who.BEN
EARLY: Final = timedelta(days=4, hours=14, minutes=20)
"""The time from the year's beginning to Ben's choices: he makes them in the first week, before any event could be held."""

WISHES: Final = (
    SurpriseChosen(scope=f"domain:{Domain.MOVEMENT}", mode=Mode.KEEP, hold_unsorted=True, at_most_days=30),
    SurpriseChosen(scope=f"domain:{Domain.TALKING}", mode=Mode.KEEP),
    SurpriseChosen(scope=f"domain:{Domain.THINKING}", mode=Mode.HINT),
)
"""Ben's choices. The first one also holds helpers' everyday notes. It releases each event after at most 30 days."""
IN_WORDS: Final = (
    "Keep movement and talking for me until I have seen it myself; of thinking, a hint will do. "
    "Helpers' everyday notes can wait as well, a month at most."
)
CHOSEN: Final = frozenset(wish.scope.removeprefix("domain:") for wish in WISHES)


def keep(event: DeviceBody) -> bool:
    """Returns whether Ben's choices hold a sighting of another member from him until he has seen the milestone himself.

    Milestones with a safety note are not held.
    """
    if not isinstance(event, MilestoneObserved):
        return False
    listed = CATALOGUE.by_key.get(event.milestone)
    return listed is not None and listed.safety is None and listed.domain in CHOSEN
