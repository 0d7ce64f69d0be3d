"""Draws salts for events, so that a commitment to a few guessable words reveals nothing of them. Owns their length."""

import os
from typing import Final

from events.ids import EventId

SALT_BYTES: Final = 16


class Salts:
    """The salts of a batch, from one call to the kernel."""

    def __init__(self, count: int) -> None:
        drawn = os.urandom(SALT_BYTES * count)
        self._left = [drawn[at : at + SALT_BYTES] for at in range(0, len(drawn), SALT_BYTES)]

    def salt_of(self, event: EventId) -> bytes:
        """Returns a salt for one event."""
        return self._left.pop() if self._left else os.urandom(SALT_BYTES)
