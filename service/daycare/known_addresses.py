"""Remembers from which addresses well-signed calls of daycares came. Does not know what they post."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

REMEMBERED_S: Final = 86_400.0
REMEMBERED_MAX: Final = 10_000
"""Pairs of key and address, about 300 bytes each."""


class KnownAddresses:
    """Holds the addresses from which well-signed calls of each key came, in this process.

    A key's id is no secret. A call that names a key from an unknown address counts in the strangers' budget, and takes no room
    from the key.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._seen_s: OrderedDict[tuple[UUID, str], float] = OrderedDict()

    def knows(self, key_id: UUID, address: str) -> bool:
        """Returns whether a call of this key from this address was signed well within `REMEMBERED_S`."""
        seen_s = self._seen_s.get((key_id, address))
        return seen_s is not None and self._clock_s() - seen_s < REMEMBERED_S

    def remember(self, key_id: UUID, address: str) -> None:
        """Notes a call that was signed well."""
        self._seen_s[key_id, address] = self._clock_s()
        self._seen_s.move_to_end((key_id, address))
        if len(self._seen_s) > REMEMBERED_MAX:
            self._seen_s.popitem(last=False)
