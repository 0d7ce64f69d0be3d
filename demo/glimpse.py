"""What three people could read at one moment: both parents their timelines, the sitter her hand-over card.

Owns the reading of these answers. Asks as any device asks, and draws nothing.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from client import ServiceMisspoke
from client.handover_page import Card
from demo.cast import PARENTS, Who
from demo.timelines import TimelineEntry, read_timeline
from demo.troupe import Troupe
from demo.wishes import WAITS


@dataclass(frozen=True, kw_only=True)
class Glimpse:
    """One moment. `timelines` are in the order of the parents; `place` is the last of the waiting parent's feed."""

    timelines: tuple[tuple[TimelineEntry, ...], ...]
    place: int
    cards: tuple[Card, ...]


async def look(troupe: Troupe) -> Glimpse:
    """Read all three. Raises what any call of a device raises."""
    return Glimpse(
        timelines=tuple([read_timeline(await troupe.phones[parent].timeline()) for parent in PARENTS]),
        place=await troupe.phones[WAITS].pull(),
        cards=read_cards(await troupe.phones[Who.SITTER].handover()),
    )


def read_cards(answer: Any) -> tuple[Card, ...]:
    """A service's answer as cards. Raises ServiceMisspoke."""
    try:
        return msgspec.convert(answer["cards"], tuple[Card, ...])
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise ServiceMisspoke(f"expected hand-over cards: {error}") from error


def read_safety_note(answer: Any) -> str:
    """The first safety note of the tips for one child. Raises ServiceMisspoke."""
    try:
        return msgspec.convert(answer["children"][0]["safety"][0]["safety"], str)
    except (msgspec.ValidationError, LookupError, TypeError) as error:
        raise ServiceMisspoke(f"expected tips with a safety note: {error}") from error
