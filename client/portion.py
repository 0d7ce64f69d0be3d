"""How much a device sends at a time: less, where something on the way takes no more. And when what never got through is tried.

Pure: knows no network, no clock and no draft.
"""

from typing import Final

from client.outbox import PUSH_BYTES_MAX

ASIDE_FIRST_WAIT_S: Final = 60.0
ASIDE_LONGEST_WAIT_S: Final = 6 * 3_600.0
"""A draft that one network does not let through is tried a few times a day, and at every network sooner or later."""


class Portion:
    """The size of the next push, in bytes. It lives as long as the open device: another network may take more."""

    def __init__(self) -> None:
        self.bytes_max = PUSH_BYTES_MAX
        self._ceiling = PUSH_BYTES_MAX

    def was_too_large(self, size_bytes: int) -> None:
        """A push of this size was turned away for its size: no push is ever more than half of it from now on."""
        self._ceiling = min(self._ceiling, max(size_bytes // 2, 1))
        self.bytes_max = self._ceiling

    def was_not_answered(self, size_bytes: int) -> None:
        """A push of this size was not answered: it may have been too much for a slow line, so the next is half of it."""
        self.bytes_max = max(min(self.bytes_max, size_bytes) // 2, 1)

    def all_went_through(self) -> None:
        """Nothing waits any more: the next push may be twice as large. Not earlier, or a slow line is tried again at once."""
        self.bytes_max = min(self.bytes_max * 2, self._ceiling)


def aside_wait_s(*, failures: int) -> float:
    """Seconds until a draft that was set aside is tried again, after so many (1 or more) failures in a row."""
    return min(ASIDE_LONGEST_WAIT_S, ASIDE_FIRST_WAIT_S * 2.0 ** min(failures - 1, 32))
