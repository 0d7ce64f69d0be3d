"""Finds the event types that declare a given effect. Contains no list of types."""

from typing import Final

from events.event import Body, Effect
from events.wire import BODY_BY_NAME


def types_with(*effects: Effect) -> frozenset[type[Body]]:
    """Returns the types that have any of these effects."""
    return frozenset(body for body in BODY_BY_NAME.values() if any(effect in body.effects for effect in effects))


def kinds_with(*effects: Effect) -> frozenset[str]:
    """Returns the names of the types that have any of these effects."""
    return frozenset(body.__name__ for body in types_with(*effects))


SIGHTINGS: Final = kinds_with(Effect.MAKES_SIGHTING)
SIGHTING_CHANGES: Final = kinds_with(Effect.CHANGES_SIGHTING)
ROSTER_FACTS: Final = kinds_with(Effect.ROSTER_FACT)
ROSTER_CHANGES: Final = kinds_with(Effect.ROSTER_FACT, Effect.CHANGES_ROSTER)
TARGET_CHANGES: Final = kinds_with(Effect.CHANGES_TARGET)
ABOUT_A_SUBJECT: Final = kinds_with(Effect.TELLS_OF_SUBJECT)
POSSIBLY_TELLING: Final = kinds_with(Effect.MAY_TELL)
TELLING: Final = kinds_with(Effect.TELLS, Effect.TELLS_OF_SUBJECT, Effect.MAY_TELL, Effect.EVERYDAY)
EVERYDAY: Final = kinds_with(Effect.EVERYDAY)
SURPRISE_ACTS: Final = kinds_with(Effect.SURPRISE_ACT)
UNDELIVERED: Final = kinds_with(Effect.UNDELIVERED)
