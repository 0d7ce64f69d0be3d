"""Remembers the addresses that sent correctly signed calls of daycares. Does not know what a call contains."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

REMEMBERED_S: Final = 86_400.0
REMEMBERED_MAX: Final = 10_000
"""Bound on the remembered pairs of key and address. A pair takes about 300 bytes."""


class KnownAddresses:
    """The addresses that sent correctly signed calls to this process, for each key.

    The id of a key is no secret, so everybody can send calls that name the key. The body of a call from an unknown address is
    counted in the body budget of unknown addresses, not in that of keys. So such calls take no room from a daycare's calls.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._seen_s: OrderedDict[tuple[UUID, str], float] = OrderedDict()

    def knows(self, key_id: UUID, address: str) -> bool:
        """Returns whether this address sent a correctly signed call with this key within the last `REMEMBERED_S` seconds."""
        seen_s = self._seen_s.get((key_id, address))
        return seen_s is not None and self._clock_s() - seen_s < REMEMBERED_S

    def remember(self, key_id: UUID, address: str) -> None:
        """Remembers the address of a correctly signed call."""
        self._seen_s[key_id, address] = self._clock_s()
        self._seen_s.move_to_end((key_id, address))
        if len(self._seen_s) > REMEMBERED_MAX:
            self._seen_s.popitem(last=False)
