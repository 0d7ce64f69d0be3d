"""Holds Ben's choices: the domains that he waits to see himself.

Owns them, and which events of others they hold from his phone. The service owns the rule. Here a small part of it is repeated,
so that members write only about entries that their phones can have.
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
"""When Ben chooses: an evening of the first week, before any event could be held."""

WISHES: Final = (
    SurpriseChosen(scope=f"domain:{Domain.MOVEMENT}", mode=Mode.KEEP, hold_unsorted=True, at_most_days=30),
    SurpriseChosen(scope=f"domain:{Domain.TALKING}", mode=Mode.KEEP),
    SurpriseChosen(scope=f"domain:{Domain.THINKING}", mode=Mode.HINT),
)
"""Helpers' everyday notes are held as well. Movement is released after 30 days, if he has not seen it by then."""
IN_WORDS: Final = (
    "Keep movement and talking for me until I have seen it myself; of thinking, a hint will do. "
    "Helpers' everyday notes can wait as well, a month at most."
)
CHOSEN: Final = frozenset(wish.scope.removeprefix("domain:") for wish in WISHES)


def keep(event: DeviceBody) -> bool:
    """Returns whether his choices hold this event from him until he has seen it. Milestones with a safety note are not held."""
    if not isinstance(event, MilestoneObserved):
        return False
    listed = CATALOGUE.by_key.get(event.milestone)
    return listed is not None and listed.safety is None and listed.domain in CHOSEN
