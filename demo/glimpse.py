"""Reads what three members can see at one moment: both parents' timelines, and the sitter's hand-over card.

Owns the parsing of these responses. Uses the same requests as any device, and draws nothing.
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
    """The visible data of one moment. `timelines` are in the order of `PARENTS`; `place` is the last place of Ben's feed."""

    timelines: tuple[tuple[TimelineEntry, ...], ...]
    place: int
    cards: tuple[Card, ...]


async def look(troupe: Troupe) -> Glimpse:
    """Reads the timelines, Ben's last place and the sitter's cards. Raises DeviceError if a request fails."""
    return Glimpse(
        timelines=tuple([read_timeline(await troupe.phones[parent].timeline()) for parent in PARENTS]),
        place=await troupe.phones[WAITS].pull(),
        cards=read_cards(await troupe.phones[Who.SITTER].handover()),
    )


def read_cards(answer: Any) -> tuple[Card, ...]:
    """Parses a response as hand-over cards. Raises ServiceMisspoke if the response has another shape."""
    try:
        return msgspec.convert(answer["cards"], tuple[Card, ...])
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise ServiceMisspoke(f"expected hand-over cards: {error}") from error


def read_safety_note(answer: Any) -> str:
    """Returns the first safety note in a response with one child's tips. Raises ServiceMisspoke if there is none."""
    try:
        return msgspec.convert(answer["children"][0]["safety"][0]["safety"], str)
    except (msgspec.ValidationError, LookupError, TypeError) as error:
        raise ServiceMisspoke(f"expected tips with a safety note: {error}") from error
