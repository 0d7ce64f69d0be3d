"""What Ben asks not to be told before he has seen it himself.

Owns his choices, and which words of others they keep from his phone. The rule itself is the service's: here it is known just
well enough that nobody writes of what their phone was not told.
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
"""An evening of the first week: before there is anything to wait for."""

WISHES: Final = (
    SurpriseChosen(scope=f"domain:{Domain.MOVEMENT}", mode=Mode.KEEP, hold_unsorted=True, at_most_days=30),
    SurpriseChosen(scope=f"domain:{Domain.TALKING}", mode=Mode.KEEP),
    SurpriseChosen(scope=f"domain:{Domain.THINKING}", mode=Mode.HINT),
)
"""Helpers' everyday notes wait as well; and what he has not seen after a month he would rather hear than miss."""
IN_WORDS: Final = (
    "Keep movement and talking for me until I have seen it myself; of thinking, a hint will do. "
    "Helpers' everyday notes can wait as well, a month at most."
)
CHOSEN: Final = frozenset(wish.scope.removeprefix("domain:") for wish in WISHES)


def keep(event: DeviceBody) -> bool:
    """Whether his wishes keep another's sighting from him, as long as he has not seen it. What has a safety note he is told."""
    if not isinstance(event, MilestoneObserved):
        return False
    listed = CATALOGUE.by_key.get(event.milestone)
    return listed is not None and listed.safety is None and listed.domain in CHOSEN
